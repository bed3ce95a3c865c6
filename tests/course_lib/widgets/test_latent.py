"""Walks through a latent and feature maps: the numbers, the messages, and what stays as it was."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from course_lib import models_torch
from course_lib.files import CourseError
from course_lib.results import published
from course_lib.widgets import latent, show_feature_maps, walk_latent

GRAY = np.random.default_rng(0).random((6, 32, 32), dtype=np.float32)


def fc_model():
    torch.manual_seed(0)
    return models_torch.FCLatentAutoencoder((4, 8, 8), latent_dim=12)


def conv_model():
    torch.manual_seed(0)
    return models_torch.ConvLatentAutoencoder((4, 8, 10))


@pytest.fixture(params=[fc_model, conv_model], ids=["fc", "conv"])
def model(request):
    return request.param()


def pictures(answer, key="frames"):
    return np.frombuffer(answer[key], np.uint8).reshape(21, 32, 32, 3)


def decoded(model, codes):
    """uint8 (N, 32, 32, 3) of codes (N, ...), by PyTorch alone."""
    with torch.no_grad():
        return np.rint(model.eval().decode(codes).permute(0, 2, 3, 1).numpy() * 255)


def encoded(model, gray=GRAY):
    with torch.no_grad():
        return model.eval().encode(torch.from_numpy(gray[:, None]))


def test_a_walk_decodes_the_straight_line_between_two_latents(model):
    widget = walk_latent(model, GRAY)
    assert widget.error == ""
    widget.request = ["pair", 2, 5]
    codes = encoded(model)
    line = torch.stack([torch.lerp(codes[2], codes[5], place) for place in np.linspace(0, 1, 21)])
    expected = decoded(model, line)
    assert widget.answer["request"] == ["pair", 2, 5]
    np.testing.assert_allclose(pictures(widget.answer), expected, atol=1)  # one level: rounding
    ends = published.predict(model, GRAY[[2, 5]]) * 255
    np.testing.assert_allclose(pictures(widget.answer)[[0, 20]], ends, atol=1)
    mixed = [(1 - share) * ends[0] + share * ends[1] for share in np.linspace(0, 1, 21)]
    np.testing.assert_allclose(pictures(widget.answer, "references"), mixed, atol=1)


def test_a_direction_is_walked_in_standard_deviations_from_the_image(model):
    widget = walk_latent(model, GRAY, num_directions=3)
    widget.request = ["direction", 4, 1]
    codes = encoded(model)
    points = codes.flatten(1).numpy().astype(float)
    variances, directions = np.linalg.eigh(np.cov(points, rowvar=False))  # weakest first
    scores = (points - points.mean(axis=0)) @ directions[:, -2]
    assert scores.std(ddof=1) == pytest.approx(np.sqrt(variances[-2]))
    step = directions[:, -2] * scores.std(ddof=1) * np.sign(directions[:, -2].sum())
    line = points[4] + np.linspace(-3, 3, 21)[:, None] * step
    expected = decoded(model, torch.from_numpy(line.astype(np.float32)).view(-1, *codes.shape[1:]))
    np.testing.assert_allclose(pictures(widget.answer), expected, atol=1)
    own = published.predict(model, GRAY[4:5]) * 255
    for frame in (pictures(widget.answer)[10], *pictures(widget.answer, "references")):
        np.testing.assert_allclose(frame, own[0], atol=1)
    shares = variances[::-1] / variances.sum()
    stated = [f"{i}: {share:.1%} of the variance" for i, share in enumerate(shares[:3], start=1)]
    assert widget.directions == stated
    assert widget.places["direction"][10] == "+0.0 standard deviations"
    assert widget.places["direction"][0] == "-3.0 standard deviations"


def test_directions_are_orthogonal_and_no_more_than_there_are():
    points = np.random.default_rng(1).normal(size=(5, 30)) * np.arange(30)
    directions, shares = latent.principal_directions(points, 100)
    assert len(directions) == len(shares) == 4 and shares.sum() == pytest.approx(1)
    products = directions @ directions.T
    np.testing.assert_allclose(products, np.diag(np.diag(products)), atol=1e-9 * products.max())
    total = points.var(axis=0, ddof=1).sum()
    np.testing.assert_allclose(np.diag(products) / total, shares)


def test_captions_count_the_numbers_that_no_image_gives():
    model = fc_model()
    widget = walk_latent(model, GRAY)
    assert all(
        "\n0 of 12 latent" in text for text in widget.answer["captions"]
    )  # between two images
    widget.request = ["direction", 0, 0]
    codes = encoded(model).numpy()
    directions, _ = latent.principal_directions(codes, 1)
    far = codes[0] + 3 * directions[0]
    outside = int(np.sum((far < codes.min(axis=0)) | (far > codes.max(axis=0))))
    assert outside > 0 and f"\n{outside} of 12 latent" in widget.answer["captions"][20]


def test_captions_tell_how_far_a_frame_is_from_the_picture_beside_it():
    answer = walk_latent(fc_model(), GRAY).answer
    frames, beside = pictures(answer) / 255, pictures(answer, "references") / 255
    distance = np.sqrt(np.mean((frames - beside) ** 2, axis=(1, 2, 3)))
    stated = [float(text.split(": ")[1].split()[0]) for text in answer["captions"]]
    np.testing.assert_allclose(stated, distance, atol=0.003)  # rounded to levels, and to 3 digits
    assert stated[0] == stated[20] == 0
    ends = np.sqrt(np.mean((frames[20] - frames[0]) ** 2))
    yardsticks = {float(text.split("walk: ")[1].split(")")[0]) for text in answer["captions"]}
    assert list(yardsticks) == pytest.approx([ends], abs=0.003)


def test_the_browser_gets_the_gray_images_as_bytes():
    for widget in (walk_latent(fc_model(), GRAY), show_feature_maps(conv_model(), GRAY)):
        levels = np.frombuffer(widget.gray, np.uint8).reshape(widget.size)
        np.testing.assert_array_equal(levels, np.rint(GRAY * 255))


def test_feature_maps_are_the_latent_of_the_image_in_two_scales():
    model = conv_model()
    widget = show_feature_maps(model, GRAY)
    assert widget.latent == [10, 16, 16]
    widget.request = [3]
    maps = encoded(model, GRAY[3:4])[0].numpy().astype(float)
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    expected = {
        "each": (maps - low) / (high - low),
        "common": (maps - maps.min()) / (maps.max() - maps.min()),
    }
    for scale, shares in expected.items():
        levels = np.frombuffer(widget.answer[scale], np.uint8).reshape(maps.shape)
        np.testing.assert_allclose(levels, shares * 255, atol=0.51)
    assert widget.answer["order"] == np.argsort(-maps.mean(axis=(1, 2))).tolist()
    assert widget.answer["range"] == [f"{maps.min():.3g}", f"{maps.max():.3g}"]


def test_maps_are_described_by_their_largest_value_and_share_of_zeros():
    maps = np.zeros((3, 2, 2), np.float32)
    maps[0] = [[0, 2.5], [0, -1]]
    maps[2] = 7  # constant: black in a scale of its own
    answer = latent.describe(maps)
    assert answer["captions"][0] == "largest value 2.5, smallest -1, mean 0.375; 50.0% zeros"
    assert answer["captions"][1] == "largest value 0, smallest 0, mean 0; 100.0% zeros"
    assert list(answer["each"]) == [73, 255, 73, 0] + [0] * 8
    assert list(answer["common"]) == [32, 112, 32, 0] + [32] * 4 + [255] * 4
    assert answer["order"] == [2, 0, 1]


@pytest.mark.parametrize("explore", [walk_latent, show_feature_maps])
def test_a_still_and_a_text_are_left(explore):
    data, metadata = explore(conv_model(), GRAY)._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR")
    assert len(data["text/plain"]) > 40 and metadata["image/png"]["alt"] == data["text/plain"]


class Trained(nn.Module):
    """Part of it in training mode, and part not; it notes what mode it works in."""

    def __init__(self):
        super().__init__()
        self.inner = conv_model()
        self.frozen = nn.BatchNorm2d(10)
        self.train()
        self.frozen.eval()
        self.seen = []

    def encode(self, gray):
        self.seen.append((self.training, torch.is_grad_enabled()))
        return self.frozen(self.inner.encode(gray))

    def decode(self, codes):
        self.seen.append((self.training, torch.is_grad_enabled()))
        if len(self.seen) > 5:
            raise RuntimeError("enough")
        return self.inner.decode(codes)


def test_the_model_works_in_evaluation_mode_and_is_left_as_it_was():
    model = Trained()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    widget = walk_latent(model, GRAY)
    show_feature_maps(model, GRAY)
    for image in range(4):
        widget.request = ["pair", image, 5]
    assert "enough" in widget.answer["failure"]
    assert set(model.seen) == {(False, False)}
    assert model.training and model.inner.conv1.training and not model.frozen.training
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_model_in_double_precision_is_given_what_it_takes():
    widget = walk_latent(fc_model().double(), GRAY)
    np.testing.assert_allclose(
        pictures(widget.answer), pictures(walk_latent(fc_model(), GRAY).answer), atol=1
    )


class Broken(nn.Module):
    """A model that can be made to fail, now or later; `what` replaces its results."""

    def __init__(self, encode=None, decode=None):
        super().__init__()
        self.good = conv_model()
        self.what = {"encode": encode, "decode": decode}

    def encode(self, gray):
        return (self.what["encode"] or (lambda maps: maps))(self.good.encode(gray))

    def decode(self, codes):
        return (self.what["decode"] or (lambda rgb: rgb))(self.good.decode(codes))


def fail(_):
    raise ZeroDivisionError("it is\nMonday")


FAILURES = {
    "raises": (fail, "raised ZeroDivisionError: it is"),
    "nan": (lambda x: x * torch.nan, "gave NaN or infinite values"),
    "inf": (lambda x: x / 0, "gave NaN or infinite values"),
    "fewer": (lambda x: x[:-1], r"is needed|raised"),
    "number": (lambda x: x.mean(), "raised"),
    "no tensor": (lambda x: x.numpy(), "raised AttributeError"),
    "none": (lambda x: None, "raised AttributeError"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_model_that_fails_at_once_gives_a_notice(name):
    what, message = FAILURES[name]
    for widget in (
        walk_latent(Broken(encode=what), GRAY),
        walk_latent(Broken(decode=what), GRAY),
        show_feature_maps(Broken(encode=what), GRAY),
    ):
        assert type(widget).__name__ == "Notice"
        assert widget.error.startswith("model.") and "\n" not in widget.error
        assert re.search(message, widget.error), widget.error


@pytest.mark.parametrize("name", FAILURES)
def test_a_model_that_fails_later_gives_a_reason_and_recovers(name):
    what, message = FAILURES[name]
    model = Broken()
    walk, maps = walk_latent(model, GRAY), show_feature_maps(model, GRAY)
    good = pictures(walk.answer)
    model.what = {"encode": what, "decode": what}
    walk.request, maps.request = ["pair", 1, 2], [2]
    assert walk.answer["request"] == ["pair", 1, 2] and maps.answer["request"] == [2]
    assert walk.answer["failure"].startswith("model.decode")
    assert maps.answer["failure"].startswith("model.encode")
    model.what = {"encode": None, "decode": None}
    walk.request, maps.request = ["pair", 0, 1], [1]
    assert "failure" not in walk.answer and "failure" not in maps.answer
    np.testing.assert_array_equal(pictures(walk.answer), good)


def test_maps_of_another_shape_than_at_first_are_refused():
    model = Broken()
    widget = show_feature_maps(model, GRAY)
    model.what["encode"] = lambda maps: maps[:, :3]
    widget.request = [1]
    assert "gave shape (1, 3, 16, 16)" in widget.answer["failure"]
    assert "(1, 10, 16, 16) is needed" in widget.answer["failure"]


def test_a_choice_that_cannot_be_made_is_answered_with_a_reason():
    for widget, request in (
        (walk_latent(conv_model(), GRAY), ["pair", 0, 99]),
        (show_feature_maps(conv_model(), GRAY), [99]),
    ):
        widget.request = request
        assert widget.answer["request"] == request
        assert widget.answer["failure"].startswith("This cannot be shown")


NO_IMAGES = {
    "empty": (GRAY[:0], "empty"),
    "levels": ((GRAY * 255).astype(np.uint8), "divide by 255"),
    "out of range": (GRAY * 3, r"must be in \[0, 1\]"),
    "nan": (np.full_like(GRAY, np.nan), "NaN"),
    "colour": (np.stack([GRAY] * 3, axis=-1), r"images \(N, H, W\) are needed"),
    "one image": (GRAY[0], r"images \(N, H, W\) are needed"),
    "mixed": ([GRAY[0], GRAY[1, :16]], "cannot be read"),
}


@pytest.mark.parametrize("explore", [walk_latent, show_feature_maps])
@pytest.mark.parametrize("name", NO_IMAGES)
def test_images_that_do_not_fit_give_a_notice(explore, name):
    images, message = NO_IMAGES[name]
    with pytest.raises(CourseError, match=message):
        explore.__wrapped__(conv_model(), images)
    assert explore(conv_model(), images).error


def test_what_cannot_be_walked_gives_a_notice():
    assert "the same" in walk_latent(fc_model(), GRAY[[0, 0, 0]]).error
    assert "two images" in walk_latent(fc_model(), GRAY[:1]).error
    assert "at least one" in walk_latent(fc_model(), GRAY, num_directions=0).error
    assert "maps (C, h, w) are needed" in show_feature_maps(fc_model(), GRAY).error
    for no_model in (None, "fc_latent", nn.Linear(2, 2), lambda gray: gray):
        assert "must be a PyTorch model" in walk_latent(no_model, GRAY).error
        assert "must be a PyTorch model" in show_feature_maps(no_model, GRAY).error


def test_one_of_several_models_is_chosen_by_its_place():
    models = {"one": conv_model(), "two": Broken(encode=lambda maps: 2 * maps)}
    widget = show_feature_maps(models, GRAY)
    assert widget.names == ["one", "two"]
    assert widget.answer["captions"] == show_feature_maps(models["one"], GRAY).answer["captions"]
    widget.request = [3, 1]
    other = show_feature_maps(models["two"], GRAY)
    other.request = [3]
    assert widget.answer["captions"] == other.answer["captions"]
    assert widget._repr_mimebundle_()[0]["text/plain"].endswith("white: one, then two.")
    widget.request = [3, 2]
    assert widget.answer["failure"].startswith("This cannot be shown")


def test_models_whose_latents_differ_give_a_notice():
    wider = models_torch.ConvLatentAutoencoder((4, 8, 12))
    for models in ({"one": conv_model(), "two": wider}, {}):
        assert "give models of one shape" in show_feature_maps(models, GRAY).error
    assert "(C, h, w) are needed" in show_feature_maps({"b": fc_model()}, GRAY).error


def test_one_image_has_feature_maps():
    assert show_feature_maps(conv_model(), GRAY[:1]).error == ""
