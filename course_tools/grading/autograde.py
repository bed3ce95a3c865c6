"""What nbgrader's own autograde meets in a class folder: it would run code unprotected."""

from typing import Any

from nbconvert.exporters import NotebookExporter

from course_lib.files import CourseError


class Refused(NotebookExporter):
    """Named as autograde's exporter, it ends it before anything is run or removed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        raise CourseError(
            "Submissions are graded in a sandbox, and not here. Nothing has been changed. "
            "Run in a terminal: course assignment grade NN"
        )
