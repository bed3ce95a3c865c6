"""`course doctor` finds whatever would make a lesson or a command fail later."""

import errno
import json
import os
import platform
import resource
import shutil
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from course_lib import baselines, data, files
from course_lib.results import published
from course_tools import cli, doctor
from course_tools.dataset import fetch
from course_tools.lessons import lesson_source

runner = CliRunner()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cifar10"


@pytest.fixture
def filled(cache, tmp_path, monkeypatch):
    """The cache, filled with a few images that represent CIFAR-10 in this test."""
    some = data.load_cifar10("sample")
    arrays = {"x_train": some.x_train[:20], "x_test": some.x_test[:10]}
    arrays |= {
        f"y_{part}": np.zeros(len(arrays[f"x_{part}"]), np.uint8) for part in ("train", "test")
    }
    hashes = {name: files.sha256_of_array(array) for name, array in arrays.items()}
    monkeypatch.setattr(data, "ARRAY_HASHES", hashes)
    np.savez(tmp_path / "stick.npz", **arrays)
    fetch.fetch_cifar10(str(tmp_path / "stick.npz"))
    return cache


@pytest.fixture
def assets(tmp_path, monkeypatch):
    """A copy of what ships with the course, to be damaged."""
    copy = tmp_path / "assets"
    shutil.copytree(data.SAMPLE_FILE.parent, copy)
    monkeypatch.setattr(data, "SAMPLE_FILE", copy / data.SAMPLE_FILE.name)
    monkeypatch.setattr(baselines, "GRAY_LEVEL_TABLE", copy / baselines.GRAY_LEVEL_TABLE.name)
    monkeypatch.setattr(published.load, "__defaults__", (copy / "runs",))
    baselines._bundled_table.cache_clear()
    yield copy
    baselines._bundled_table.cache_clear()


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


def braces(path):
    path.write_text("{}")


def nested(path):
    path.write_text("[" * 100_000)


def found(check, *arguments):
    """The finding, as `course doctor` comes to it: one sentence in any case."""
    finding = doctor._found("this", lambda: check(*arguments))
    assert "\n" not in finding.sentence and "Traceback" not in finding.sentence
    return finding


@pytest.mark.parametrize(
    ("version", "ok"), [((3, 10), False), ((3, 11), True), ((3, 12), True), ((3, 13), False)]
)
def test_doctor_knows_the_pythons_that_serve(version, ok):
    assert doctor.python_version(version).ok is ok


def test_doctor_holds_packages_against_the_lock(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "numpy==2.4.6 \\\n    --hash=sha256:00\n    # via torch\n"
        "PyYAML==6.0.3 \\\n    --hash=sha256:00\n"
        'colorama==1.0 ; sys_platform == "nowhere" \\\n    --hash=sha256:00\n'
    )
    locked = doctor.locked_versions(lock)
    assert locked == {"numpy": "2.4.6", "pyyaml": "6.0.3"}
    assert doctor.packages(locked, {"numpy": "2.4.6", "pyyaml": "6.0.3", "more": "1"}).ok
    differs = doctor.packages(locked, {"numpy": "2.0.0"})
    assert not differs.ok
    assert "numpy is 2.0.0 and not 2.4.6; pyyaml is missing and not 6.0.3" in differs.sentence
    assert not doctor.packages({}, {}).ok


def test_the_doctors_report_can_be_pasted_and_names_no_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    findings = [
        doctor.Finding(True, f"CIFAR-10 is in the cache ({tmp_path}/cache)."),
        doctor.Finding(False, "Too little memory."),
    ]
    monkeypatch.setattr(doctor, "examine", lambda: findings)
    told = runner.invoke(cli.app, ["doctor", "--report"])
    assert told.exit_code == 0
    assert str(tmp_path) not in told.output and "(~/cache)" in told.output
    assert "**fix**: Too little memory." in told.output
    assert f"gray-to-color {metadata.version('gray-to-color')}, commit " in told.output
    assert f"python {platform.python_version()}" in told.output


def test_doctor_outlives_frameworks_that_abort():
    aborted = doctor.frameworks("import os; os.abort()")
    assert not aborted.ok
    assert "do not work together here: the process ended with -6" in aborted.sentence
    assert "PyTorch sees a GPU X" in doctor.frameworks("print('\"a GPU X\"')").sentence


def test_what_ships_is_whole():
    for check in (doctor.sample, doctor.gray_level_table, doctor.published_runs):
        assert found(check).ok
    assert found(doctor.lessons, lesson_source.ROOT).ok


@pytest.mark.parametrize("damage", [flip, empty, Path.unlink])
@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("cifar10_sample.npz", doctor.sample),
        ("gray_level_table.npy", doctor.gray_level_table),
        ("runs/conv_latent/weights.safetensors", doctor.published_runs),
        ("runs/three_layer_plateau/per_image.npz", doctor.published_runs),
    ],
)
def test_a_damaged_or_missing_file_of_the_course_is_found(name, check, damage, assets):
    assert found(check).ok
    baselines._bundled_table.cache_clear()
    damage(assets / name)
    finding = found(check)
    assert not finding.ok
    assert "git checkout" in finding.sentence or "restore it" in finding.sentence


