"""How well the self-checks judge the answers that are kept in tests/grading/answers.

    .venv/bin/python benchmarks/checks.py [01 02 ...]

For every exercise, the weak ones first: the shares of wrong answers that are refused, of wrong
answers whose misconception is named, and of right answers that are accepted. The last line is one
JSON object.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import kept_answers  # noqa: E402
from kept_answers import Shares  # noqa: E402


def weakness(shares: Shares) -> float:
    """How far an exercise is from 100 %, its worst share first."""
    return min(shares.percent().values()) + sum(shares.percent().values()) / 1000


def row(name: str, shares: Shares) -> str:
    percent = shares.percent()
    return (
        f"{name:26} {shares.wrong:5} {percent['refused']:9} {percent['named']:7} "
        f"{shares.right:6} {percent['accepted']:9}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lessons", nargs="*", default=kept_answers.LESSONS, metavar="lesson")
    warnings.filterwarnings("ignore")  # those of NumPy and PyTorch on wrong answers
    modules = {number: kept_answers.load(number) for number in parser.parse_args().lessons}
    found = dict(kept_answers.shares(modules))
    print("exercise                   wrong refused %  named %  right accepted %")
    for name in sorted(found, key=lambda name: weakness(found[name])):
        print(row(name, found[name]))
    total = Shares()
    for shares in found.values():
        total.add(shares)
    print(row("all", total))
    exercises = {name: vars(shares) for name, shares in found.items()}
    print(json.dumps({"percent": total.percent(), **vars(total), "exercises": exercises}))


if __name__ == "__main__":
    main()
