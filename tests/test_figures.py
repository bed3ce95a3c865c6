"""Figures of several seeds, from runs that are made up."""

import pytest

from course_lib import claims, published
from course_tools import figures, queue


class MadeUp:
    def __init__(self, profile, mse):
        self.manifest = {"profile": profile}
        self.metrics = {"test": {"mse": mse}, "gray_copy_test": {"mse": 0.0066}}


def drawn(figure):
    """Row labels, circles per row, and how many intervals there are."""
    (ax,) = figure.axes
    labels = [text.get_text() for text in ax.get_yticklabels()]
    circles = [line for line in ax.lines if line.get_marker() == "o"]
    return labels, circles, len(ax.containers)


def test_previews_are_single_open_circles_without_an_interval(monkeypatch):
    monkeypatch.setattr(claims, "full_runs", lambda name: {})
    monkeypatch.setattr(published, "load", lambda name: MadeUp("preview", 0.008))
    labels, circles, num_intervals = drawn(figures.seeds())
    assert labels == ["A1, preview", "A2, preview", "B, preview", "C, preview"]
    assert [len(line.get_xdata()) for line in circles] == [1, 1, 1, 1] and num_intervals == 0
    assert {line.get_markerfacecolor() for line in circles} == {"none"}


def test_full_runs_of_all_seeds_are_shown_with_their_interval(monkeypatch):
    full: dict = {}
    for job in queue.jobs("full"):
        full.setdefault(job.name, {})[job.seed] = MadeUp("full", 0.006 + 1e-4 * job.seed)
    monkeypatch.setattr(claims, "full_runs", full.__getitem__)
    labels, circles, num_intervals = drawn(figures.seeds())
    assert labels == ["A1, 5 seeds", "A2, 5 seeds", "B, 3 seeds", "C, 3 seeds"]
    assert [len(line.get_xdata()) for line in circles] == [5, 5, 3, 3] and num_intervals == 4
    assert circles[2].get_xdata() == pytest.approx([0.006, 0.0061, 0.0062])
    assert circles[0].get_markerfacecolor() != "none"


def test_every_figure_has_a_file_and_words_for_it():
    files = [picture.file for picture in figures.PICTURES]
    assert len(set(files)) == len(files)
    for picture in figures.PICTURES:
        assert (figures.FOLDER / picture.file).exists() and len(picture.alt) > 20
