"""Pairs of students whose answers are more alike than is usual in their class.

A hint for a person who looks at both submissions, never a mark. Code and words are compared by
themselves, as sets of shingles: runs of a few tokens or words. What was handed out counts nothing,
and so do short answers that several gave; other shingles count the less, the more students have
them. A pair is named if what it shares is enough, is a large share of the shorter work, and is far
more than most pairs of the class share. Code is compared once more with own names replaced.
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

TOKENS_OF_CODE = 5  # in a shingle
WORDS_OF_TEXT = 4
MIN_EVIDENCE = 15.0  # shared shingles; one that many have counts less than 1
LITTLE = 5.0  # less evidence is no share at all
MIN_SHARE = 0.4
USUAL = 0.75  # this part of all pairs shares less than what is called usual
MIN_PAIRS = 20  # to say what is usual
SHORT = 100  # tokens of an answer that several may find by themselves
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
        code, renamed, words: shares of the shorter work, 0 to 1: of the code as it is, of the code
            with own names replaced, of the written answers. 0 where there is little to compare.
        where: the answers that are alike.
    """

    first: StudentMarks
    second: StudentMarks
    code: float
    renamed: float
    words: float
    where: list[str]


@dataclass(frozen=True)
class Similarity:
    """What a class shares.

    Attributes:
        pairs: the most alike first, at most `SHOWN`.
        num_others: pairs that are not in `pairs`.
        usual: the share that most pairs of this class do not exceed, whatever is compared.
    """

    pairs: list[AlikePair]
    num_others: int
    usual: float


NOTHING_ALIKE = Similarity([], 0, 0.0)


@dataclass(frozen=True)
class ClassComparison:
    """All pairs of a class, in one way of reading answers; matrices of students by students.

    Attributes:
        own: of each student, the shingles of each answer, without those that were handed out.
    """

    own: list[dict[str, Shingles]]
    share: np.ndarray
    evidence: np.ndarray
    usual: float

    def is_unusual(self) -> np.ndarray:
        """Which pairs a person should look at."""
        least = max(MIN_SHARE, self.usual + (1 - self.usual) / 2)
        return (self.evidence >= MIN_EVIDENCE) & (self.share >= least)

    def where(self, i: int, j: int) -> list[str]:
        """The answers of which at least half is the same."""
        found = []
        for name, first in self.own[i].items():
            second = self.own[j].get(name, frozenset())
            shorter = min(len(first), len(second))
            if shorter and len(first & second) >= shorter / 2:
                found.append(name)
        return found


def find(records: list[StudentMarks], assignment: Assignment | None) -> Similarity:
    """The pairs of a class that are more alike than is usual.

    Args:
        assignment: what was handed out; None if it is not known.
    """
    graded = [record for record in records if record.is_graded]
    if len(graded) < 2:
        return NOTHING_ALIKE
    code, words = _released(assignment)
    names = KEPT | {token for tokens in code.values() for token in tokens}
    codes = [_code_of(record) for record in graded]
    comparisons = [
        _compare(codes, code, TOKENS_OF_CODE),
        _compare([_renamed(work, names) for work in codes], _renamed(code, names), TOKENS_OF_CODE),
        _compare([_words_of(record) for record in graded], words, WORDS_OF_TEXT),
    ]
    is_unusual = np.any([each.is_unusual() for each in comparisons], axis=0)
    rank = np.max([each.share * each.evidence for each in comparisons], axis=0)
    chosen = map(tuple, np.argwhere(np.triu(is_unusual, 1)).tolist())
    order = sorted(chosen, key=lambda pair: (-rank[pair], pair))
    pairs = []
    for i, j in order[:SHOWN]:
        as_is, renamed, in_words = (float(each.share[i, j]) for each in comparisons)
        alike = (each for each in comparisons[1:] if each.share[i, j])
        where = [name for each in alike for name in each.where(i, j)]
        pairs.append(AlikePair(graded[i], graded[j], as_is, renamed, in_words, where))
    return Similarity(pairs, len(order) - len(pairs), max(each.usual for each in comparisons))


def _compare(works: list[Work], released: Work, size: int) -> ClassComparison:
    """How much of the shorter work each pair shares, weighted by how rare it is in the class.

    Args:
        size: tokens of a shingle.
    """
    from scipy.sparse import csr_array

    handed_out = frozenset().union(*(_shingles(tokens, size) for tokens in released.values()))
    by_answer = [
        {name: _shingles(tokens, size) - handed_out for name, tokens in work.items()}
        for work in _without_common_answers(works)
    ]
    own = [frozenset().union(*answers.values()) for answers in by_answer]
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
    is_enough = evidence >= LITTLE
    share = np.divide(evidence, shorter, out=np.zeros_like(evidence), where=is_enough)
    of_pairs = share[np.triu_indices(len(works), 1)]
    usual = float(np.quantile(of_pairs, USUAL)) if len(of_pairs) >= MIN_PAIRS else 0.0
    return ClassComparison(by_answer, share, evidence, usual)


def _weights(num_students: np.ndarray, class_size: int) -> np.ndarray:
    """1 for what one student has, 0 for what a quarter of the class has."""
    common = max(6.0, class_size / 4)
    return np.clip(1 - np.log(np.maximum(num_students, 1)) / math.log(common), 0, None)


def _without_common_answers(works: list[Work]) -> list[Work]:
    """Short answers that several students gave say nothing about two of them."""
    counts = Counter((key, tokens) for work in works for key, tokens in work.items())
    several = max(3, len(works) // 20)
    return [
        {
            key: tokens
            for key, tokens in work.items()
            if len(tokens) > SHORT or counts[key, tokens] <= several
        }
        for work in works
    ]


def _code_of(record: StudentMarks) -> Work:
    return {each.name: _code(each.source) for each in record.result.exercises}


def _words_of(record: StudentMarks) -> Work:
    """A student's written answers, called "in words", "in words 2" and so on."""
    return {
        f"in words {n}" if n > 1 else "in words": _words(answer.source)
        for n, answer in enumerate(record.result.written, 1)
    }


def _released(assignment: Assignment | None) -> tuple[Work, Work]:
    """What was handed out: its code, and all of it as words, since answers quote it."""
    cells = assignment.cells if assignment else ()
    code = {str(n): _code(cell.source) for n, cell in enumerate(cells) if cell.kind != "text"}
    return code, {str(n): _words(cell.source) for n, cell in enumerate(cells)}


def _code(source: str) -> Tokens:
    """The tokens of code, also of code with an error in it; no comments, no white space."""
    return tuple(m.group() for m in TOKEN.finditer(source) if m.lastgroup != "comment")


def _words(text: str) -> Tokens:
    return tuple(WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _renamed(work: Work, kept: set[str]) -> Work:
    """The code with one sign for all names that a student chose."""
    return {name: _without_own_names(tokens, kept) for name, tokens in work.items()}


def _without_own_names(tokens: Tokens, kept: set[str]) -> Tokens:
    return tuple(
        "\N{DOTTED CIRCLE}" if token.isidentifier() and token not in kept and last != "." else token
        for last, token in zip(("", *tokens), tokens, strict=False)
    )


def _shingles(tokens: Tokens, size: int) -> Shingles:
    return frozenset(hash(tokens[n : n + size]) for n in range(len(tokens) - size + 1))
