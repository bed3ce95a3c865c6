"""Random seeds: the same seed gives the same run."""

import random
import sys

import numpy as np


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and whichever frameworks are already imported.

    A framework that is not imported is left alone: seeding does not cost the seconds of an import.
    """
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(seed)


def epoch_seed(seed: int, epoch: int) -> int:
    """A seed in [0, 2**31) for one epoch of one run.

    Every epoch starts from a seed of its own, so a resumed run needs no stored random state.
    """
    return int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0] >> 1)
