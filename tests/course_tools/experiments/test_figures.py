"""Figures of several seeds, from invented runs."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from course_lib.results import claims
from course_tools.experiments import figures, training_queue


class MadeUp:
    def __init__(self, mse):
        self.metrics = {"test": {"mse": mse}, "gray_copy_test": {"mse": 0.0066}}


def drawn(figure):
    """Row labels, circles per row, and how many intervals there are."""
    (ax,) = figure.axes
    labels = [text.get_text() for text in ax.get_yticklabels()]
    circles = [line for line in ax.lines if line.get_marker() == "o"]
    return labels, circles, len(ax.containers)


def as_png(pixels):
    file = BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def test_one_seed_is_a_single_circle_without_an_interval(monkeypatch):
    monkeypatch.setattr(claims, "runs_by_seed", lambda name: {0: MadeUp(0.008)})
    labels, circles, num_intervals = drawn(figures.seeds())
    assert labels == ["A1, one seed", "A2, one seed", "B, one seed", "C, one seed"]
    assert [len(line.get_xdata()) for line in circles] == [1, 1, 1, 1] and num_intervals == 0


def test_all_seeds_are_shown_with_their_interval(monkeypatch):
    full: dict = {}
    for planned in training_queue.planned_runs():
        full.setdefault(planned.name, {})[planned.seed] = MadeUp(0.006 + 1e-4 * planned.seed)
    monkeypatch.setattr(claims, "runs_by_seed", full.__getitem__)
    labels, circles, num_intervals = drawn(figures.seeds())
    assert labels == ["A1, 5 seeds", "A2, 5 seeds", "B, 3 seeds", "C, 3 seeds"]
    assert [len(line.get_xdata()) for line in circles] == [5, 5, 3, 3] and num_intervals == 4
    assert circles[2].get_xdata() == pytest.approx([0.006, 0.0061, 0.0062])


@pytest.mark.parametrize(("levels", "same"), [(0, True), (2, True), (3, False)])
def test_a_figure_is_replaced_if_somebody_could_see_why(levels, same):
    picture = np.full((6, 4, 3), 100, np.uint8)
    changed = picture.copy()
    changed[5, 3, 2] += levels
    assert figures.are_alike(as_png(picture), as_png(changed)) == same
    assert not figures.are_alike(as_png(picture), as_png(picture[1:]))


def test_every_figure_has_a_file_and_words_for_it():
    files = [picture.file for picture in figures.PICTURES]
    assert len(set(files)) == len(files)
    for picture in figures.PICTURES:
        assert (figures.FOLDER / picture.file).exists() and len(picture.alt) > 20