@pytest.mark.parametrize("damage", [braces, nested, empty, Path.unlink])
def test_a_damaged_or_missing_manifest_is_found(damage, assets):
    damage(assets / "runs/fc_latent/manifest.json")
    finding = found(doctor.published_runs)
    assert not finding.ok
    assert "The published run fc_latent cannot be used, restore it with: git" in finding.sentence


def test_a_lesson_that_is_missing_or_cannot_be_read_is_found(tiny):
    assert found(doctor.lessons, tiny.root).ok
    tiny.notebook.with_name("02_more.ipynb").write_text("{}")
    assert "02_more is missing" in found(doctor.lessons, tiny.root).sentence
    tiny.notebook.with_name("02_more.ipynb").unlink()
    tiny.source.write_bytes(b"\xff\xfe")
    assert "could not be read" in found(doctor.lessons, tiny.root).sentence
    tiny.source.unlink()
    assert "is missing" in found(doctor.lessons, tiny.root).sentence


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("name", ["work", "build"])
def test_a_folder_that_cannot_be_written_to_is_found(name, number, tmp_path, monkeypatch):
    (tmp_path / name).mkdir()
    usable = doctor.tempfile.TemporaryFile

    def temporary_file(dir):
        if dir == tmp_path / name:
            raise OSError(number, os.strerror(number))
        return usable(dir=dir)

    assert found(doctor.folders, tmp_path).ok
    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", temporary_file)
    finding = found(doctor.folders, tmp_path)
    assert not finding.ok and str(tmp_path / name) in finding.sentence
    assert os.strerror(number) in finding.sentence


def test_a_file_where_a_folder_must_be_is_found(tmp_path):
    (tmp_path / "work").write_text("")
    assert "Not a directory" in found(doctor.folders, tmp_path).sentence


def test_too_few_open_files_are_found(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 4096))
    assert "Only 64 files" in found(doctor.open_files).sentence


def test_doctor_finds_the_cache_or_names_the_sample(cache, request):
    assert "the bundled sample is used" in found(doctor.data_cache).sentence
    cache.mkdir()
    (cache / "source.json").write_text('{"source": "a USB stick"}')  # and no images
    assert "the bundled sample is used" in found(doctor.data_cache).sentence
    request.getfixturevalue("filled")
    finding = found(doctor.data_cache)
    assert finding.ok and "filled from your own copy, stick.npz" in finding.sentence


@pytest.mark.parametrize("damage", [flip, empty])
def test_a_damaged_cache_is_found(filled, damage):
    damage(filled / "x_test.npy")
    finding = found(doctor.data_cache)
    assert not finding.ok and "is damaged" in finding.sentence
    assert "Run `course data`" in finding.sentence


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE])
def test_a_cache_that_cannot_be_read_is_found(filled, number, monkeypatch):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(data, "_stored_bytes", refuse)
    finding = found(doctor.data_cache)
    assert not finding.ok and f"cannot be read ({os.strerror(number)})" in finding.sentence


def test_a_cache_without_room_is_found(cache, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=20_000_000))
    finding = found(doctor.data_cache)
    assert not finding.ok and "20 MB free" in finding.sentence


def test_a_cache_that_is_no_folder_is_found(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    assert "set COURSE_CACHE" in found(doctor.data_cache).sentence


def kernelspec(folder, content):
    place = folder / "kernels" / "python3"
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(content)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"argv": ["/usr/bin/python3", "-m", "x"], "display_name": "x", "language": "x"}),
        json.dumps({"argv": ["conda", "run"], "display_name": "x", "language": "x"}),
        json.dumps({"argv": [], "display_name": "x", "language": "x"}),
        "{}",
        "[]",
        "{",
        "",
    ],
)
def test_a_kernel_that_is_not_this_environments_is_found(content, tmp_path, monkeypatch):
    assert found(doctor.kernel).ok
    kernelspec(tmp_path, content)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    finding = found(doctor.kernel)
    assert not finding.ok and "`course lab`" in finding.sentence


@pytest.mark.parametrize("program", ["python", "python3", sys.executable])
def test_a_kernel_of_this_environment_is_none(program, tmp_path, monkeypatch):
    content = {"argv": [program, "-m", "ipykernel_launcher"], "display_name": "", "language": ""}
    kernelspec(tmp_path, json.dumps(content))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert found(doctor.kernel).ok


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a\nb"),
        KeyError("x"),
        OSError(errno.EIO, "Input/output error"),
        RecursionError(),
    ],
)
def test_an_error_that_no_check_expects_is_a_finding(error):
    def check():
        raise error

    assert not found(check).ok


def test_doctor_ends_with_1_if_there_is_something_to_fix(monkeypatch):
    for ok in (True, False):
        monkeypatch.setattr(doctor, "examine", lambda ok=ok: [doctor.Finding(ok, "This.")])
        assert runner.invoke(cli.app, ["doctor"]).exit_code == (not ok)
