"""Self-checks of exercises: `check_answers` compares, `lesson_NN` has the right and wrong ones.

`common_mistakes` knows mistakes that any exercise may have, `values` which types are numbers, and
`time_limit` ends answers that do not return.
"""

from course_lib.checks.check_answers import (
    CHANGED,
    NOT_ANSWERED,
    Check,
    CheckFailed,
    check,
    drawn_from,
    of_lesson,
    random_array,
    random_whole,
)
from course_lib.checks.common_mistakes import Comparison, Sign, everywhere, only_where

__all__ = [
    "CHANGED",
    "NOT_ANSWERED",
    "Check",
    "CheckFailed",
    "Comparison",
    "Sign",
    "check",
    "drawn_from",
    "everywhere",
    "of_lesson",
    "only_where",
    "random_array",
    "random_whole",
]
