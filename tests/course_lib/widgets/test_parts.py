"""Scripts of widgets: what joining them takes for granted, which no linter sees."""

import re
from collections import Counter

import pytest
from matplotlib.figure import Figure

from course_lib import plots
from course_lib.widgets import compare, latent, mixer, parts, rates, scrubber

KINDS = [
    compare.Compare,
    latent.FeatureMaps,
    latent.Walk,
    mixer.Mixer,
    parts.Notice,
    rates.Rates,
    scrubber.Scrubber,
]
DECLARATION = re.compile(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|^ *//.*?$", re.MULTILINE | re.DOTALL)


def code(script):
    return COMMENT.sub("", script)


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_is_declared_twice_in_the_script_of_a_widget(kind):
    names = Counter(DECLARATION.findall(code(kind._esm)))
    assert {"html", "kernelRequests", "lineChart", "render"} <= set(names)
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_script_of_a_widget_is_one_module_without_imports(kind):
    assert len(re.findall(r"^export default", kind._esm, re.MULTILINE)) == 1
    assert re.findall(r"^\s*import\b", code(kind._esm), re.MULTILINE) == []


def test_every_script_belongs_to_a_widget():
    scripts = [kind._esm for kind in KINDS]
    for path in parts.FOLDER.glob("*.js"):
        assert any(path.read_text() in script for script in scripts), path.name


def test_nothing_is_declared_in_the_shared_scripts_that_nothing_uses():
    everything = code("\n".join(path.read_text() for path in parts.FOLDER.glob("*.js")))
    shared = code("\n".join((parts.FOLDER / name).read_text() for name in parts.SHARED_SCRIPTS))
    unused = [
        name
        for name in DECLARATION.findall(shared)
        if len(re.findall(rf"\b{name}\b", everything)) < 2
    ]
    assert unused == []


def test_charts_have_the_colours_of_the_static_plots():
    style = (parts.FOLDER / "parts.css").read_text()
    colours = dict(re.findall(r"--g2c-(\d): (#\w+);", style))
    assert len(re.findall(r"--g2c-\d:", style)) == len(colours), "one palette, light or dark"
    assert [colours[str(i)] for i in range(6)] == [colour.lower() for colour in plots._COLOURS]


def test_a_widget_is_shown_as_its_still_and_then_its_view(monkeypatch):
    shown = []
    monkeypatch.setattr(parts, "display", lambda data, **options: shown.append(data))
    widget = parts.Notice(Figure(), 'What is <seen>, "as said"', error="x")
    widget._ipython_display_()
    still, view = shown
    assert list(view) == [parts.VIEW] and parts.VIEW not in still
    assert still["text/plain"] == 'What is <seen>, "as said"'
    assert 'alt="What is &lt;seen&gt;, &quot;as said&quot;"' in still["text/html"]
    assert f"base64,{still['image/png']}" in still["text/html"]
    assert widget.still_id in still["text/html"]


def test_mappings_are_sent_as_pairs_since_json_sorts_keys():
    widget = rates.explore_schedules([3.0, 2.0, 1.0])
    sent = widget.get_state("others")["others"]
    assert [name for name, _ in sent] == ["constant", "step", "cosine", "one-cycle"]
    assert dict(sent) == widget.others
