"""Whole classes: with every fault in them, with workers that die, and with a killed grader."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import psutil
import pytest
import requests
from typer.testing import CliRunner

import classroom
import faults
import needs
from course_lib.files import CourseError
from course_tools.cli import app
from course_tools.grading import gradebook, results
from course_tools.grading.marking import grade_class
from course_tools.grading.sandbox import bubblewrap

pytestmark = needs.sandbox
NAME = faults.NAME
GRADER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import faults
from course_tools.grading.marking import grade_class
if __name__ == "__main__":
    grade_class.grade_class(Path(sys.argv[1]), "01", limits=faults.LIMITS, workers=2)
"""


def grade(folder, **options):
    lines = []
    options = {"limits": faults.LIMITS, "workers": 2, "say": lines.append} | options
    return grade_class.grade_class(folder, "01", **options), lines


def marks(folder):
    with gradebook.opened(folder) as book:
        return {one.student.id: one.score for one in book.assignment_submissions(NAME)}


def processes(mark):
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [path] if mark in path.read_text() else []
        except OSError:
            continue
    return found


def test_a_class_with_every_fault_in_it(tmp_path):
    faults.new_class(tmp_path, 8)
    with gradebook.opened(tmp_path) as book:
        book.update_or_create_assignment(NAME, duedate=datetime(2026, 11, 1, 12))
    summary, lines = grade(tmp_path)
    faults.assert_it_ended_well(tmp_path, 8)
    assert len(lines) == 8 + len(faults.FAULTS)
    assert set(summary.failed) == {
        name for name, fault in faults.FAULTS.items() if fault.status == "failed"
    }
    assert summary.missing == ["absent"] and summary.late == ["late"]
    assert not processes(faults.MARK)
    found = {result.student: result.points for result in results.read_all(tmp_path, NAME)}
    assert marks(tmp_path) == {who: found[who] for who in found if who != "absent"}

    before = {path.name: path.read_bytes() for path in (tmp_path / "results" / NAME).iterdir()}
    again, _ = grade(tmp_path)
    assert again.graded == [] and again.as_before == len(summary.graded)
    assert sorted(again.failed) == sorted(summary.failed)  # named again
    faults.assert_it_ended_well(tmp_path, 8)
    after = {path.name: path.read_bytes() for path in (tmp_path / "results" / NAME).iterdir()}
    tried_again = {
        "absent.json",
        *(f"{name}.json" for name in ("link", "no-notebook", "too-large")),
    }
    assert {name for name in after if after[name] != before[name]} <= tried_again


def without_times(folder):
    """All results, but for when they were made and how long it took."""
    found = results.read_all(folder, NAME)
    for result in found:
        result.graded_at = ""
        for part in [result, *result.exercises]:
            part.seconds = 0
    return found


def kill_and_start_again(folder, times, seed):
    """Kill the grader at so many random moments, then let one come to its end."""
    script = folder / "grader.py"
    script.write_text(GRADER)
    command = [sys.executable, str(script), str(folder), str(Path(faults.__file__).parent)]
    moments = random.Random(seed)
    killed = 0
    for _ in range(times):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as grader:
            try:
                grader.wait(moments.uniform(0.5, 10))
            except subprocess.TimeoutExpired:
                os.kill(grader.pid, signal.SIGKILL)
                killed += 1
            grader.stdout.close()
            grader.stderr.close()
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return killed


def test_killing_the_grader_loses_and_doubles_nothing(tmp_path):
    disturbed, undisturbed = tmp_path / "disturbed", tmp_path / "undisturbed"
    for folder in (disturbed, undisturbed):
        folder.mkdir()
        faults.new_class(folder, 12, faults=False)
    grade(undisturbed)
    assert kill_and_start_again(disturbed, 3, seed=1) > 0
    faults.assert_it_ended_well(disturbed, 12, faults=False)
    assert without_times(disturbed) == without_times(undisturbed)
    assert marks(disturbed) == marks(undisturbed)


def test_a_cluster_whose_worker_dies_loses_nothing(tmp_path):
    from dask.distributed import LocalCluster

    faults.new_class(tmp_path, 6, faults=False)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0"
    ) as cluster:
        lines = []

        def say(line):
            if not lines:
                os.kill(cluster.workers[0].pid, signal.SIGKILL)
            lines.append(line)

        grade(tmp_path, scheduler=cluster.scheduler_address, say=say)
    faults.assert_it_ended_well(tmp_path, 6, faults=False)
    assert len(lines) == 6


def test_changed_tests_grade_again_and_say_whose_mark_was_what(tmp_path):
    faults.new_class(tmp_path, 1, faults=False)
    grade(tmp_path)
    private = tmp_path / "private" / "01.py"
    private.parent.mkdir(exist_ok=True)
    private.write_text(
        "from course_lib.checks import Check\n"
        "CHECKS = {'01.gray_pixel': Check(lambda: [(1.0, 0.0, 0.0)], lambda *rgb: 7, {})}"
    )
    summary, _ = grade(tmp_path)
    assert summary.graded == ["honest-000"]
    result = results.read(tmp_path, NAME, "honest-000")
    assert result.points == 5
    assert [entry.points for entry in result.history] == [6]


