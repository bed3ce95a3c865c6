"""`course train all`: every run that is published, one after the other, in pieces if need be."""

import time
from dataclasses import dataclass, replace

from course_lib.results import experiments, published
from course_tools.experiments import train
from course_tools.experiments.train import Settings

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
    """How far a job is.

    Attributes:
        num_epochs: epochs that are trained.
        published: the run, once it is published.
    """

    job: PlannedRun
    num_epochs: int
    published: published.Run | None


def jobs() -> list[PlannedRun]:
    """All runs that are published, in the order in which they are made.

    The paper's four under the paper's protocol; the same under ours, seed by seed, so that a queue
    that is stopped leaves whole sets; then all other recipes.
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
    names = {job.name for job in [*papers, *ours]}
    others = [PlannedRun(name) for name in experiments.EXPERIMENTS if name not in names]
    return [*papers, *ours, *others]


def train_all(settings: Settings, minutes: float | None = None) -> list[RunState]:
    """Make what is not yet made, until all is done or the time is up; close with a table.

    Every epoch that ends is kept, and so is every run: stopped anywhere, the same call goes on.

    Args:
        minutes: begin no epoch that would not end within them; None for as long as it takes.
    """
    settings = _within(minutes, settings)
    data_name = train.load_data(settings.say).name
    queue = jobs()
    for number, job in enumerate(queue, start=1):
        settings.say(f"[{number}/{len(queue)}] {job.run}")
        if train.train(job.name, job.seed, settings) is None:
            break
    found = states(settings, data_name)
    settings.say(table(found))
    return found


def train_one(
    name: str, seed: int, settings: Settings, minutes: float | None = None
) -> published.Run | None:
    """One run alone. Arguments as in `train_all`, result and errors as in `train.train`."""
    settings.say(f"{experiments.get(name).name}, seed {seed}")
    return train.train(name, seed, _within(minutes, settings))


def _within(minutes: float | None, settings: Settings) -> Settings:
    if minutes is None:
        return settings
    return replace(settings, until=time.monotonic() + 60 * minutes)


def states(settings: Settings, data_name: str = "full") -> list[RunState]:
    """How far every job is: what is published, and the epochs that are kept of the others.

    Args:
        data_name: "full", or "sample" where all of CIFAR-10 could not be had.
    """
    return [_state(job, settings, data_name) for job in jobs()]


def _state(job: PlannedRun, settings: Settings, data_name: str) -> RunState:
    runs = settings.destination(data_name)
    if job.run in published.names(runs):
        done = published.load(job.run, runs)
        return RunState(job, len(done.history), done)
    folder = settings.checkpoints(job.name, job.seed, data_name)
    return RunState(job, train.num_epochs_kept(experiments.get(job.name), folder), None)


def table(found: list[RunState]) -> str:
    """One row a run, and a line that says how many are left."""
    lines = [f"{'run':28}{'epochs':>8}{'test MSE':>10}{'images/s':>10}  state"]
    for state in found:
        wanted = experiments.get(state.job.name).num_epochs
        epochs = f"{state.num_epochs}/{wanted}"
        mse, speed, word = "-", "-", "begun" if state.num_epochs else "to do"
        if state.published:
            run = state.published
            mse, word = f"{run.metrics['test']['mse']:.5f}", "done"
            speed = f"{max(epoch['images_per_second'] for epoch in run.history):,.0f}"
            epochs = str(state.num_epochs)
        lines.append(f"{state.job.run:28}{epochs:>8}{mse:>10}{speed:>10}  {word}")
    num_done = sum(state.published is not None for state in found)
    left = len(found) - num_done
    end = "nothing is left to do" if left == 0 else f"{left} left: the same command goes on"
    return "\n".join([*lines, f"{num_done} of {len(found)} runs are done; {end}."])
