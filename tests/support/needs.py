"""What tests of grading need: a sandbox. In continuous integration nothing is skipped."""

import pytest

from course_tools.grading.sandbox import install
from course_tools.system_packages import is_required

PROBLEM = install.problem()
sandbox = pytest.mark.skipif(bool(PROBLEM) and not is_required(), reason=PROBLEM)
