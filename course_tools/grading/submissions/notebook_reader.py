"""Takes the cells out of a notebook that nobody has looked at yet.

Run as a program of its own, with limits, because a small file can unfold to a large one: bytes on
standard input; on standard output one JSON object, {"cells": [...], "damaged": number} or
{"error": sentence}. Imports nothing but the standard library, so that it starts in a moment.
"""

import json
import sys
from typing import Any

MAX_MEMORY = 2 << 30
MAX_SECONDS = 30
MAX_CELLS = 1000
MAX_SOURCE = 2_000_000  # characters of all cells together


class Unreadable(ValueError):
    """A submission that cannot be graded. The message is one sentence that says why."""


def cells(content: bytes) -> dict[str, Any]:
    """Type, text, id and grade_id of every sound cell, and how many are damaged.

    Raises:
        Unreadable: this is no notebook of format 4.
    """
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable("The file is not text in UTF-8, as a notebook is.") from None
    except json.JSONDecodeError as error:
        raise Unreadable(
            "The file is empty."
            if not content.strip()
            else f"The file is damaged: it stops being JSON in line {error.lineno}."
        ) from None
    except (ValueError, RecursionError):
        raise Unreadable("The file is JSON of a kind that no notebook is.") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise Unreadable("The file is JSON but no notebook of format 4: it has no cells.")
    if len(notebook["cells"]) > MAX_CELLS:
        raise Unreadable(f"The notebook has more than {MAX_CELLS} cells.")
    read = [_cell(cell) for cell in notebook["cells"]]
    good = [cell for cell in read if cell is not None]
    if sum(len(cell["source"]) for cell in good) > MAX_SOURCE:
        raise Unreadable(f"The cells hold more than {MAX_SOURCE:,} characters.")
    return {"cells": good, "damaged": len(read) - len(good)}


def _cell(cell: Any) -> dict[str, str] | None:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return None
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return {
        "type": cell["cell_type"],
        "source": encodable(source),
        "id": _name(cell.get("id")),
        "grade_id": _name(grade_id),
    }


def _name(value: Any) -> str:
    return encodable(value) if isinstance(value, str) and len(value) <= 200 else ""


def encodable(text: str) -> str:
    """The text with a question mark for each half of a character, which no file can hold."""
    return text.encode(errors="replace").decode()


def main() -> None:
    """Read standard input, within limits, and answer on standard output."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    try:
        answer = cells(sys.stdin.buffer.read())
    except Unreadable as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": "The file unfolds to more memory than a notebook needs."}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
