"""System programs that the tests need: how to install them, and whether they are required."""

import os

APT = ("apt-get", "-qq", "-o", "Acquire::Retries=2")


def is_required() -> bool:
    """Whether a missing program is an error: in continuous integration nothing is skipped."""
    settings = (os.environ.get(name, "") for name in ("CI", "COURSE_CI"))
    return any(setting.lower() not in ("", "0", "false") for setting in settings)
