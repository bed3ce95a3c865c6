"""The rule by which claims are judged, on invented runs and on the published ones."""

from math import inf, isnan, nan

import pytest

from course_lib.files import write_hashed_json
from course_lib.results import claims
from course_lib.results.claims import FAILS, HOLDS, OPEN, Claim, Part
from course_tools.experiments import training_queue

LOWEST = Part("lowest", ("fc_latent",), claims._lowest, 0.0095)


@pytest.mark.parametrize(
    ("numbers", "low", "high", "expected"),
    [
        ([], 0, 1, OPEN),
        ([0.5, 0.5], 0, 1, OPEN),  # two seeds
        ([0.5, nan, 0.5], 0, 1, OPEN),
        ([0.5, 0.5, 0.5], 0, 1, HOLDS),
        ([0.4, 0.5, 0.6], 0, 1, HOLDS),  # 0.5 +- 4.303 * 0.1 / sqrt(3) = 0.25 to 0.75
        ([0.4, 0.5, 0.6], 0.3, 1, OPEN),
        ([0.4, 0.5, 0.6], 0.8, inf, FAILS),
        ([0.4, 0.5, 0.6], -inf, 0.2, FAILS),
        ([-0.1, 0.0, 0.1], 0, inf, OPEN),  # the interval of a difference contains zero
    ],
)
def test_the_rule(numbers, low, high, expected):
    assert claims.verdict(numbers, low, high) == expected


def publish(folder, experiment, seed, losses):
    name = f"{experiment}-seed{seed}" if seed else experiment
    manifest = {
        "name": name, "experiment": experiment, "seed": seed, "device": "one",
        "history": [{"train_loss": loss, "seconds": 60} for loss in losses],
        "metrics": {"test": {"mse": losses[-1], "ssim": 0.8, "colourfulness": 20.0}},
    }  # fmt: skip
    write_hashed_json(folder / name / "manifest.json", manifest)


def test_three_seeds_settle_a_part(tmp_path):
    for seed in range(3):
        publish(tmp_path, "fc_latent", seed, [0.03, 0.011 + seed * 1e-5])
    result, [finding] = claims.judge(Claim(3, "", (LOWEST,)), tmp_path)
    # 0.01101 +- 4.303 * 1e-5 / sqrt(3)
    rests_on = "seeds: 3, 95 % interval 0.01099 to 0.01103"
    assert (result, finding.rests_on) == (HOLDS, rests_on)
    assert finding.value == pytest.approx(0.01101)


def test_an_interval_is_in_plain_decimals():
    # 0.00015 +- 4.303 * 0.00005 / sqrt(3)
    rests_on = "seeds: 3, 95 % interval 0.00002579 to 0.0002742"
    assert claims._rests_on([0.0001, 0.0002, 0.00015]) == rests_on


def test_one_seed_and_missing_runs_do_not(tmp_path):
    claim = Claim(3, "", (LOWEST,))
    result, [finding] = claims.judge(claim, tmp_path)
    assert (result, finding.rests_on) == (OPEN, "a run is missing") and isnan(finding.value)
    publish(tmp_path, "fc_latent", 0, [0.011])
    result, [finding] = claims.judge(claim, tmp_path)
    assert (result, finding.rests_on, finding.value) == (OPEN, "seeds: 1", 0.011)


def test_two_models_are_compared_by_runs_of_the_same_seed(tmp_path):
    part = claims._test("mse", claims.C, claims.A1, low=0)
    for seed, score in enumerate((0.008, 0.009)):
        publish(tmp_path, claims.A1, seed, [score])
    publish(tmp_path, claims.C, 1, [0.006])
    _, [finding] = claims.judge(Claim(0, "", (part,)), tmp_path)
    assert finding.rests_on == "seeds: 1" and finding.value == pytest.approx(-0.003)


