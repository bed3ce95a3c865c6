"""All feedback pages of an assignment in one zip, under the names by which a platform knows them.

Moodle: `Ada Lovelace_1234_assignsubmission_file_/feedback.html`, for *Upload multiple feedback
files in a zip*. Canvas: `lovelaceada_1234_5678_work.html`, for *Upload Submissions*. From
elsewhere, or if the name in the download is not known: `STUDENT/NN_name.html`.
"""

import re
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath

from course_lib import files
from course_tools.grading.class_folder import ClassFolder
from course_tools.grading.reports.marks import StudentMarks

ORIGIN = "origin.txt"  # beside the submission: its path in the download, one line of UTF-8
MAX_ORIGIN = 5000  # bytes
MOODLE = re.compile(r"(?P<owner>.+?_\d+_assignsubmission_[a-z]+)(?:_.*)?")
CANVAS = re.compile(r".+?_(?:LATE_)?(?P<id>\d+)_\d+_.+")
NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|]')


def write(folder: ClassFolder, name: str, submitted: list[StudentMarks]) -> tuple[Path, int]:
    """Write the zip, whole or not at all, of pages that are already in feedback/.

    Returns:
        The zip, and how many of its pages have a name that no platform gave.
    """
    path = folder.root / "reports" / f"{name}-feedback.zip"
    taken: set[str] = set()
    num_plain = 0
    with (
        files.replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for record in submitted:
            place = folder.submitted(record.student, name).with_name(ORIGIN)
            entry = platform_name(_origin(place), record.listed.get("id", ""))
            if not entry or _folded(entry) in taken:
                entry = _free(_plain_name(record.student, name), taken)
                num_plain += 1
            taken.add(_folded(entry))
            archive.write(folder.root / "feedback" / record.student / f"{name}.html", entry)
    return path, num_plain


def platform_name(origin: str, id_: str) -> str:
    """The name under which the platform takes a page back, "" if it is not known.

    The outermost part counts, which the platform gave; parts within it are the student's.

    Args:
        origin: the path of the submission in the platform's download.
        id_: the student's number on the class list, with which Canvas' must agree.
    """
    entry = _named_by_moodle(PurePosixPath(origin)) or _named_by_canvas(PurePosixPath(origin), id_)
    return entry if all(map(_is_safe, entry.split("/"))) else ""


def _named_by_moodle(origin: PurePosixPath) -> str:
    for part in origin.parts[:-1]:
        if MOODLE.fullmatch(part):
            return f"{part}/feedback.html"
    found = MOODLE.fullmatch(origin.name)
    return f"{found['owner']}_feedback.html" if found else ""


def _named_by_canvas(origin: PurePosixPath, id_: str) -> str:
    found = CANVAS.fullmatch(origin.name)
    return f"{origin.stem}.html" if found and found["id"] == id_ else ""


def _is_safe(part: str) -> bool:
    """Whether a part of a path leads nowhere else, on any system that may unpack it."""
    return (
        part.strip(". ") != ""
        and not NOT_IN_NAMES.search(part)
        and not any(unicodedata.category(c) in ("Cc", "Cs") for c in part)
    )


def _origin(place: Path) -> str:
    try:
        return place.read_bytes()[:MAX_ORIGIN].decode().strip("\r\n")
    except (OSError, UnicodeDecodeError):
        return ""


def _plain_name(student: str, name: str) -> str:
    safe = "".join(c if _is_safe(f"a{c}") else "-" for c in student)
    return f"{safe if safe.strip('. ') else 'student'}/{name}.html"


def _free(entry: str, taken: set[str]) -> str:
    """The name, or one like it with a number."""
    owner, _, page = entry.partition("/")
    number = 2
    while _folded(entry) in taken:
        entry = f"{owner}-{number}/{page}"
        number += 1
    return entry


def _folded(entry: str) -> str:
    """What is the same for names that some file systems cannot tell apart."""
    return unicodedata.normalize("NFC", entry).casefold()
