"""What tests of grading need: a sandbox. In continuous integration nothing is skipped."""

import pytest

from course_tools.chromium import is_required
from course_tools.grading.sandbox import install

PROBLEM = install.problem()
sandbox = pytest.mark.skipif(bool(PROBLEM) and not is_required(), reason=PROBLEM)
