"""Scripts of widgets: what joining them takes for granted, which no linter sees."""

import re
from collections import Counter

import pytest

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
