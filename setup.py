"""The wheel brings the lessons' text sources along; everything else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithLessons(build_py):
    """Copies `notebooks/source` into the package `course_tools`, where `lesson_source` looks."""

    def run(self) -> None:
        """Build the packages, and add the sources unless the checkout is used as it is."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "course_tools" / "notebooks" / "source"
            target.mkdir(parents=True, exist_ok=True)
            for source in Path("notebooks", "source").glob("*.py"):
                shutil.copy2(source, target)


setup(cmdclass={"build_py": BuildWithLessons})
