"""Pairs that are alike: a copy is named, however it is disguised, and work of one's own is not."""

import random
import time

import pytest

from course_tools.grading.assignment import Assignment, Cell
from course_tools.grading.reports import similarity
from course_tools.grading.reports.marks import NO_RESULT, StudentMarks
from course_tools.grading.results import ExerciseResult, WrittenAnswer

WORDS = [f"word{n}" for n in range(400)]
USE = [1 / (n + 1) for n in range(400)]  # as often as words are used
HEAD = "def descend(weight, x, y, learning_rate, num_steps):\n"
COMMON = HEAD + "    for _ in range(num_steps):\n        weight = weight - learning_rate * x\n"
RELEASED = Assignment(
    "03_name",
    (
        Cell("setup", "", "a", "import numpy as np\nfrom course_lib import checks, plots, data"),
        Cell("text", "", "b", "Say why the training loss must not be compared with pictures. " * 3),
        Cell("exercise", "descend", "c", HEAD + "    raise NotImplementedError", 0, "descend"),
    ),
)


def marks(student, code=COMMON, words="", status="graded"):
    exercise = ExerciseResult(
        name="descend",
        grade_id="check-descend",
        max_points=1,
        outcome="right",
        sentence="",
        source=code,
    )
    written = WrittenAnswer(grade_id="written-1", max_points=4, source=words)
    result = {**{f: getattr(NO_RESULT, f) for f in NO_RESULT.__struct_fields__}}
    result |= {"status": status, "exercises": [exercise], "written": [written]}
    return StudentMarks(student, {}, type(NO_RESULT)(**result))


def own_code(chance):
    """Code that one student writes: names, operators and order are theirs."""
    names = [f"{chance.choice('abcdefgh')}{chance.randrange(99)}" for _ in range(5)]
    lines = []
    for _ in range(chance.randint(4, 9)):
        left, right, more = chance.choices([*names, "x", "y", "weight"], k=3)
        operator, other = chance.choices(["+", "-", "*", "/", "@", "**"], k=2)
        call = chance.choice(["np.mean", "np.sum", "sum", "abs", "float", "np.square"])
        lines.append(
            f"    {chance.choice(names)} = {call}({left} {operator} {right}) {other} {more}"
        )
    return HEAD + "\n".join(lines) + "\n    return weight\n"


def own_words(chance):
    return " ".join(chance.choices(WORDS, USE, k=chance.randint(60, 180)))


def class_of(size, seed=0):
    """Students who work alone; half of them find the same short answer."""
    chance = random.Random(seed)
    return [
        marks(f"s{n:03}", chance.choice([COMMON, own_code(chance)]), own_words(chance))
        for n in range(size)
    ]


def found(records, assignment=RELEASED):
    pairs = similarity.find(records, assignment).pairs
    return {(pair.first.student, pair.second.student): pair for pair in pairs}


@pytest.mark.parametrize("size", [0, 1, 2, 5, 30, 200])
def test_a_class_that_works_alone_has_no_pair(size):
    assert found(class_of(size, seed=size)) == {}


def disguised(code):
    """Other names, comments, blank lines and indentation."""
    for n in range(99):
        for letter in "abcdefgh":
            code = code.replace(f"{letter}{n} ", f"my_{letter}_{n} ").replace(
                f"({letter}{n} ", f"(my_{letter}_{n} "
            )
    return "# all my own\n" + code.replace("\n", "  # and this\n\n").replace("    ", "\t")


@pytest.mark.parametrize("size", [2, 5, 30, 200])
def test_a_copy_is_named_also_with_other_names_and_comments(size):
    records = class_of(size)
    code = own_code(random.Random(1)) + own_code(random.Random(2))
    records[0] = marks("s000", code, own_words(random.Random(3)))
    records[1] = marks("s001", disguised(code), own_words(random.Random(4)))
    ((names, pair),) = found(records).items()
    assert names == ("s000", "s001")
    assert pair.renamed == 1 > pair.code
    assert pair.where == ["descend"]


def test_copied_words_are_named_and_quoted_ones_are_not():
    records = class_of(30)
    words = own_words(random.Random(5)) + " " + own_words(random.Random(6))
    records[3] = marks("s003", COMMON, words)
    records[7] = marks("s007", own_code(random.Random(7)), words.upper().replace(" ", "\n"))
    for n in (10, 11):  # both quote what was handed out
        records[n] = marks(f"s{n:03}", COMMON, RELEASED.cells[1].source)
    ((names, pair),) = found(records).items()
    assert names == ("s003", "s007") and pair.where == ["in words"]


def test_a_group_is_named_pair_by_pair_and_the_list_has_an_end():
    records = class_of(60)
    words = own_words(random.Random(5)) + " " + own_words(random.Random(6))
    records[:7] = [marks(f"s{n:03}", COMMON, words) for n in range(7)]
    alike = similarity.find(records, RELEASED)
    assert (len(alike.pairs), alike.num_others) == (20, 1)
    assert {pair.first.student for pair in alike.pairs} <= {f"s{n:03}" for n in range(7)}


def test_who_has_no_mark_is_not_compared():
    words = own_words(random.Random(5))
    records = [marks("ada", COMMON, words), marks("bob", COMMON, words, status="failed")]
    assert found(records) == {}


@pytest.mark.parametrize("odd", ["", "'", '"""', "\\", "\ud800", "def (((", "\0" * 50, "é" * 3000])
def test_code_and_words_may_be_anything(odd):
    found([marks("ada", odd, odd), marks("bob", odd * 7, odd), *class_of(3)], None)


def test_200_students_take_seconds_also_with_long_answers():
    chance = random.Random(9)
    long = ["'" * 20_000, '"' * 19_999, "a" * 20_000, "#" * 20_000, "\"'" * 10_000]
    records = [
        marks(f"s{n:03}", chance.choice([*long, own_code(chance) * 60])[:20_000], own_words(chance))
        for n in range(200)
    ]
    begin = time.process_time()
    similarity.find(records, RELEASED)
    assert time.process_time() - begin < 30
