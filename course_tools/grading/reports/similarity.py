"""Pairs of students whose answers are more alike than is usual in their class.

A hint for a person who looks at both submissions, never a mark. Answers are compared as sets of
shingles: runs of a few tokens (code) or words (text). What was handed out counts nothing, and so do
short answers that several gave; other shingles count the less, the more students have them. A pair
is named if what it shares is enough, is a large share of the shorter work, and is far more than
most pairs of the class share. The second number replaces the names that a student chose.
"""

import builtins
import keyword
import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_tools.grading.assignment import Assignment
from course_tools.grading.reports.marks import StudentMarks
from course_tools.grading.results import ExerciseResult

TOKENS_OF_CODE = 5  # in a shingle
WORDS_OF_TEXT = 4
MIN_EVIDENCE = 15.0  # shared shingles; one that many have counts less than 1
MIN_SHARE = 0.4
USUAL = 0.75  # this part of all pairs shares less than what is called usual
MIN_PAIRS = 20  # to say what is usual
SHORT = 60  # tokens of an answer that several may find by themselves
SHOWN = 20
TOKEN = re.compile(
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<string>\"{3}(?s:.*?)\"{3}|'{3}(?s:.*?)'{3}"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    r"|(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|\*\*|//|->|[-+*/%&|^<>=!:]=|\S"
)
# Chinese, Japanese and Thai do not part words: a character each
WORD = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|[^\W\u0e00-\u0e7f\u3040-\u9fff]+")
KEPT = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
Tokens = tuple[str, ...]
Work = dict[str, Tokens]  # name of an answer -> its tokens
Shingles = frozenset[int]


@dataclass(frozen=True)
class AlikePair:
    """Two students whose work is alike.

    Attributes:
        share, share_renamed: of the shorter work, 0 to 1, as it is and with own names replaced.
        where: the answers that are alike.
    """

    first: StudentMarks
    second: StudentMarks
    share: float
    share_renamed: float
    where: list[str]


@dataclass(frozen=True)
class Similarity:
    """What a class shares.

    Attributes:
        pairs: the most alike first, at most `SHOWN`.
        num_others: pairs that are not in `pairs`.
        usual, usual_renamed: shares that most pairs of this class do not exceed.
    """

    pairs: list[AlikePair]
    num_others: int
    usual: float
    usual_renamed: float


NOTHING_ALIKE = Similarity([], 0, 0.0, 0.0)


@dataclass(frozen=True)
class Comparison:
    """All pairs of a class, in one way of reading answers; matrices of students by students."""

    share: np.ndarray
    evidence: np.ndarray
    usual: float

    def is_unusual(self) -> np.ndarray:
        """Which pairs a person should look at."""
        least = max(MIN_SHARE, self.usual + (1 - self.usual) / 2)
        return (self.evidence >= MIN_EVIDENCE) & (self.share >= least)


def find(records: list[StudentMarks], assignment: Assignment | None) -> Similarity:
    """The pairs of a class that are more alike than is usual.

    Args:
        assignment: what was handed out; None if it is not known.
    """
    graded = [record for record in records if record.is_graded]
    if len(graded) < 2:
        return NOTHING_ALIKE
    released = _released(assignment)
    names = KEPT | {token for text in released.values() for token in text}
    as_is = [_work(record) for record in graded]
    renamed = [_renamed(work, names) for work in as_is]
    discounted = _shingles_of(_renamed(released, names))
    kept, other = _compare(as_is, _shingles_of(released)), _compare(renamed, discounted)
    chosen = np.argwhere(np.triu(kept.is_unusual() | other.is_unusual(), 1))
    rank = np.maximum(kept.share * kept.evidence, other.share * other.evidence)
    order = sorted(map(tuple, chosen.tolist()), key=lambda pair: (-rank[pair], pair))
    pairs = [
        AlikePair(
            graded[i],
            graded[j],
            float(kept.share[i, j]),
            float(other.share[i, j]),
            _where(renamed[i], renamed[j], discounted),
        )
        for i, j in order[:SHOWN]
    ]
    return Similarity(pairs, len(order) - len(pairs), kept.usual, other.usual)


