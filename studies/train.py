"""Train one run of a study: `taskset -c 0 python studies/train.py hybrid plateau 0`.

Stopped anywhere, the same command goes on from its last epoch. A finished run is written to
studies/STUDY/, in the format of the published runs.
"""

import os
import shutil
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

STUDIES = Path(__file__).parent
study_name, setting_name, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
study = tomllib.loads((STUDIES / f"{study_name}.toml").read_text())
os.environ["OMP_NUM_THREADS"] = str(study["num_threads"])

import torch  # noqa: E402  (the number of threads is read when it is imported)

from course_lib import data  # noqa: E402
from course_lib.results import experiments  # noqa: E402
from course_tools.experiments import train  # noqa: E402

torch.set_num_threads(study["num_threads"])
WORK = Path(os.environ.get("STUDY_WORK", STUDIES.parent / "build" / "studies"))
SETTINGS = train.Settings(
    device="cpu",
    precision=study["precision"],
    runs=STUDIES / study_name,
    work=WORK / study_name,
)


def recipe(name: str) -> experiments.Experiment:
    """The recipe of a setting: the study's experiment with what the setting changes."""
    changes = {k: v for k, v in study["settings"][name].items() if k != "forked_from"}
    base = experiments.get(study["experiment"])
    return replace(base, name=f"{base.name}_{name}", title=f"{base.title}, {name}", **changes)


def folder(name: str) -> Path:
    return SETTINGS.checkpoints(recipe(name).name, seed, "full")


def fork(trunk: str, into: Path) -> None:
    """Begin a run with another one's state before its learning rate fell first."""
    if not (into / "last.checkpoint").exists():
        shutil.copytree(folder(trunk) / "before-first-fall", into)


def train_epoch_by_epoch(experiment: experiments.Experiment, into: Path) -> None:
    """Train; while the rate has not fallen, keep the state of the last epoch for forks."""
    parts = data.split(train.load_data(print), experiment.protocol)
    done = train.num_epochs_kept(into)
    for num_epochs in range(done + 1, experiment.num_epochs + 1):
        one_more = replace(experiment, num_epochs=num_epochs)
        record, _ = train._fit(one_more, parts, seed, SETTINGS, into)
        last = record.history[-1]
        print(f"  epoch {num_epochs}: {last}", flush=True)
        if not record.events:
            kept = into / "before-first-fall"
            kept.mkdir(exist_ok=True)
            for name in ("last.checkpoint", "best.checkpoint", "made_on.json"):
                shutil.copy2(into / name, kept / name)


def provenance(*arguments) -> dict:
    """What `course train` writes down of a run, and which run of which study it is."""
    trunk = study["settings"][setting_name].get("forked_from")
    return {
        **original_provenance(*arguments),
        "command": f"taskset -c N python studies/train.py {study_name} {setting_name} {seed}",
        "num_threads": torch.get_num_threads(),
        "study": {"name": study_name, "setting": setting_name, "forked_from": trunk},
    }


original_provenance, train._provenance = train._provenance, provenance
mine = recipe(setting_name)
experiments.EXPERIMENTS[mine.name] = mine
if trunk := study["settings"][setting_name].get("forked_from"):
    fork(trunk, folder(setting_name))
train_epoch_by_epoch(mine, folder(setting_name))
train.train(mine.name, seed, SETTINGS)
