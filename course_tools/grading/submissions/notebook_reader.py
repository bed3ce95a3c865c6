"""Takes the cells out of a notebook that nobody has looked at yet.

Run as a program of its own, with limits, because a small file can unfold to a large one: bytes on
standard input; on standard output one JSON object, {"cells": [...], "damaged": number} or
{"error": sentence}. With the argument `without-outputs` it answers with the notebook itself, less
what its cells put out. Imports nothing but the standard library, so that it starts in a moment.
"""

import ast
import hashlib
import json
import re
import sys
from typing import Any

MAX_MEMORY = 2 << 30
MAX_SECONDS = 30
MAX_CELLS = 1000
MAX_SOURCE = 2_000_000  # characters of all cells together
MIN_WORDS = 8  # in comments and texts, from which on a code cell may hold an answer in words
WITHOUT_OUTPUTS = "without-outputs"


class Unreadable(ValueError):
    """A submission that cannot be graded. The message is one sentence that says why."""


def cells(content: bytes) -> dict[str, Any]:
    """Type, text, id and grade_id of every sound cell, and how many are damaged.

    Raises:
        Unreadable: this is no notebook of format 4.
    """
    notebook = _notebook(content)
    if len(notebook["cells"]) > MAX_CELLS:
        raise Unreadable(f"The notebook has more than {MAX_CELLS} cells.")
    read = [_cell(cell) for cell in notebook["cells"]]
    good = [cell for cell in read if cell is not None]
    if sum(len(str(cell["source"])) for cell in good) > MAX_SOURCE:
        raise Unreadable(f"The cells hold more than {MAX_SOURCE:,} characters.")
    return {"cells": good, "damaged": len(read) - len(good)}


def without_outputs(content: bytes) -> dict[str, Any]:
    """The notebook without what its cells put out and without the state of its widgets.

    Raises:
        Unreadable: this is no notebook of format 4.
    """
    notebook = _notebook(content)
    for cell in notebook["cells"]:
        if isinstance(cell, dict) and "outputs" in cell:
            cell["outputs"] = []
    if isinstance(notebook.get("metadata"), dict):
        notebook["metadata"].pop("widgets", None)
    return notebook


def _notebook(content: bytes) -> dict[str, Any]:
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
    return notebook


def _cell(cell: Any) -> dict[str, str | bool] | None:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return None
    source = encodable(source).replace("\r\n", "\n").replace("\r", "\n")
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return {
        "type": cell["cell_type"],
        "source": source,
        "id": _name(cell.get("id")),
        "grade_id": _name(grade_id),
        "is_prose": cell["cell_type"] != "code" or _is_prose(source),
        "has_words": _num_words(source) >= MIN_WORDS,
        "is_as_released": _is_as_released(source, cell["cell_type"], nbgrader),
    }


def _is_as_released(source: str, cell_type: str, nbgrader: Any) -> bool:
    """Whether nbgrader's checksum, made at the release, is that of the text, now or in Windows."""
    if not isinstance(nbgrader, dict) or not isinstance(nbgrader.get("checksum"), str):
        return False
    grade, solution = bool(nbgrader.get("grade")), bool(nbgrader.get("solution"))
    locked = not solution and (grade or bool(nbgrader.get("locked")))
    points = nbgrader.get("points") if grade else None
    points = str(float(points)) if isinstance(points, int | float) and abs(points) < 1e9 else ""
    grade_id = nbgrader.get("grade_id", "")
    described = f"{source}{cell_type}{grade}{solution}{locked}{grade_id}{points}"
    checksum = hashlib.md5(encodable(described).encode(), usedforsecurity=False).hexdigest()
    return checksum == nbgrader["checksum"]


def _is_prose(source: str) -> bool:
    """Whether a code cell says something and does nothing: comments, texts, or words as they are.

    What is no Python counts as words, apart from IPython's magics and commands of the shell.
    """
    if re.match(r"\s*%%", source) or not source.strip():
        return False
    lines = re.sub(r"^([ \t]*)([%!?].*|[\w.]+\?+[ \t]*$)", r"\1pass", source, flags=re.MULTILINE)
    lines = re.sub(r"=[ \t]*[%!].*$", "= 0", lines, flags=re.MULTILINE)
    try:
        return all(map(_is_text, ast.parse(lines).body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a text, shows one, or gives it a name."""
    if not isinstance(statement, ast.Expr | ast.Assign):
        return False
    value = statement.value
    texts = value.args if isinstance(value, ast.Call) and value.args else [value]
    return all(isinstance(text, ast.Constant) and isinstance(text.value, str) for text in texts)


def _num_words(source: str) -> int:
    """How many words the comments and texts of a code cell have."""
    texts = re.findall(r"#.*|'[^'\n]*'|\"[^\"\n]*\"", source)
    return sum(len(re.findall(r"[^\W\d_]{2,}", text)) for text in texts)


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
    read = without_outputs if WITHOUT_OUTPUTS in sys.argv else cells
    try:
        answer = read(sys.stdin.buffer.read())
    except Unreadable as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": "The file unfolds to more memory than a notebook needs."}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
