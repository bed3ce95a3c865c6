"""Make sure that grading has its sandbox: `python -m course_tools.grading.sandbox.install`.

As root it installs bubblewrap where Debian's package manager is; elsewhere it says what to do. In
continuous integration a machine without a sandbox is an error, elsewhere tests are skipped.
"""

import os
import shutil
import subprocess
import sys
from contextlib import suppress

from course_tools.grading.sandbox import bubblewrap
from course_tools.system_packages import APT, is_required

# Ubuntu forbids user namespaces to ordinary users; a machine of a CI service may allow them.
ALLOW = ["sysctl", "-q", "-w", "kernel.apparmor_restrict_unprivileged_userns=0"]


def install() -> None:
    """Try to get bubblewrap. Failing is no error."""
    is_root = os.geteuid() == 0
    if not shutil.which("apt-get") or not (is_root or is_required()):
        return
    sudo = [] if is_root else ["sudo", "-n"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    commands = [[*APT, "update"], [*APT, "install", "--yes", "bubblewrap"]]
    for command in commands if is_root else [*commands, ALLOW]:
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run([*sudo, *command], capture_output=True, env=environment, timeout=600)


def problem() -> str:
    """Why there is no sandbox, in a sentence; empty if there is one."""
    try:
        bubblewrap.require()
    except bubblewrap.SandboxError as error:
        return str(error)
    return ""


def main() -> int:
    """Find or install bubblewrap. Returns the exit code."""
    if not problem():
        return 0
    print("Getting bubblewrap for the sandbox of grading.", flush=True)
    install()
    if why := problem():
        print(f"The tests of grading are skipped. {why}", flush=True)
        return int(is_required())
    return 0


if __name__ == "__main__":
    sys.exit(main())
