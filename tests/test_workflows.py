"""What GitHub reads is valid, and every command in the workflows exists here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from course_tools.cli import app

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def commands(path):
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


GITHUB = ROOT / ".github"
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
SCHEMAS = {
    **dict.fromkeys(WORKFLOWS, "github-workflows"),
    **dict.fromkeys(FORMS, "github-issue-forms"),
    GITHUB / "ISSUE_TEMPLATE" / "config.yml": "github-issue-config",
    GITHUB / "dependabot.yml": "dependabot",
    ROOT / "CITATION.cff": "citation-file-format",
}


@pytest.mark.slow
@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_what_github_reads_is_valid_by_its_schema(path):
    command = [sys.executable, "-m", "check_jsonschema"]
    done = subprocess.run(
        [*command, "--builtin-schema", f"vendor.{SCHEMAS[path]}", str(path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_a_bug_report_asks_for_the_doctors_report():
    form = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / "bug.yml").read_text())
    asked = {part["id"]: part for part in form["body"]}
    assert "course doctor --report" in asked["report"]["attributes"]["description"]
    assert asked["report"]["validations"]["required"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_command_of_a_workflow_exists(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {(c.name or c.callback.__name__).replace("_", "-") for c in app.registered_commands}
    assert commands(path)
    for command in commands(path):
        words = command.split()
        if words[0] == "make":
            assert words[1] in targets, command
        elif words[0] == ".venv/bin/course":
            assert words[1] in known, command
        else:
            assert words[:3] == [".venv/bin/python", "-m", "pytest"], command


def test_there_is_one_workflow_for_every_push_and_one_for_a_gpu_runner():
    triggers = {p.stem: set(yaml.safe_load(p.read_text())[True]) for p in WORKFLOWS}  # on: is true
    assert {"push"} <= triggers["cpu"]
    assert triggers["gpu"] == {"workflow_dispatch", "schedule"}
    runner = yaml.safe_load((ROOT / ".github/workflows/gpu.yml").read_text())["jobs"]["full"]
    assert runner["runs-on"] == ["self-hosted", "gpu"]
