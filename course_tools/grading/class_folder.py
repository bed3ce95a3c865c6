"""The folder of one class: an nbgrader course folder, and where the course's own files lie in it.

source/NN_name/NN_name.ipynb      the solved assignment, which nbgrader's formgrader reads
release/NN_name/NN_name.ipynb     what is handed out
submitted/STUDENT/NN_name/        what came in, with timestamp.txt
results/NN_name/STUDENT.json      what grading found, the source of truth
feedback/STUDENT/NN_name.html     what the student gets back
reports/  private/  older/        class reports; own tests and seeds; everything replaced
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib import files
from course_lib.files import CourseError
from course_tools.grading import class_list
from course_tools.grading.class_list import ClassList

CONFIG = """\
# The class folder of Gray to Color, read by nbgrader and by `course assignment`.
c = get_config()
c.CourseDirectory.course_id = "gray_to_color"
c.Exchange.root = __file__.rpartition("/")[0]  # files go through your learning platform
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
c.ClearSolutions.text_stub = "*Your answer here.*"
c.Autograde.exporter_class = "course_tools.grading.autograde.Refused"
c.HTMLExporter.sanitize_html = True  # formgrader's pages: no scripts in what a cell puts out
"""
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class ClassFolder:
    """A class folder that exists."""

    root: Path

    @property
    def db_url(self) -> str:
        """The gradebook, as SQLAlchemy names it."""
        return f"sqlite:///{self.root / 'gradebook.db'}"

    def assignment(self, step: str, name: str) -> Path:
        """The notebook of an assignment in the step "source" or "release"."""
        return self.root / step / name / f"{name}.ipynb"

    def submitted(self, student: str, name: str) -> Path:
        """The notebook that a student submitted."""
        return self.root / "submitted" / student / name / f"{name}.ipynb"

    def set_aside(self, path: Path) -> Path:
        """Move a file or folder to older/ under the next free number; returns where it is now."""
        kept = self._free_in_older(path)
        try:
            path.rename(kept)
        except OSError as error:
            raise CourseError(f"{path} could not be moved aside ({error.strerror}).") from error
        return kept

    def _free_in_older(self, path: Path) -> Path:
        base = self.root / "older" / path.relative_to(self.root)
        taken = re.compile(re.escape(base.name) + r"\.(\d+)")
        base.parent.mkdir(parents=True, exist_ok=True)
        found = filter(None, (taken.fullmatch(other.name) for other in base.parent.iterdir()))
        return base.with_name(f"{base.name}.{max((int(f[1]) for f in found), default=0) + 1}")

    def class_list(self) -> ClassList:
        """The class list, students.csv; an empty one if there is no such file.

        Raises:
            CourseError: it is not understood.
        """
        try:
            return class_list.parse((self.root / "students.csv").read_bytes())
        except FileNotFoundError:
            return ClassList()
        except OSError as error:
            raise CourseError(f"students.csv cannot be read ({error.strerror}).") from error

    def students(self) -> dict[str, dict[str, str]]:
        """Student -> the columns of their line of the class list.

        Raises:
            CourseError: students.csv is not understood.
        """
        return self.class_list().students

    def add_students(self, rows: list[dict[str, str]]) -> None:
        """Add lines to the class list, whole or not at all; the file before is kept in older/."""
        path = self.root / "students.csv"
        content = self.class_list().with_added(rows)
        if path.exists():
            files.write_bytes(self._free_in_older(path), path.read_bytes())
        files.write_bytes(path, content)


def new(path: Path) -> ClassFolder:
    """Make a class folder. What is there already is left as it is.

    Raises:
        CourseError: `path` is a file, or holds files but is no class folder.
    """
    if path.is_file() or (
        path.is_dir() and any(path.iterdir()) and not (path / "nbgrader_config.py").exists()
    ):
        raise CourseError(f"{path} is there and is no class folder; choose a new name.")
    contents = {
        "nbgrader_config.py": CONFIG,
        "README.md": (TEMPLATES / "class.md").read_text(),
        "private/README.md": (TEMPLATES / "private.md").read_text(),
        "students.csv": ",".join(class_list.COLUMNS) + "\n",
        ".gitignore": "*\n",
    }
    for name, text in contents.items():
        if not (path / name).exists():
            files.write_bytes(path / name, text.encode())
    return at(path)


def at(path: Path) -> ClassFolder:
    """The class folder at `path`.

    Raises:
        CourseError: it is not one.
    """
    root = path.resolve()
    if not (root / "nbgrader_config.py").is_file():
        raise CourseError(
            f"{path} is no class folder; make one with `course assignment new CLASS`, then go "
            "there or name it with --class CLASS."
        )
    return ClassFolder(root)


def nbgrader_api(folder: ClassFolder) -> Any:
    """nbgrader's own commands for this class, as Python calls.

    Raises:
        CourseError: nbgrader is not installed.
    """
    with nbgrader():
        from nbgrader.apps import NbGraderAPI
        from traitlets.config.loader import PyFileConfigLoader
    config = PyFileConfigLoader("nbgrader_config.py", path=str(folder.root)).load_config()
    config.CourseDirectory.root = str(folder.root)
    config.CourseDirectory.db_url = folder.db_url
    return NbGraderAPI(config=config)


@contextmanager
def nbgrader() -> Iterator[None]:
    """Import nbgrader in here, so that it finds what it calls by name.

    Raises:
        CourseError: it is not installed.
    """
    binaries = str(Path(sys.executable).parent)  # alembic is one of them
    if binaries not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([binaries, os.environ.get("PATH", "")])
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "nbgrader":
            raise
        raise CourseError(
            "Assignments need nbgrader, which is not installed; run: make environment"
        ) from error