def test_when_the_queue_is_done_every_claim_with_a_recipe_gets_its_verdict(tmp_path):
    """The queue of all runs, invented: five seeds of A1 and A2, three of B and C."""
    ends = {claims.A1: 0.0041, claims.A2: 0.0042, claims.B: 0.0101, claims.C: 0.0052}
    for planned in training_queue.planned_runs():
        if planned.name in ends:
            losses = [0.02, *[ends[planned.name] + 1e-5 * planned.seed] * 29]
            publish(tmp_path, planned.name, planned.seed, losses)
    for claim in claims.CLAIMS[:5:2]:  # 1, 3 and 5: of one model, and of two
        for finding in claims.judge(claim, tmp_path)[1]:
            assert finding.rests_on.startswith("seeds: "), claim.says
    assert {len(claims.runs_by_seed(name, tmp_path)) for name in (claims.A1, claims.A2)} == {5}
    result, [lowest] = claims.judge(claims.CLAIMS[0], tmp_path)
    assert result == HOLDS and "seeds: 5, 95 % interval 0.0041" in lowest.rests_on
    assert "seeds: 3" in claims.judge(claims.CLAIMS[7], tmp_path)[1][0].rests_on
    assert claims.judge(claims.CLAIMS[8], tmp_path)[1][0].rests_on == "a run is missing"


def test_a_claim_fails_with_any_part_and_holds_with_all(tmp_path):
    for seed in range(3):
        publish(tmp_path, "fc_latent", seed, [0.011])
    low = Part("lowest", ("fc_latent",), claims._lowest, high=0.005)
    missing = Part("lowest", ("conv_latent",), claims._lowest)
    assert claims.judge(Claim(0, "", (LOWEST, missing)), tmp_path)[0] == OPEN
    assert claims.judge(Claim(0, "", (LOWEST, missing, low)), tmp_path)[0] == FAILS


def test_the_best_of_three_architectures_is_told_by_runs_of_three_seeds(tmp_path):
    scores = {"three_layer_plateau": 0.008, "fc_latent": 0.01, "conv_latent": 0.006}
    for seed in range(3):
        for name, score in scores.items():
            publish(tmp_path, name, seed, [score + seed * 1e-5])
    result, findings = claims.judge(claims.CLAIMS[7], tmp_path)  # "A is best overall"
    assert [finding.verdict for finding in findings] == [HOLDS, FAILS]
    assert result == FAILS


def test_ranges_in_words():
    parts = [Part("", (), min, *bounds) for bounds in ((0.5, inf), (-inf, 0), (0.0035, 0.0045))]
    assert [part.claimed for part in parts] == ["above 0.5", "below 0", "0.0035 to 0.0045"]


def test_a_part_says_which_number_is_taken_from_which(tmp_path):
    part = claims._test("mse", claims.B, claims.A1, low=0)
    assert part.what == "test MSE, B minus A1"
    for name, loss in zip(part.names, (0.75, 0.25), strict=True):
        publish(tmp_path, name, 0, [loss])
    assert part.measure(*(claims.runs_by_seed(name, tmp_path)[0] for name in part.names)) == 0.5
    assert claims._test("colourfulness", claims.C, claims.B).what == "test colourfulness, C minus B"


def test_minutes_are_compared_on_one_device_only(tmp_path):
    names = ("fc_latent", "three_layer_plateau", "conv_latent")
    for name, count in zip(names, (5, 2, 3), strict=True):
        publish(tmp_path, name, 0, count * [0.01])
    runs = [claims.runs_by_seed(name, tmp_path)[0] for name in names]
    runs[1].manifest["device"] = "one, Keras on jax"
    assert claims._minutes_more(*runs) == 2
    for device in ("another", "one, Keras on jax, then another, Keras on jax"):
        runs[1].manifest["device"] = device
        assert isnan(claims._minutes_more(*runs))


def test_the_paper_has_nine_claims_and_each_can_be_judged():
    assert [claim.number for claim in claims.CLAIMS] == list(range(1, 10))
    for claim in claims.CLAIMS:
        result, findings = claims.judge(claim)
        assert result in (HOLDS, FAILS, OPEN)
        assert len(findings) == len(claim.parts)


def test_parameters_are_the_papers():
    counts = {name: claims.num_parameters(name) for name in (claims.A1, claims.B, claims.C)}
    assert list(counts.values()) == [1_418_496 + 2_013_315, 9_145_475, 1_330_307]
