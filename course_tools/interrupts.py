"""Ctrl-C ends a command with one line: what is kept, and how to go on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def explained(sentence: str) -> Iterator[None]:
    """If the block is interrupted, print `sentence` and exit with status 130, as shells expect."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"\nInterrupted. {sentence}", file=sys.stderr, flush=True)
        raise SystemExit(130) from None
