"""A Chromium for the browser tests: `python -m course_tools.chromium` finds or installs one."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress

from course_tools.system_packages import APT, is_required

MISSING = (
    "The browser tests are skipped: there is no Chromium and none could be installed; install one "
    "(Debian: sudo apt install chromium), then run `make test` again."
)
NAMES = ("chromium", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The Chromium of the system or else Playwright's own, if one starts."""
    from playwright.sync_api import sync_playwright

    for name in NAMES:
        if (path := shutil.which(name)) and _starts(path):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if _starts(path) else None


def install() -> None:
    """Try to get a Chromium: Debian's as root, else Playwright's own. Failing is not an error."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            _quietly([*APT, *command])
        if find():
            return
    _quietly([sys.executable, "-m", "playwright", "install", "chromium"])


def main() -> int:
    """Find or install a Chromium. Returns the exit code."""
    if find():
        return 0
    print("Getting a Chromium for the browser tests.", flush=True)
    install()
    if find():
        return 0
    print(MISSING, flush=True)
    return int(is_required())


def _starts(path: str) -> bool:
    """Whether the program is there and its libraries too."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _quietly(command: list[str]) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, capture_output=True, env=environment, timeout=900)


if __name__ == "__main__":
    sys.exit(main())
