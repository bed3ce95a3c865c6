"""Self-checks of exercises: `check_answers` compares, `lesson_NN` has the right and wrong ones."""

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

__all__ = [
    "CHANGED",
    "NOT_ANSWERED",
    "Check",
    "CheckFailed",
    "check",
    "drawn_from",
    "of_lesson",
    "random_array",
    "random_whole",
]
