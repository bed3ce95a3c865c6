"""The recipes are the paper's; schedules, profiles and seeds do what they say."""

import math

import numpy as np
import pytest

from course_lib import profiles, seeding
from course_lib.files import CourseError
from course_lib.results import experiments
from course_lib.results.experiments import EXPERIMENTS
from course_lib.training.schedules import ReduceOnPlateau, replay


def test_the_papers_four_runs():
    a1, a2, b, c = experiments.PAPER
    assert [e.letter for e in experiments.PAPER] == ["A1", "A2", "B", "C"]
    for e in (a1, a2):
        assert (e.learning_rate, e.batch_size, e.num_epochs, e.rotation) == (1e-3, 32, 30, 0)
        assert (e.framework, e.gray_weights) == ("keras", "BT601")
    for e in (b, c):
        assert (e.learning_rate, e.batch_size, e.num_epochs, e.rotation) == (1e-4, 100, 20, 15)
        assert (e.framework, e.gray_weights) == ("torch", "TORCHVISION")
    assert a2.schedule is b.schedule is c.schedule is None
    expected = {"factor": math.sqrt(0.1), "patience": 5, "cooldown": 0, "min_lr": 5e-7}
    assert a1.schedule == {**expected, "min_delta": 1e-4}


def test_every_recipe_stands_under_both_protocols_and_differs_in_nothing_else():
    for e in experiments.PAPER:
        paper = EXPERIMENTS[f"{e.name}_paper"]
        assert (e.protocol, paper.protocol) == ("held_out", "paper")
        differing = {k for k, v in vars(e).items() if vars(paper)[k] != v}
        assert differing == {"name", "protocol"}


def test_the_ablation_is_on_5000_images_for_all_30_epochs():
    for name in ("three_layer_plateau_5k", "three_layer_constant_5k"):
        assert (EXPERIMENTS[name].num_train, EXPERIMENTS[name].num_epochs) == (5_000, 30)


def test_the_control_is_given_the_colours_and_differs_in_nothing_else():
    a2, control = experiments.PAPER[1], EXPERIMENTS["three_layer_rgb"]
    differing = {key for key, value in vars(a2).items() if vars(control)[key] != value}
    assert differing == {"name", "letter", "title", "gray_weights", "model_arguments"}


def test_model_input_is_gray_by_the_recipe_or_the_picture_itself():
    rgb = np.array([[[[1.0, 0.0, 0.0]]]], np.float32)
    given = {e.letter: experiments.model_input(e, rgb).ravel() for e in EXPERIMENTS.values()}
    assert given["A2"] == pytest.approx([0.299]) and given["B"] == pytest.approx([0.2989])
    assert given["A2 from RGB"] == pytest.approx([1, 0, 0])


def test_experiments_go_by_name_and_by_letter():
    assert experiments.get("conv_latent") is experiments.get("c") is EXPERIMENTS["conv_latent"]
    with pytest.raises(CourseError, match="choose one of: three_layer_plateau"):
        experiments.get("vae")


def test_plateau_by_hand():
    # patience 2: epochs 1 and 2 are better, 3 and 4 are not, so epoch 5 is the first at 0.1.
    schedule = ReduceOnPlateau(factor=0.1, patience=2, min_delta=0.01, min_lr=0.05)
    losses = [1.0, 0.9, 0.895, 0.9, 0.9, 0.9, 0.9, 0.9]
    #                                  ^ two bad epochs again: 0.01 would pass the floor of 0.05
    assert replay(schedule, losses, 1.0) == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.05, 0.05])


def test_plateau_min_delta_is_absolute():
    falling = [0.0080 - 0.00005 * epoch for epoch in range(6)]  # half of min_delta an epoch
    assert replay(ReduceOnPlateau(patience=1), falling, 1.0)[2] < 1
    assert replay(ReduceOnPlateau(patience=1, min_delta=0), falling, 1.0) == [1.0] * 6


def test_plateau_cooldown_counts_nothing():
    schedule = ReduceOnPlateau(factor=0.1, patience=1, cooldown=2, min_lr=0)
    rates = replay(schedule, [1.0] * 7, 1.0)
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01, 0.001])


def test_profiles():
    assert profiles.get("quick").data == "sample"
    assert profiles.get("full").channels == (64, 128, 256)
    with pytest.raises(CourseError, match="quick, full"):
        profiles.get("fast")


def test_epoch_seeds_differ_and_fit_every_framework():
    seeds = {seeding.epoch_seed(seed, epoch) for seed in range(10) for epoch in range(50)}
    assert len(seeds) == 500 and min(seeds) >= 0 and max(seeds) < 2**31
