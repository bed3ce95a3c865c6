"""One environment, said four times: pyproject, the lock, conda's file and the Makefile agree."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-uv.lock"]
CONDA_NAMES = {"torch": "pytorch", "playwright": "playwright-python"}
PYTHONS = ["3.11", "3.12", "3.13"]
NOT_FROM_PYPROJECT = {"python", "pip", "setuptools"}
CPU_BUILDS = {"pytorch", "torchvision", "tensorflow"}


def wanted() -> dict[str, SpecifierSet]:
    """What pyproject asks for, with the packages of tests and of grading."""
    project = PROJECT["project"]
    lines = sum(project["optional-dependencies"].values(), project["dependencies"])
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): one.specifier for one in requirements}


def locked(python: str = "3.11") -> dict[str, Version]:
    """What the lock installs on Linux with this Python."""
    text = LOCKS[0].read_text()
    pins = re.findall(r"^([A-Za-z0-9._-]+==[^\\]+)", text, re.MULTILINE)
    machine = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found = {}
    for pin in map(Requirement, pins):
        if pin.marker is None or pin.marker.evaluate(machine):
            name = canonicalize_name(pin.name)
            assert name not in found, f"{name} is there twice for Python {python}"
            found[name] = Version(str(pin.specifier).removeprefix("=="))
    return found


def conda() -> dict[str, list[str]]:
    """Package -> what follows its name in environment.yml: range and build."""
    lines = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    return {line.split()[0]: line.split()[1:] for line in lines}


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_holds_versions_that_pyproject_allows(python):
    versions = locked(python)
    assert {name for name, allowed in wanted().items() if versions[name] not in allowed} == set()


def test_every_python_that_is_allowed_is_tested():
    allowed = SpecifierSet(PROJECT["project"]["requires-python"])
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}.0" in allowed] == PYTHONS
    workflow = yaml.safe_load((ROOT / ".github/workflows/cpu.yml").read_text())
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == PYTHONS


@pytest.mark.parametrize("name", wanted())
def test_conda_allows_the_versions_that_pyproject_allows(name):
    version_range = conda()[CONDA_NAMES.get(name, name)][0]
    assert SpecifierSet(version_range) == wanted()[name]


def test_conda_asks_for_nothing_else_and_for_cpu_builds():
    names = {CONDA_NAMES.get(name, name) for name in wanted()}
    assert set(conda()) == names | NOT_FROM_PYPROJECT
    assert SpecifierSet(conda()["python"][0]) == SpecifierSet(PROJECT["project"]["requires-python"])
    assert {name for name, rest in conda().items() if rest[1:] == ["cpu_*"]} == CPU_BUILDS


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_everything_by_hash_and_names_no_registry(lock):
    lines = [line.strip() for line in lock.read_text().splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    pins = [line for line in lines if not line.startswith("--hash=sha256:")]
    assert pins
    assert all(re.match(r"[A-Za-z0-9._-]+==\S+ ", pin) and pin.endswith("\\") for pin in pins)
    assert not re.search(r"https?:|//|index", "\n".join(lines))


def test_make_course_and_make_test_share_the_environment_of_the_lock():
    makefile = (ROOT / "Makefile").read_text()
    for target in ("course", "test", "lab"):
        line = rf"^{target}: \$\(READY\)( browser sandbox lint)?$"
        assert re.search(line, makefile, re.MULTILINE)
    assert re.search(r"^\$\(READY\): requirements\.lock .*pyproject\.toml$", makefile, re.MULTILINE)
    assert "--require-hashes" in makefile
    recipe = makefile.split("\nclean:")[1].split("\n\n")[0]
    assert "work" not in recipe  # students' files


def make(target: str, folder: Path) -> str:
    """What a target of the Makefile prints when it is made in another folder."""
    command = ["make", "-f", str(ROOT / "Makefile"), target]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return ended.stdout


@pytest.fixture
def checkout(tmp_path):
    """What is left behind in a checkout that was worked in."""
    names = ["build/training/B/last.pt", "build/runs/01.ipynb", "work/01.ipynb", ".venv/bin/x"]
    names += ["node_modules/x", "course_lib/__pycache__/x.pyc", "course_tools/x.py", "tests/x.py"]
    for name in [*names, "build/.hidden/x", ".hypothesis/x"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


def test_make_clean_leaves_what_took_hours(checkout):
    make("clean", checkout)
    left = {str(path.relative_to(checkout)) for path in checkout.rglob("*") if path.is_file()}
    kept = {"build/training/B/last.pt", "work/01.ipynb", ".venv/bin/x", "node_modules/x"}
    assert left == {*kept, "course_tools/x.py", "tests/x.py"}
    make("clean", checkout)  # again, where there is little left


def test_make_clean_all_names_what_goes(checkout):
    printed = make("clean-all", checkout)
    assert "build/training: the checkpoints of runs" in printed and ".venv" in printed
    left = {str(path.relative_to(checkout)) for path in checkout.rglob("*") if path.is_file()}
    assert left == {"work/01.ipynb", "course_tools/x.py", "tests/x.py"}
    shutil.rmtree(checkout / "work")
    make("clean-all", checkout)


def test_ci_calls_the_test_command_of_the_makefile():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text().splitlines()[-1] == "make test"
