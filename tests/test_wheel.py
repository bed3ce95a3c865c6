"""The course without its checkout: from a wheel, in a folder of the student's."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("course_lib", "course_tools", "notebooks/source")
FILES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "requirements.lock")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The unpacked wheel, as pip lays it out."""
    tree = tmp_path_factory.mktemp("tree")
    for part in PARTS:
        shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in FILES:
        shutil.copy2(ROOT / file, tree)
    wheels = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(wheels), str(tree)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = wheels.glob("*.whl")
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def run(installed, folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(installed), "HOME": str(folder / "home")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.slow
def test_lessons_are_put_into_the_current_folder(installed, tmp_path):
    done = run(installed, tmp_path, "-m", "course_tools.cli", "start", "00", "01")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == [
        "00_start_here.ipynb",
        "01_grayscale_conversion.ipynb",
    ]
    again = run(installed, tmp_path, "-m", "course_tools.cli", "start")
    assert again.stdout.count("left unchanged") == 2 and again.stdout.count("is ready") == 5
    assert not list(installed.rglob("work")) and not list(installed.rglob("build"))


@pytest.mark.slow
def test_the_library_brings_what_lessons_read(installed, tmp_path):
    code = (
        "import course_lib; from course_lib import baselines, data, published, widgets\n"
        "print(course_lib.__file__)\n"
        "run = published.load('conv_latent'); run.verify(); widgets.scrub_training(run)\n"
        "print(len(data.load_cifar10('sample').x_train), len(published.names()))\n"
    )
    done = run(installed, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    place, numbers = done.stdout.splitlines()[0], done.stdout.splitlines()[-1]
    assert place.startswith(str(installed)) and numbers == "2000 23"


@pytest.mark.slow
def test_jupyterlab_opens_in_the_folder_of_the_student(installed, tmp_path):
    done = run(installed, tmp_path, "-m", "course_tools.cli", "lab", "--version")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("4.")
    assert len(list((tmp_path / "work").glob("*.ipynb"))) == 7
    assert not list(installed.rglob("jupyter"))