def _compare(works: list[Work], released: Shingles) -> Comparison:
    """How much of the shorter work each pair shares, weighted by how rare it is in the class."""
    from scipy.sparse import csr_array

    own = [_shingles_of(work) - released for work in _without_common_answers(works)]
    column = {shingle: n for n, shingle in enumerate(sorted(set().union(*own)))}
    counts = np.array([len(shingles) for shingles in own])
    indices = np.array([column[shingle] for shingles in own for shingle in shingles], dtype=int)
    weights = _weights(np.bincount(indices, minlength=len(column)), len(works))
    starts = np.concatenate([[0], np.cumsum(counts)])
    shape = (len(works), max(1, len(column)))
    has: Any = csr_array((np.ones(len(indices)), indices, starts), shape=shape)
    weighted: Any = csr_array((weights[indices], indices, starts), shape=shape)
    evidence = (weighted @ has.T).toarray()
    totals = evidence.diagonal()
    shorter = np.minimum.outer(totals, totals)
    share = np.divide(evidence, shorter, out=np.zeros_like(evidence), where=shorter > 0)
    of_pairs = share[np.triu_indices(len(works), 1)]
    usual = float(np.quantile(of_pairs, USUAL)) if len(of_pairs) >= MIN_PAIRS else 0.0
    return Comparison(share, evidence, usual)


def _weights(num_students: np.ndarray, class_size: int) -> np.ndarray:
    """1 for what one student has, 0 for what a quarter of the class has."""
    common = max(6.0, class_size / 4)
    return np.clip(1 - np.log(np.maximum(num_students, 1)) / math.log(common), 0, None)


def _without_common_answers(works: list[Work]) -> list[Work]:
    """Short answers that several students gave say nothing about two of them."""
    counts = Counter((key, tokens) for work in works for key, tokens in work.items())
    several = max(3, len(works) // 50)
    return [
        {
            key: tokens
            for key, tokens in work.items()
            if len(tokens) > SHORT or counts[key, tokens] <= several
        }
        for work in works
    ]


def _work(record: StudentMarks) -> Work:
    """A student's answers; an answer in words is called "in words" or "in words 2"."""
    found: Work = {}
    for answer in record.answers:
        if isinstance(answer.found, ExerciseResult):
            found[answer.found.name] = _code(answer.found.source)
        else:
            number = sum(key.startswith("in words") for key in found) + 1
            key = "in words" if number == 1 else f"in words {number}"
            found[key] = _words(answer.found.source)
    return found


def _released(assignment: Assignment | None) -> Work:
    """What was handed out: code as code, and all of it as words, since answers quote it."""
    cells = assignment.cells if assignment else ()
    code = {f"{n}": _code(c.source) for n, c in enumerate(cells) if c.kind not in ("text",)}
    return code | {f"in words {n}": _words(cell.source) for n, cell in enumerate(cells)}


def _code(source: str) -> Tokens:
    """The tokens of code, also of code with an error in it; no comments, no white space."""
    return tuple(m.group() for m in TOKEN.finditer(source) if m.lastgroup != "comment")


def _words(text: str) -> Tokens:
    return tuple(WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _renamed(work: Work, kept: set[str]) -> Work:
    """The work with one sign for all names in code that a student chose; words stay."""
    return {
        key: tokens if key.startswith("in words") else _without_own_names(tokens, kept)
        for key, tokens in work.items()
    }


def _without_own_names(tokens: Tokens, kept: set[str]) -> Tokens:
    return tuple(
        "\N{DOTTED CIRCLE}" if token.isidentifier() and token not in kept and last != "." else token
        for last, token in zip(("", *tokens), tokens, strict=False)
    )


def _shingles_of(work: Work) -> Shingles:
    return frozenset().union(*(_shingles(key, tokens) for key, tokens in work.items()))


def _shingles(key: str, tokens: Tokens) -> set[int]:
    size = WORDS_OF_TEXT if key.startswith("in words") else TOKENS_OF_CODE
    return {hash(tokens[n : n + size]) for n in range(len(tokens) - size + 1)}


def _where(first: Work, second: Work, released: Shingles) -> list[str]:
    """The answers of which at least half is the same beyond what was handed out."""
    found = []
    for key in first:
        a, b = (_shingles(key, work.get(key, ())) - released for work in (first, second))
        if a and b and len(a & b) >= min(len(a), len(b)) / 2:
            found.append(key)
    return found
