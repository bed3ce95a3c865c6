"""Gathers what a student wrote, wherever it is in the notebook, for the person who scores it.

Nothing is lost because a cell was split, moved, typed again or turned into code: words go to the
written answer that they are next to, or that is nearest, with a note.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from course_tools.grading.assignment import Assignment, Cell
from course_tools.grading.results import AddedCell
from course_tools.grading.submissions.submitted_cell import SubmittedCell, is_same, trimmed

MAX_WRITTEN = 100_000  # characters of one answer that are shown
ELSEWHERE = "Also written by the student, elsewhere in the notebook:"


@dataclass
class Words:
    """The words for one written answer.

    Attributes:
        num_cells: cells of the answer itself that hold text.
        texts: of these, and of cells beside them, in order.
        elsewhere: of cells that are next to no written answer.
        is_there: the answer's cell is in the file, blank or not.
        is_code: it was turned into code.
    """

    num_cells: int = 0
    texts: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    is_there: bool = False
    is_code: bool = False


@dataclass
class WrittenWords:
    """The words for all written answers of an assignment, by the place of the answer's cell."""

    assignment: Assignment
    added: list[AddedCell] = field(default_factory=list)
    words: dict[int, Words] = field(default_factory=lambda: defaultdict(Words))

    def take(self, cell: SubmittedCell, place: int | None, last: int) -> None:
        """Take what one cell of the student's says.

        Args:
            place: of our cell that it is one of; None for the student's own.
            last: the place of our cell that it is, or is behind; -1 at the beginning.
        """
        ours = None if place is None else self.assignment.cells[place]
        if place is not None and ours and ours.kind == "written":
            self._take_answer(cell, ours, self.words[place])
        elif cell.source.strip() and (ours is None or _is_changed(cell, ours)):
            self._take_other(cell, ours, last)

    def _take_answer(self, cell: SubmittedCell, ours: Cell, words: Words) -> None:
        words.is_there = True
        if not cell.source.strip() or is_same(cell.source, ours.source):
            return
        words.is_code |= cell.type == "code"
        if cell.source not in words.texts:
            words.num_cells += 1
            words.texts.append(cell.source)

    def _take_other(self, cell: SubmittedCell, ours: Cell | None, last: int) -> None:
        before = self.assignment.cells[last] if last >= 0 else None
        after = (before.grade_id or before.cell_id) if before else ""
        self.added.append(AddedCell(after=after, type=cell.type, source=cell.source))
        places = [i for i, each in enumerate(self.assignment.cells) if each.kind == "written"]
        if not places:
            return
        nearest = min(places, key=lambda place: (abs(place - last), -place))
        is_beside = last in (nearest - 1, nearest)
        if not (cell.is_prose or (is_beside and ours is None and cell.has_words)):
            return  # code, which is shown where it is
        words = self.words[nearest]
        text = _own_part(cell.source, ours.source) if ours else cell.source
        if text and text not in words.texts + words.elsewhere:
            (words.texts if is_beside else words.elsewhere).append(text)

    def answer(self, place: int) -> tuple[str | None, str]:
        """A written answer: its text, None if there is none, and a note, "" if none is needed."""
        words = self.words[place]
        heading = [ELSEWHERE] if words.texts and words.elsewhere else []
        texts = [*words.texts, *heading, *words.elsewhere]
        text = "\n\n".join(texts)
        note = _note(words)
        if len(text) > MAX_WRITTEN:
            note += f" Of its {len(text):,} characters the first {MAX_WRITTEN:,} are shown."
            text = text[:MAX_WRITTEN]
        if not texts:
            return self.assignment.cells[place].source if words.is_there else None, note
        return text, note.strip()


def _is_changed(cell: SubmittedCell, ours: Cell) -> bool:
    """Whether a student changed one of our cells; exercises are shown with their points."""
    return ours.kind != "exercise" and not is_same(cell.source, ours.source)


def _note(words: Words) -> str:
    """Where the words were, if not in the answer's one cell."""
    if not words.is_there and not words.texts and not words.elsewhere:
        return "The cell of this answer is not in the file, and no other words are."
    notes = []
    if not words.is_there:
        notes.append("The cell of this answer is not in the file; these words are from others.")
    elif words.elsewhere or len(words.texts) > words.num_cells:
        notes.append("Words from cells beside or outside that of the answer were added.")
    if words.num_cells > 1:
        notes.append(f"The answer was in {words.num_cells} cells, which were joined.")
    if words.is_code:
        notes.append("The cell of this answer had become code.")
    return " ".join(notes)


def _own_part(text: str, ours: str) -> str:
    """What a student wrote into a cell of ours; all of it if it cannot be told apart."""
    theirs, blank = trimmed(text), trimmed(ours)
    return theirs.replace(blank, "", 1).strip() if blank in theirs else theirs