def test_private_tests_that_do_not_work_are_refused(tmp_path):
    classroom.new_class(tmp_path, classroom.quick())
    private = tmp_path / "private"
    private.mkdir(exist_ok=True)
    (private / "01.py").write_text("CHECKS = 3")
    with pytest.raises(CourseError, match=r"private/01.py"):
        grade(tmp_path)
    check = "Check(lambda: [(1.0, 0.0, 0.0)], lambda *rgb: 7, {})"
    (private / "01.py").write_text(
        f"from course_lib.checks import Check\nCHECKS = {{'01.gray_pixl': {check}}}"
    )
    with pytest.raises(CourseError, match=r"'01.gray_pixl'.*its exercises are 01.gray_pixel, "):
        grade(tmp_path)
    (private / "01.py").unlink()
    for seed in ("seven", "0", "-5"):
        (private / "seed.txt").write_text(seed)
        with pytest.raises(CourseError, match="whole number above 0"):
            grade(tmp_path)


def test_workers_here_listen_to_nobody():
    """Who has an account on this machine must not be able to give the grader's workers orders."""
    with grade_class._client(None, 2) as client:
        assert client.scheduler.address.startswith("inproc://")
        listening = [one for one in psutil.Process().net_connections() if one.status == "LISTEN"]
        for place in listening:  # web pages that Dask insists on, emptied
            assert place.laddr.ip == "127.0.0.1"
            page = requests.get(f"http://127.0.0.1:{place.laddr.port}/health", timeout=30)
            assert page.status_code == 404


def test_who_is_not_in_the_class_is_not_graded_as_missing(tmp_path):
    faults.new_class(tmp_path, 1, faults=False)
    with pytest.raises(CourseError, match="'Nobody': not on the class list"):
        grade(tmp_path, students=["honest-000", "Nobody"])
    assert not results.read_all(tmp_path, NAME)


def test_columns_are_as_wide_as_the_longest_name(tmp_path):
    classroom.new_class(tmp_path, classroom.quick(), NAME)
    (tmp_path / "students.csv").write_text("student\nann\nanna-maria-of-the-long-name\n")
    _, lines = grade(tmp_path)
    assert len(lines) == 2 and len({line.index("missing") for line in lines}) == 1


def test_two_graders_do_not_meet(tmp_path):
    classroom.new_class(tmp_path, classroom.quick())
    (tmp_path / "results").mkdir()
    with (
        grade_class.FileLock(tmp_path / "results" / f".{NAME}.lock"),
        pytest.raises(CourseError, match="already"),
    ):
        grade(tmp_path)


def test_the_command_says_what_it_did(tmp_path):
    faults.new_class(tmp_path, 1, faults=False)
    runner = CliRunner()
    done = runner.invoke(app, ["assignment", "grade", "01", "--class", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "honest-000" in done.output and "6 of 6" in done.output
    assert done.output.endswith("1 graded; 0 as before.\n")
    result = json.loads((tmp_path / "results" / NAME / "honest-000.json").read_text())
    keys = "schema student assignment submission_sha256 tests_sha256 status remark late_seconds "
    keys += "seconds graded_at exercises written history"
    assert result.keys() >= set(keys.split())
    assert time.time() - datetime.fromisoformat(result["graded_at"]).timestamp() < 300


def test_without_bubblewrap_nothing_is_graded(tmp_path, monkeypatch):
    faults.new_class(tmp_path, 1, faults=False)

    def missing():
        raise bubblewrap.SandboxError(bubblewrap.INSTALL.format(state="missing"))

    monkeypatch.setattr(bubblewrap, "require", missing)
    with pytest.raises(CourseError, match="sudo apt install bubblewrap"):
        grade(tmp_path)
    assert not (tmp_path / "results" / NAME).exists()


def test_no_scheduler_is_said_in_a_sentence(tmp_path, monkeypatch):
    faults.new_class(tmp_path, 1, faults=False)
    monkeypatch.setattr(grade_class, "CONNECT_SECONDS", 1)
    with pytest.raises(CourseError, match="No Dask scheduler answers"):
        grade(tmp_path, scheduler="tcp://127.0.0.1:1")


def test_a_scheduler_without_workers_is_said_and_waited_for(tmp_path):
    from dask.distributed import LocalCluster

    faults.new_class(tmp_path, 1, faults=False)
    with LocalCluster(
        n_workers=0, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0"
    ) as cluster:
        lines = []

        def say(line):
            if "has no workers" in line:
                cluster.scale(1)
            lines.append(line)

        grade(tmp_path, scheduler=cluster.scheduler_address, say=say)
    assert f"dask worker {cluster.scheduler_address}" in lines[0]
    faults.assert_it_ended_well(tmp_path, 1, faults=False)


def test_a_result_that_cannot_be_read_or_written_fails_one_student(tmp_path, monkeypatch):
    faults.new_class(tmp_path, 3, faults=False)
    grade(tmp_path)
    damaged = results.path(tmp_path, NAME, "honest-001")
    damaged.write_bytes(b"{")
    record = results.record

    def fails(folder, grading, *others):
        if grading.student == "honest-002" and grading.status == "graded":
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "half a character")
        return record(folder, grading, *others)

    monkeypatch.setattr(results, "record", fails)
    summary, lines = grade(tmp_path, force=True)
    assert summary.graded == ["honest-000", "honest-001"] and summary.failed == ["honest-002"]
    assert damaged.with_suffix(".damaged").read_bytes() == b"{"
    assert any("UnicodeEncodeError" in line for line in lines)
    assert any("honest-001.damaged" in line for line in lines)


def test_an_assignment_that_is_not_there(tmp_path):
    with pytest.raises(CourseError, match="release it first"):
        grade(tmp_path)
