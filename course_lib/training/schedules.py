"""Learning-rate schedules as plain Python, to train with and to replay on a curve.

A schedule is called once at the end of every epoch with the validation loss of that epoch and the
learning rate in force; it returns the rate of the next epoch.
"""

import math
from dataclasses import dataclass


@dataclass
class ReduceOnPlateau:
    """What `keras.callbacks.ReduceLROnPlateau` does, in the open. A test holds the two together.

    An epoch counts as better if its loss is below the best so far by more than `min_delta`, an
    absolute number. After `patience` epochs that are not better the rate is multiplied by
    `factor`. (PyTorch's scheduler of the same name measures relative to the best loss and waits
    one epoch longer.)

    Args:
        factor: what the rate is multiplied by, in (0, 1).
        patience: epochs that are not better before the rate falls, at least 1.
        min_delta: how much lower a loss must be to count as better, in units of the loss.
        cooldown: epochs after a fall in which nothing is counted.
        min_lr: the rate never falls below it.
    """

    factor: float = math.sqrt(0.1)
    patience: int = 5
    min_delta: float = 1e-4
    cooldown: int = 0
    min_lr: float = 0.5e-6
    # What it remembers from epoch to epoch.
    best: float = math.inf
    num_bad_epochs: int = 0
    cooldown_left: int = 0

    def __call__(self, validation_loss: float, learning_rate: float) -> float:
        """The rate of the next epoch, after one that ended with this loss and had this rate."""
        if self.cooldown_left > 0:
            self.cooldown_left -= 1
            self.num_bad_epochs = 0
        if validation_loss < self.best - self.min_delta:
            self.best = validation_loss
            self.num_bad_epochs = 0
        elif self.cooldown_left == 0:
            self.num_bad_epochs += 1
            if self.num_bad_epochs >= self.patience and learning_rate > self.min_lr:
                self.cooldown_left = self.cooldown
                self.num_bad_epochs = 0
                return max(learning_rate * self.factor, self.min_lr)
        return learning_rate


def replay(schedule: ReduceOnPlateau, losses: list[float], learning_rate: float) -> list[float]:
    """The rate each epoch would have been trained with, had it not changed the losses themselves.

    Args:
        schedule: a fresh schedule; it is used up.
        losses: a recorded validation loss per epoch.
        learning_rate: the rate of the first epoch.

    Returns:
        One rate per epoch; the first is `learning_rate`.
    """
    rates = [learning_rate]
    for loss in losses[:-1]:
        rates.append(schedule(loss, rates[-1]))
    return rates
