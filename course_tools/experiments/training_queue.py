"""`course train all`: every run that is published, one after the other, in parts if need be."""

import time
from dataclasses import dataclass, replace

from course_lib.results import experiments, published
from course_tools import interrupts
from course_tools.experiments import train
from course_tools.experiments.train import Settings

WHAT_IS_KEPT = "Every finished epoch is kept, and the same command resumes there."
# Seeds of a recipe under our protocol; every other one is run once.
NUM_SEEDS = {"A1": 5, "A2": 5, "B": 3, "C": 3}


@dataclass(frozen=True)
class PlannedRun:
    """One run to be made."""

    name: str
    seed: int = 0

    @property
    def run(self) -> str:
        """The folder of the published run."""
        return train.run_name(self.name, self.seed)


@dataclass(frozen=True)
class RunState:
    """How far a planned run is.

    Attributes:
        num_epochs: epochs that are trained.
        published: the run, once it is published.
    """

    planned: PlannedRun
    num_epochs: int
    published: published.Run | None


def planned_runs() -> list[PlannedRun]:
    """All runs that are published, in the order in which they are made.

    The paper's four under the paper's protocol; the same under ours, seed by seed, so that a queue
    that is stopped leaves complete sets; then all other recipes.
    """
    ours = [
        PlannedRun(recipe.name, seed)
        for seed in range(max(NUM_SEEDS.values()))
        for recipe in experiments.PAPER
        if seed < NUM_SEEDS[recipe.letter]
    ]
    papers = [
        PlannedRun(name) for name, e in experiments.EXPERIMENTS.items() if e.protocol == "paper"
    ]
    names = {planned.name for planned in [*papers, *ours]}
    others = [PlannedRun(name) for name in experiments.EXPERIMENTS if name not in names]
    return [*papers, *ours, *others]


def train_all(settings: Settings, minutes: float | None = None) -> list[RunState]:
    """Make what is not yet made, until all is done or the time is up; close with a table.

    Every finished epoch is kept, and so is every run: interrupted anywhere, the same call resumes.

    Args:
        minutes: start no epoch that would not end within them; None for no limit.
    """
    with interrupts.explained(WHAT_IS_KEPT):
        return _train_all(_within(minutes, settings))


def _train_all(settings: Settings) -> list[RunState]:
    data_name = train.load_data(settings.say).name
    all_planned = planned_runs()
    for number, planned in enumerate(all_planned, start=1):
        settings.say(f"[{number}/{len(all_planned)}] {planned.run}")
        if train.train(planned.name, planned.seed, settings) is None:
            break
    found = states(settings, data_name)
    settings.say(table(found))
    return found


def train_one(
    name: str, seed: int, settings: Settings, minutes: float | None = None
) -> published.Run | None:
    """One run alone. Arguments as in `train_all`, result and errors as in `train.train`."""
    settings.say(f"{experiments.get(name).name}, seed {seed}")
    with interrupts.explained(WHAT_IS_KEPT):
        return train.train(name, seed, _within(minutes, settings))


def _within(minutes: float | None, settings: Settings) -> Settings:
    if minutes is None:
        return settings
    return replace(settings, until=time.monotonic() + 60 * minutes)


def states(settings: Settings, data_name: str = "full") -> list[RunState]:
    """How far every planned run is: what is published, and the epochs kept of the others.

    Args:
        data_name: "full", or "sample" where all of CIFAR-10 was not available.
    """
    return [_state(planned, settings, data_name) for planned in planned_runs()]


def _state(planned: PlannedRun, settings: Settings, data_name: str) -> RunState:
    runs = settings.destination(data_name)
    if planned.run in published.names(runs):
        done = published.load(planned.run, runs)
        return RunState(planned, len(done.history), done)
    folder = settings.checkpoints(planned.name, planned.seed, data_name)
    num_epochs = train.num_epochs_kept(folder)
    return RunState(planned, num_epochs, None)


def table(found: list[RunState]) -> str:
    """One row a run, and a line that says how many are left."""
    lines = [f"{'run':28}{'epochs':>8}{'test MSE':>10}{'images/s':>10}  state"]
    for state in found:
        wanted = experiments.get(state.planned.name).num_epochs
        epochs = f"{state.num_epochs}/{wanted}"
        mse, speed, word = "-", "-", "started" if state.num_epochs else "to do"
        if state.published:
            run = state.published
            mse, word = f"{run.metrics['test']['mse']:.5f}", "done"
            speed = f"{max(epoch['images_per_second'] for epoch in run.history):,.0f}"
            epochs = str(state.num_epochs)
        lines.append(f"{state.planned.run:28}{epochs:>8}{mse:>10}{speed:>10}  {word}")
    num_done = sum(state.published is not None for state in found)
    left = len(found) - num_done
    end = "nothing is left to do" if left == 0 else f"{left} left: the same command resumes"
    return "\n".join([*lines, f"{num_done} of {len(found)} runs are done; {end}."])
