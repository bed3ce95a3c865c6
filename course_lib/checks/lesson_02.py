"""The checks of lesson 02, the three-layer model."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from course_lib.checks import (
    Check,
    CheckFailed,
    Comparison,
    Sign,
    everywhere,
    only_where,
    random_array,
    random_whole,
)
from course_lib.grayscale import BT601

Pictures = np.ndarray


def _improvements(
    losses: Any,
    min_delta: float,
    every_low_moves_best: bool = False,
    start: float = np.inf,
    kept: float = 0,
) -> int:
    """How many losses count; best becomes the loss less `kept` times min_delta."""
    best, count = start, 0
    for loss in losses:
        if loss < best - min_delta:
            best, count = loss - kept * min_delta, count + 1
        elif every_low_moves_best:
            best = min(best, loss)
    return count


def _never(sign: int) -> Sign:
    """The sign of counts that are never too small (-1), or never too large (1)."""
    return lambda found: all(
        output.ndim == 0 and sign * (output - right) <= 0
        for output, right in zip(found.given, found.right, strict=True)
    )


def _until_the_first_bad(losses: Any, min_delta: float) -> int:
    """How many count until one does not."""
    better = [now < before - min_delta for before, now in pairwise([np.inf, *losses])]
    return (*better, False).index(False)


def _early_stop(patience: int) -> Callable[..., Any]:
    """The test loss at the lowest validation loss before so many epochs without a lower one."""

    def number(validation: np.ndarray, test: np.ndarray) -> float:
        best = 0
        for epoch, loss in enumerate(validation):
            if loss < validation[best]:
                best = epoch
            if epoch - best >= patience:
                break
        return float(test[best])

    return number


def _pictures(strength: float, colour: float, smooth: float) -> tuple[Pictures, Pictures]:
    """Six pictures (6, 16, 16, 3) whose brightness varies fast and whose colour varies slowly.

    And colours (6, 16, 16, 3) without gray, to be mixed with theirs.
    """
    noise = random_array(6, 16, 16, 7) - 0.5
    bright = gaussian_filter(noise[..., :1], (0, 1, 1, 0))
    own, others = (gaussian_filter(noise[..., c], (0, smooth, smooth, 0)) for c in _CHANNELS)
    own, others = (c - _gray(c)[..., np.newaxis] for c in (own, others))
    truth: Pictures = 0.5 + strength * bright / bright.std() + colour * own / own.std()
    return truth, others / others.std()


def _truth() -> np.ndarray:
    """Six pictures (6, 16, 16, 3) whose brightness varies fast and whose colour varies slowly."""
    noise = random_array(6, 16, 16, 4) - 0.5
    bright = gaussian_filter(noise[..., :1], (0, 1, 1, 0))
    colour = gaussian_filter(noise[..., 1:], (0, 3, 3, 0))
    truth: np.ndarray = 0.5 + 0.13 * bright / bright.std() + 0.05 * colour / colour.std()
    return truth


def _prediction() -> np.ndarray:
    """What a model with a narrow code makes of these pictures: soft, and pale."""
    gray = _gray(_truth())[..., np.newaxis]
    prediction: np.ndarray = gaussian_filter(gray, (0, 1, 1, 0)) + 0.6 * (_truth() - gray)
    return prediction


def _hedged() -> tuple[Pictures, Pictures]:
    """Truth and prediction: softer, too bright or dark, and pale for want of knowledge."""
    truth, unknown = _pictures(0.1, 0.08, 3)
    gray = _gray(truth)[..., np.newaxis]
    soft = gaussian_filter(gray, (0, 2, 2, 0)) + np.linspace(-0.06, 0.06, 6).reshape(6, 1, 1, 1)
    return truth + 0.02 * unknown, soft + truth - gray


def _repairs() -> list[tuple[Pictures, Pictures]]:
    """Truth and prediction of each input."""
    return [(_truth(), _prediction()), _hedged()]


def _gray(rgb: Any, weights: Any = BT601) -> np.ndarray:
    gray: np.ndarray = np.asarray(rgb) @ np.array(weights)  # (..., 3) -> (...)
    return gray


def _missing(prediction: Any, gray: np.ndarray, weights: Any = BT601) -> np.ndarray:
    return np.expand_dims(gray - _gray(prediction, weights), -1)


def _share(part: np.ndarray, whole: np.ndarray) -> float | None:
    """The factor that makes `whole` to `part` nearly everywhere; None if no factor does."""
    part, whole = np.broadcast_arrays(part, whole)
    factor = float(np.vdot(part, whole) / max(np.vdot(whole, whole), 1e-12))
    return factor if np.mean(np.abs(part - factor * whole) < 1e-4) > 0.8 else None


def _weights_used(output: Pictures, prediction: Pictures, gray: np.ndarray) -> np.ndarray | None:
    """The weights of gray of who adds alike to all channels, or scales them alike; else None."""
    added, scaled = output - prediction, output / np.where(prediction == 0, 1, prediction)
    pixels = prediction.reshape(-1, 3)
    for change, their_gray in [
        (added, gray - added[..., 0]),
        (scaled, gray / np.where(scaled[..., 0] == 0, 1, scaled[..., 0])),
    ]:
        if np.ptp(change, axis=-1).max() < 1e-5:
            weights: np.ndarray = np.linalg.lstsq(pixels, their_gray.ravel(), rcond=None)[0]
            if np.allclose(pixels @ weights, their_gray.ravel(), atol=1e-4):
                return weights
    return None


def _wrong_idea(output: Pictures, prediction: Pictures, gray: np.ndarray) -> str | None:
    """The sentence for a repair that is wrong on other pictures, if not on these."""
    added = output - prediction
    missing = _missing(prediction, gray)
    colour, their_colour = (p - _gray(p)[..., np.newaxis] for p in (prediction, output))
    weights, share = _weights_used(output, prediction, gray), _share(added, missing)
    kept = _share(their_colour, colour)
    has_gray = np.abs(_missing(output, gray)).mean() < 1e-4
    if not np.isfinite(output).all():
        return _NAN
    if np.abs(np.clip(output, 0, 1) - np.clip(prediction, 0, 1)).max() < 1e-6:
        return None
    if weights is not None and abs(weights - _W).max() > 1e-3 and weights.sum() > 0.5:
        additive = np.ptp(added, axis=-1).max() < 1e-5
        if np.allclose(weights, 1 / 3, atol=1e-3):
            return _MEAN_ADDED if additive else _MEAN_SCALED
        return _WEIGHTS
    if share is not None and abs(share - 1) > 0.02:
        return _THIRD if abs(share - 1 / 3) < 0.01 else _SIGN if share < 0 else _PART
    if has_gray and kept is not None and abs(kept - 1) > 0.02:
        return _COPY if abs(kept) < 1e-3 else _PALER if kept < 1 else _STRONGER
    return _SHIFT if np.ptp(added, axis=(1, 2)).max() < 1e-5 else None


def _errors(output: np.ndarray, prediction: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """MSE of the repaired pictures, and of their gray. Ways as good as the best count as equal."""
    if output.shape != prediction.shape:
        raise CheckFailed(_SHAPE)
    if problem := _wrong_idea(output, prediction, gray):
        raise CheckFailed(problem)
    repairs = zip(_repairs(), _GOOD_ENOUGH, strict=True)
    truth, limit = next((t, n) for (t, p), n in repairs if np.array_equal(p, prediction))
    mse = np.mean((output - truth) ** 2)
    if mse <= limit * np.mean((prediction + _missing(prediction, gray) - truth) ** 2):
        return np.array([0, 0])
    return np.array([mse, np.mean(_missing(output, gray) ** 2)])


def _one_number(what: str) -> Callable[..., Any]:
    """A measure that takes an output as it is, if it is one number."""

    def measure(output: np.ndarray, *arguments: Any) -> np.ndarray:
        if output.size != 1:
            raise CheckFailed(f"Return one number: {what}.")
        return output

    return measure


def _is_among(which: int) -> Callable[..., bool]:
    """Whether the output is one of the losses: of validation (0) or of test (1)."""
    return lambda output, *losses: bool(np.isclose(output, losses[which], rtol=1e-6).any())


def _has_wrong_gray(found: Comparison) -> bool:
    pairs = zip(found.given, found.inputs, strict=True)
    return any(np.mean(_missing(output, gray) ** 2) > 1e-5 for output, (_, gray) in pairs)


_W = np.array(BT601)
_MEAN = np.full(3, 1 / 3)
_GOOD_ENOUGH = (1.5, 2.6)  # times our reference's MSE, for each input: other good ways reach it
_CHANNELS = (slice(1, 4), slice(4, 7))
_EPOCHS = "how many epochs count"
_LOSS = "the loss to report"
_SHAPE = "Return colour pictures of the prediction's shape, (N, H, W, 3)."
_NAN = "Your pictures hold NaN or infinity: look for a division by zero."
_UNCHANGED = "You return the prediction as it is; the gray holds what it has lost."
_COPY = "This is the gray copy: the gray is right, and the colours are thrown away."
_MEAN_ADDED = "Your pictures' gray is still off: the mean of the channels is not the course's gray."
_MEAN_SCALED = "The mean of the channels is not the course's gray: scale by 0.299, 0.587, 0.114."
_WEIGHTS = (
    "You compare the given gray with another gray of the prediction: take the one with the weights "
    "0.299, 0.587 and 0.114."
)
_THIRD = "You share the missing gray among three channels; each of them lacks all of it."
_SIGN = "The sign is wrong: where gray is missing, add it."
_PART = "You add too little or too much of the missing gray: afterwards none should be missing."
_PALER = "The gray is right, but you make the colours paler: keep what the prediction has of them."
_STRONGER = (
    "The gray is right, but you make the colours stronger: the gray does not say by how much, and "
    "where a model is unsure it does harm."
)
_SHIFT = "You change all pixels of a picture alike; blur takes from some and gives to others."
_SMALLEST = (
    "The gray is right now, by the smallest change there is. But blur does not err along "
    "the weights of gray: think what it does to red, green and blue."
)
_WRONG_GRAY = (
    "The gray of your pictures is not yet the one that was given: take the gray of your result and "
    "compare."
)
_WRONG_COLOURS = (
    "The gray of your pictures is right, but their colours are too far off: think what blur does "
    "to red, green and blue."
)


def _relative(losses: Any, share: float) -> int:
    """How many losses are below the best by more than this share of it."""
    best, count = np.inf, 0
    for loss in losses:
        if np.isinf(best) or loss < best * (1 - share):
            best, count = loss, count + 1
    return count


def _last_that_counts(losses: Any, min_delta: float) -> int:
    """The number of the last epoch that counts, from 1."""
    counts = [_improvements(losses[:n], min_delta) for n in range(1, len(losses) + 1)]
    return counts.index(counts[-1]) + 1


def _last_best(losses: Any, min_delta: float) -> float:
    return float(losses[_last_that_counts(losses, min_delta) - 1])


def _starts_at(start: float) -> Callable[..., int]:
    return lambda losses, min_delta: _improvements(losses, min_delta, start=start)


def _pairs_of_losses(losses: Any, min_delta: float) -> int:
    """How many pairs of losses are so far apart."""
    return sum(losses[k] < losses[i] - min_delta for k in range(len(losses)) for i in range(k))


def _before_the_first_rise(validation: np.ndarray, test: np.ndarray) -> float:
    rises = np.flatnonzero(np.diff(validation) > 0)
    return float(test[rises[0] if len(rises) else -1])


def _is_a_mix(output: Pictures, prediction: Pictures, gray: np.ndarray) -> bool:
    return _share(output - prediction, gray[..., np.newaxis] - prediction) is not None


_LATE = [0.9, 0.5, 0.6, 0.7, 0.4, 0.45, 0.5, 0.5, 0.6, 0.6, 0.5, 0.45, 0.3, 0.35]

# fmt: off
CHECKS = {
    "02.conv_parameters": Check(
        inputs=lambda: [(1, 64, 3), (64, 128, 3), (3, 8, 5), (7, 2, 1),
                        (*random_whole(2, 50, 2), 4), (3, 8, 3), (3, 16, 5), (5, 8, 5), (9, 9, 2)],
        shown=4,
        reference=lambda in_channels, filters, kernel_size:
            (kernel_size**2 * in_channels + 1) * filters,
        misconceptions={
            "You left out the biases: there is one for each filter.":
                lambda channels, filters, k: k * k * channels * filters,
            "You count one bias for the whole layer; there is one for each filter.":
                lambda channels, filters, k: k * k * channels * filters + 1,
            "You count two biases for each filter; there is one.":
                (lambda channels, filters, k: (k * k * channels + 2) * filters,
                 lambda channels, filters, k: k * k * channels * filters + filters + channels),
            "The window is square: it has kernel_size times kernel_size pixels.":
                (lambda channels, filters, k: (k * channels + 1) * filters,
                 lambda channels, filters, k: (2 * k * channels + 1) * filters,
                 lambda channels, filters, k: k * channels * filters),
            "A filter looks at all input channels and has weights for each: multiply by them.":
                (lambda channels, filters, k: (k * k + 1) * filters,
                 lambda channels, filters, k: k * k * filters),
            "This is one filter: multiply its weights and its bias by the number of filters.":
                (lambda channels, filters, k: k * k * channels + 1,
                 lambda channels, filters, k: k * k * channels,
                 lambda channels, filters, k: k * k * channels + filters),
            "You wrote 3 x 3; the window need not be 3 pixels wide: use kernel_size.":
                (lambda channels, filters, k: (9 * channels + 1) * filters,
                 lambda channels, filters, k: 9 * channels * filters),
            "A bias belongs to a filter, not to each pair of filter and input channel.":
                lambda channels, filters, k: (k * k + 1) * channels * filters,
            "A bias belongs to a filter, not to each weight or pixel.":
                (lambda channels, filters, k: 2 * k * k * channels * filters,
                 lambda channels, filters, k: k * k * (channels + 1) * filters),
            "Every filter has weights for every input channel: multiply the two, do not add.":
                (lambda channels, filters, k: k * k * (channels + filters) + filters,
                 lambda channels, filters, k: k * k * (channels + filters),
                 lambda channels, filters, k: (k * k + channels + 1) * filters,
                 lambda channels, filters, k: (k * k + channels) * filters),
            "Filters and input channels have changed places: the biases belong to the filters.":
                lambda channels, filters, k: (k * k * filters + 1) * channels,
            "You raise to the wrong power: the window is square, and the channels count once.":
                (lambda channels, filters, k: (k**3 * channels + 1) * filters,
                 lambda channels, filters, k: ((k * channels)**2 + 1) * filters,
                 lambda channels, filters, k: (k**channels + 1) * filters),
            "You count the pixels where a window fits; weights are shared by all places.":
                lambda channels, filters, k: ((33 - k)**2 * channels + 1) * filters,
            "You take 3 input channels; use in_channels.":
                (lambda channels, filters, k: (k * k * 3 + 1) * filters,
                 lambda channels, filters, k: 3 * k * k * filters),
        },
        otherwise={
            "You count the weights right, but not the biases: there is one for each filter.":
                everywhere(lambda output, channels, filters, k: output.ndim == 0
                           and 0 <= output - k * k * channels * filters <= 3 * filters + k * k),
            "Count the weights of one filter, add its bias, and multiply by the number of filters.":
                everywhere(lambda output, channels, filters, k: output.ndim == 0),
        },
    ),
    "02.improvements": Check(
        inputs=lambda: [
            (np.array([1, 0.9, 0.896, 0.892, 0.888, 0.95, 0.87, 0.87, 0.8]) / 100, 1e-4),
            (np.array([0.5, 0.4, 0.45, 0.41, 0.39, 0.38, 0.3]), 0.03),
            (np.array([50, 40, 39.999, 39.99]), 1e-4),
            (np.array([0.3, 0.3, 0.2, 0.25, 0.2]), 0),
            (random_array(12), 0.05),
            (np.array([7.0]), 0.1),
            (np.array([0.5, 0.375, 0.4, 0.25, 0.125]), 0.125),  # exact in binary
            (np.array([0.1, 0.2, 0.3, 0.05]), 0.01),
            (np.array([5e12, 4e12, 4.5e12, 3e12]), 1.0),
            (np.linspace(0.9, 0.1, 33), 0.04),
            (np.linspace(0.9, 0.1, 33), 0.2),
        ],
        shown=4,
        reference=lambda losses, min_delta: _improvements(losses, min_delta),
        measure=_one_number(_EPOCHS),
        refusals=(f"Return one number: {_EPOCHS}.",),
        drawn_as="curves",
        misconceptions={
            "You compare with the epoch before; Keras compares with the best that counted.":
                lambda losses, delta: 1 + int(np.sum(losses[1:] < losses[:-1] - delta)),
            "Compare with the best that counted, not the epoch before; and the first counts too.":
                lambda losses, delta: int(np.sum(losses[1:] < losses[:-1] - delta)),
            "Your best moves at every new low, so slow progress never adds up: move it only "
            "when the epoch counts.":
                lambda losses, delta: _improvements(losses, delta, every_low_moves_best=True),
            "The first epoch counts too: best starts at infinity.":
                (lambda losses, delta: _improvements(losses, delta) - 1,
                 lambda losses, delta: _improvements(losses, delta, start=losses[0])),
            "You count every new low; the loss must be lower by more than min_delta.":
                (lambda losses, delta: _improvements(losses, 0),
                 lambda losses, delta: _improvements(losses, 0) - 1,
                 lambda losses, delta: _improvements(losses, delta, kept=-1)),
            "A loss that is equal to best minus min_delta is not better: compare with <, not <=.":
                lambda losses, delta: _improvements(losses, delta - 1e-15),
            "You allow a loss above best, by min_delta; it must be below best - min_delta.":
                lambda losses, delta: _improvements(losses, -delta),
            "You count every epoch: best stays at infinity. Move it to each loss that counts.":
                lambda losses, delta: len(losses),
            "Your best stays at the first loss. Move it to each loss that counts.":
                lambda losses, delta: 1 + int(np.sum(losses < losses[0] - delta)),
            "You take min_delta as a share of the best loss; in Keras it is an absolute number.":
                (_relative, lambda losses, delta: _relative(losses, delta) - 1),
            "Your best moves at every new low: move it only when the epoch counts. And the first "
            "epoch counts too.":
                lambda losses, delta: _improvements(losses, delta, True) - 1,
            "A loss that rises is no improvement: the sign of the difference matters.":
                (lambda losses, delta: 1 + int(np.sum(np.abs(np.diff(losses)) > delta)),
                 lambda losses, delta: int(np.sum(np.abs(np.diff(losses)) > delta)),
                 lambda losses, delta: int(np.sum(np.diff(losses) > delta)),
                 lambda losses, delta: 1 + int(np.sum(np.diff(losses) > delta))),
            "You return which epoch is the best; return how many count.":
                (lambda losses, delta: int(np.argmin(losses)) + 1,
                 lambda losses, delta: int(np.argmin(losses)), _last_that_counts,
                 lambda losses, delta: _last_that_counts(losses, delta) - 1),
            "You return the lowest loss; return how many epochs count.":
                (lambda losses, delta: np.min(losses), _last_best),
            "You count the epochs that are not better.":
                lambda losses, delta: len(losses) - _improvements(losses, delta),
            "Your best is the loss less min_delta, and min_delta is subtracted again: keep the "
            "loss itself.":
                (lambda losses, delta: _improvements(losses, delta, kept=1),
                 lambda losses, delta: _improvements(losses, delta, start=losses[0], kept=1)),
            "You stop at the first epoch that is no better; later ones may count again.":
                (_until_the_first_bad,
                 lambda losses, delta: _until_the_first_bad(losses, delta) - 1),
            "Your best starts at 0, and no loss is below that: start at infinity.":
                lambda losses, delta: _improvements(losses, delta, start=0),
            "Your best starts at a number of your own; losses may be larger: start at infinity.":
                tuple(_starts_at(start) for start in (1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e9, 1e10)),
            "You leave the last epoch out.":
                (lambda losses, delta: _improvements(losses[:-1], delta),
                 lambda losses, delta: max(0, _improvements(losses[:-1], delta) - 1)),
            "You count the first epoch twice.":
                lambda losses, delta: _improvements(losses, delta) + 1,
            "You count how often the loss falls; compare with the best that counted, less "
            "min_delta.":
                (lambda losses, delta: int(np.sum(np.diff(losses) < 0)),
                 lambda losses, delta: 1 + int(np.sum(np.diff(losses) < 0))),
            "You compare with the lowest loss of all epochs; best is the lowest so far that "
            "counted.":
                (lambda losses, delta: int(np.sum(losses < np.min(losses) + delta)),
                 lambda losses, delta: int(np.sum(losses <= np.min(losses) + delta)),
                 lambda losses, delta: int(np.sum(losses > np.min(losses) + delta))),
            "You compare with the mean; compare with the best that counted.":
                lambda losses, delta: int(np.sum(losses < np.mean(losses) - delta)),
            "You compare with the loss two places before or with every loss before; best is one "
            "number that moves only when an epoch counts.": _pairs_of_losses,
        },
        signs={
            "A loss that is equal to best minus min_delta is not better: compare with <, not <=.":
                only_where(lambda losses, delta: delta in (0, 0.125)),
            "Your best starts at a number of your own; losses may be larger: start at infinity.":
                only_where(lambda losses, delta: losses.max() > 1),
            "An array may have one epoch only, and that one counts.":
                only_where(lambda losses, delta: len(losses) == 1),
        },
        otherwise={
            "You count too many: an epoch counts only if its loss is below best by more than "
            "min_delta, and best is the loss that counted last.": _never(-1),
            "You count too few: an epoch counts whenever its loss is below best by more than "
            "min_delta, and best is the loss that counted last.": _never(1),
        },
    ),
    "02.number_to_report": Check(
        inputs=lambda: [(random_array(9), random_array(2, 9)[1]),
                        (np.array([0.4, 0.2, 0.2, 0.3]), np.array([0.5, 0.3, 0.25, 0.1])),
                        tuple(random_array(2, 6)),
                        (np.array(_LATE), np.array(_LATE) - 0.1 + 0.01 * random_array(14)),
                        (np.array(_LATE), np.array(_LATE)[::-1] + 0.05),
                        (np.array([0.3]), np.array([0.35])),
                        (np.array([0.1, 0.2, 0.3]), np.array([0.3, 0.2, 0.1])),
                        (np.array([0.3, 0.1, 0.3, 0.1, 0.1]), np.array([9.0, 0.4, 0.1, 0.2, 0.3])),
                        (np.array([7.0, 5.0, 6.0, 4.0]), np.array([8.0, 3.0, 2.0, 9.0]))],
        shown=2,
        reference=lambda validation_losses, test_losses: test_losses[np.argmin(validation_losses)],
        measure=_one_number(_LOSS),
        refusals=(f"Return one number: {_LOSS}.",),
        drawn_as="curves",
        marks="loss",
        misconceptions={
            "Here the test set chooses the epoch, and that is the leak: let validation choose.":
                lambda validation, test: test.min(),
            "The validation loss has chosen, so it is too low: report the test loss there.":
                lambda validation, test: validation.min(),
            "This is the last epoch: the checkpoint was saved and never loaded.":
                lambda validation, test: test[-1],
            "The two have changed places: validation chooses, test is reported.":
                lambda validation, test: validation[test.argmin()],
            "You return which epoch it is; return its test loss.":
                lambda validation, test: validation.argmin(),
            "This is the last validation loss: validation chooses the epoch, and test is reported.":
                lambda validation, test: validation[-1],
            "You mix validation and test: the one chooses, the other is reported.":
                (lambda validation, test: (validation.min() + test.min()) / 2,
                 lambda validation, test: (validation.min() + test[validation.argmin()]) / 2,
                 lambda validation, test: test[(validation + test).argmin()],
                 lambda validation, test: ((validation + test) / 2).min(),
                 lambda validation, test: test[np.abs(validation - test).argmin()]),
            "You report the larger of two losses; validation chooses the epoch, and test is "
            "reported.":
                (lambda validation, test: max(validation.min(), test.min()),
                 lambda validation, test: np.maximum(validation, test).min(),
                 lambda validation, test: max(validation.min(), test[validation.argmin()]),
                 lambda validation, test: test[np.maximum(validation, test).argmin()]),
            "You report the smaller of two losses; validation chooses the epoch, and test is "
            "reported.":
                (lambda validation, test: min(validation.min(), test.min()),
                 lambda validation, test: min(validation.min(), test[validation.argmin()])),
            "You stop when the validation loss first rises; the best epoch may come later.":
                (*map(_early_stop, range(1, 7)), _before_the_first_rise),
            "You take the highest validation loss; the best is the lowest.":
                lambda validation, test: test[validation.argmax()],
            "With two equally good epochs, ModelCheckpoint keeps the first.":
                (lambda validation, test: test[len(test) - 1 - validation[::-1].argmin()],
                 lambda validation, test: test[validation == validation.min()].min(),
                 lambda validation, test: test[validation == validation.min()].mean()),
            "You average over all epochs; nobody will use that model.":
                (lambda validation, test: test.mean(), lambda validation, test: validation.mean(),
                 lambda validation, test: np.median(test)),
            "You are one epoch off: argmin counts from 0, and so do arrays.":
                (lambda validation, test: test[min(validation.argmin() + 1, len(test) - 1)],
                 lambda validation, test: test[validation.argmin() - 1]),
            "This is the first epoch; report the test loss at the lowest validation loss.":
                (lambda validation, test: test[0], lambda validation, test: validation[0]),
            "You return which epoch it is, counted from 1; return its test loss.":
                lambda validation, test: validation.argmin() + 1,
            "You take the highest loss; the best epoch has the lowest.":
                (lambda validation, test: test.max(), lambda validation, test: validation.max()),
        },
        signs={
            "With two equally good epochs, ModelCheckpoint keeps the first.":
                only_where(lambda validation, test: np.sum(validation == validation.min()) > 1),
            "This is the test loss of another epoch; the one with the lowest validation loss "
            "counts, wherever it stands.": everywhere(_is_among(1)),
            "This is a validation loss; validation chooses the epoch, and the test loss is "
            "reported.":
                everywhere(_is_among(0)),
            "Your number is no loss of any epoch: report the test loss of one.":
                lambda found: not all(map(_is_among(1), found.given, *zip(*found.inputs,
                       strict=True))),
        },
    ),
    "02.give_gray_back": Check(
        inputs=lambda: [(prediction, _gray(truth)) for truth, prediction in _repairs()],
        shown=1,
        reference=lambda prediction, gray: prediction + _missing(prediction, gray),
        measure=_errors,
        measured="the MSE of your pictures",
        drawn_as="pictures",
        caption="The prediction is blurred and pale; what is returned has the edges of the gray.",
        refusals=(_SHAPE, _NAN, _WEIGHTS, _PART, _PALER, _STRONGER, _SHIFT),
        misconceptions={
            _UNCHANGED:
                (lambda prediction, gray: prediction,
                 lambda prediction, gray: np.clip(prediction, 0, 1)),
            _COPY: lambda prediction, gray: np.repeat(gray[..., np.newaxis], 3, axis=-1),
            "You mix prediction and gray copy half and half: half the blur stays, and half the "
            "colour goes.":
                lambda prediction, gray: (prediction + gray[..., np.newaxis]) / 2,
            "You share out the missing gray by the weights of gray, and the gray is still wrong.":
                lambda prediction, gray: prediction + _missing(prediction, gray) * _W,
            _SMALLEST:
                lambda prediction, gray: prediction + _missing(prediction, gray) * _W / (_W @ _W),
            _MEAN_ADDED: lambda prediction, gray: prediction + _missing(prediction, gray, _MEAN),
            _MEAN_SCALED:
                lambda prediction, gray:
                    prediction * (gray / _gray(prediction, _MEAN))[..., np.newaxis],
            "You put the gray in place of the V of HSV; V is the largest channel and not the gray.":
                lambda prediction, gray: prediction * (gray / prediction.max(-1))[..., np.newaxis],
            _THIRD: lambda prediction, gray: prediction + _missing(prediction, gray) / 3,
            "You add the whole gray to a picture that has its own: add only what is missing.":
                (lambda prediction, gray: prediction + gray[..., np.newaxis],
                 lambda prediction, gray: np.clip(prediction + gray[..., np.newaxis], 0, 1)),
            "You multiply by the gray, and everything becomes darker.":
                lambda prediction, gray: prediction * gray[..., np.newaxis],
            "You put all of the missing gray into one channel; blur takes from the others as well.":
                (lambda prediction, gray:
                     prediction + _missing(prediction, gray) * [0, 1 / 0.587, 0],
                 *(lambda prediction, gray, c=c: prediction + _missing(prediction,
                        gray) * np.eye(3)[c]
                   for c in range(3))),
            _SIGN: lambda prediction, gray: prediction - _missing(prediction, gray),
            "You sharpen the prediction by itself; what it has lost is in the gray.":
                tuple(lambda prediction, gray, k=k, s=s: prediction + k * (
                    prediction - gaussian_filter(prediction, (0, s, s, 0)))
                    for k in (0.5, 1, 2) for s in (1, 2)),
        },
        signs={
            "You mix prediction and gray copy: some of the blur stays, and some of the colour "
            "goes.":
                everywhere(_is_a_mix),
            "What you add alike to the three channels is not what is missing: compare the given "
            "gray with the prediction's own gray, pixel by pixel.":
                everywhere(lambda output, prediction, gray:
                           np.ptp(output - prediction, axis=-1).max() < 1e-5),
            "Your pictures leave the range from 0 to 1 by far.":
                everywhere(lambda output, *_: output.max() > 2 or output.min() < -1),
            _WRONG_GRAY: _has_wrong_gray,
            _WRONG_COLOURS: lambda found: True,
        },
    ),
}
# fmt: on
