"""Files are whole or absent; errors are one sentence."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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


@pytest.mark.parametrize(("name", "place"), [("~/x", "x"), ("~", "."), ("~/a/../b", "b")])
def test_the_home_folder_is_meant_by_a_tilde(name, place, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COURSE_CACHE", name)
    monkeypatch.chdir(tmp_path)
    assert files.cache_folder().resolve() == (tmp_path / "home" / place).resolve()
    assert not Path("~").exists()


def test_an_unknown_home_folder_is_one_sentence(monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", "~nobody-of-this-name/x")
    with pytest.raises(CourseError, match="write the whole path"):
        files.cache_folder()


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_every_error_of_the_system_is_a_sentence_about_itself(number, tmp_path):
    error = OSError(number, os.strerror(number), "/some/file")
    assert files.sentence(error).startswith(f"/some/file: {os.strerror(number)}; ")
    with pytest.raises(CourseError) as info, files.replacing(tmp_path / "a.txt"):
        raise error
    assert f"({os.strerror(number)})" in str(info.value) and "\n" not in str(info.value)
    says_space = "free some space" in str(info.value)
    assert says_space == (number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def test_jupyter_shows_the_sentence_alone():
    assert CourseError("Do this.")._render_traceback_() == ["CourseError: Do this."]
