"""Every file, heading and command that the documents name is there."""

import re
from pathlib import Path

import pytest
import typer.main

from course_tools.cli import app

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PATH = re.compile(
    r"(?:course_lib|course_tools|tests|notebooks|docs|benchmarks|figures|\.github)/[\w./-]+"
)
PLACEHOLDER = re.compile(r"NN|NAME|STUDENT|PROFILE|CLASS|\*")
COMMAND = re.compile(r"^(?:\.venv/bin/)?(course|make) (.+)")

in_each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def course_commands() -> set[str]:
    """Every command of the course, such as "build" or "assignment grade"."""
    names = set()
    group = typer.main.get_command(app)
    for name, command in group.commands.items():
        names |= {name, *(f"{name} {inner}" for inner in getattr(command, "commands", ()))}
    return names


def named_commands(text: str) -> list[tuple[str, str]]:
    """What stands in code spans and indented blocks: ("course", "build 03") and the like."""
    code = CODE.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [line.strip().removeprefix("$ ") for line in text.splitlines() if line[:4] == "    "]
    found = [part for line in [*code, *lines] for part in line.split(" && ")]
    return [match.groups() for part in found if (match := COMMAND.match(part))]


@in_each_document
def test_a_link_leads_somewhere(document):
    for link in LINK.findall(document.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), link


@in_each_document
def test_a_file_that_is_named_is_there(document):
    for code in CODE.findall(document.read_text()):
        for path in PATH.findall(code):
            if not PLACEHOLDER.search(code):
                assert (ROOT / path).exists(), path


@in_each_document
def test_a_command_that_is_named_exists(document):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = course_commands()
    for program, rest in named_commands(document.read_text()):
        words = [word for word in rest.split() if "=" not in word]
        if program == "make" and words:
            assert words[0].rstrip(",.;:") in targets, rest
        if program == "course":
            assert words[0].startswith("-") or words[0] in known, rest
            if words[0] == "assignment" and len(words) > 1:
                assert " ".join(words[:2]) in known, rest


def test_the_commands_are_found():
    text = "Run `make test`.\n\n    $ course assignment grade 03\n    .venv/bin/course build\n"
    assert named_commands(text) == [
        ("make", "test"),
        ("course", "assignment grade 03"),
        ("course", "build"),
    ]
