"""Files are whole or absent; errors are one sentence."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import damage
from course_lib import files
from course_lib.files import CourseError


def test_replacing_keeps_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    with files.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("old")
    with pytest.raises(CourseError, match="free some space"), files.replacing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "old"


def test_a_write_larger_than_allowed_is_one_sentence_in_a_real_process(tmp_path):
    code = (
        "import resource, signal, sys\n"
        "from course_lib import files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    files.write_bytes(sys.argv[1], bytes(2000))\n"
        "except files.CourseError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "big")], capture_output=True, text=True
    )
    assert "could not be written (File too large)" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_json_refuses_what_json_cannot_hold(tmp_path):
    files.write_json(tmp_path / "a.json", {"mse": 0.5})
    with pytest.raises(ValueError):
        files.write_json(tmp_path / "a.json", {"mse": float("nan")})
    assert (tmp_path / "a.json").read_text() == '{\n "mse": 0.5\n}\n'


def test_hashes_are_sha256(tmp_path):
    # SHA-256 of the three bytes "abc": FIPS 180-2, appendix B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / "abc").write_bytes(b"abc")
    assert files.sha256_of_file(tmp_path / "abc") == expected
    assert files.sha256_of_array(np.frombuffer(b"abc", np.uint8)) == expected
    every_other = np.frombuffer(b"a.b.c.", np.uint8)[::2]
    assert files.sha256_of_array(every_other) == expected


def test_a_cache_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(CourseError, match="set COURSE_CACHE"):
        files.cache_folder()


def test_jupyter_shows_the_sentence_alone():
    assert CourseError("Do this.")._render_traceback_() == ["CourseError: Do this."]


TEXTS = st.text('ab"\\{}[]:,\n é✓', max_size=6)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
VALUES = st.dictionaries(st.sampled_from(["name", "mse", "files", "seed"]), PLAIN)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES, st.data())
def test_a_hashed_file_comes_back_and_no_changed_byte_of_it_does(tmp_path_factory, value, data):
    path = tmp_path_factory.mktemp("any") / "value.json"
    files.write_hashed_json(path, value)
    assert files.read_hashed_json(path) == value
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(CourseError, match="is damaged"):
        files.read_hashed_json(path)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"{", b'{"sha256": 1}', b"[" * 9999, b"\xff"]
)
def test_json_without_its_hash_is_damaged(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(CourseError, match="is damaged"):
        files.read_hashed_json(tmp_path / "a.json")


KILLED = """
import os, signal, sys
from course_lib import files
with getattr(files, sys.argv[1])(sys.argv[2]) as temporary:
    print(temporary.name, flush=True)
    if sys.argv[3] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def start(writer, path, end):
    command = [sys.executable, "-c", KILLED, writer, str(path), end]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


@pytest.mark.parametrize("writer", ["replacing", "replacing_folder"])
def test_what_a_killed_process_left_is_deleted_and_what_a_living_one_writes_is_not(
    writer, tmp_path
):
    path = tmp_path / "run.x"
    dead, left = start(writer, path, "die")
    dead.communicate()
    assert damage.names_in(tmp_path) == [left]
    mine = tmp_path / ".run~my own.x"
    mine.write_text("no temporary file")
    living, busy = start(writer, path, "wait")
    assert damage.names_in(tmp_path) == sorted([busy, mine.name])
    with getattr(files, writer)(path):
        pass
    assert damage.names_in(tmp_path) == sorted([busy, mine.name, path.name])
    living.communicate()
    assert living.returncode == 0
    assert damage.names_in(tmp_path) == sorted([mine.name, path.name])


def test_a_folder_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "run"

    def write(text):
        with files.replacing_folder(path) as new:
            (new / "a").write_text(text)
            assert text != "half", "interrupted"

    write("old")
    with pytest.raises(AssertionError):
        write("half")
    too_large = pytest.raises(CourseError, match="could not be written .File too large.")
    with too_large, damage.full_disk():
        write("x" * 2000)
    assert (path / "a").read_text() == "old" and damage.names_in(tmp_path) == ["run"]
    write("new")
    assert (path / "a").read_text() == "new" and damage.names_in(tmp_path) == ["run"]


def test_a_folder_that_was_on_its_way_out_when_the_process_died_comes_back(tmp_path):
    path = tmp_path / "run"
    with files.replacing_folder(path) as new:
        (new / "a").write_text("old")
    path.rename(tmp_path / ".run~old")  # and the new one was not yet in its place
    with pytest.raises(KeyError), files.replacing_folder(path):
        raise KeyError
    assert (path / "a").read_text() == "old" and damage.names_in(tmp_path) == ["run"]
