"""The checks of lesson 02, the three-layer model."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from course_lib.checks import Check, CheckFailed, random_array, random_whole
from course_lib.grayscale import BT601


def _improvements(losses: Any, min_delta: float, every_low_moves_best: bool = False) -> int:
    best, count = np.inf, 0
    for loss in losses:
        if loss < best - min_delta:
            best, count = loss, count + 1
        elif every_low_moves_best:
            best = min(best, loss)
    return count


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


def _gray(rgb: Any, weights: Any = BT601) -> np.ndarray:
    gray: np.ndarray = np.asarray(rgb) @ np.array(weights)  # (..., 3) -> (...)
    return gray


def _missing(prediction: Any, gray: np.ndarray, weights: Any = BT601) -> np.ndarray:
    return np.expand_dims(gray - _gray(prediction, weights), -1)


def _errors(output: np.ndarray, prediction: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """MSE of the repaired pictures, and of their gray. Ways as good as the best count as equal."""
    if output.shape != prediction.shape:
        raise CheckFailed(f"Return RGB of shape {prediction.shape}, not {output.shape}.")
    mse = np.mean((output - _truth()) ** 2)
    if mse <= _GOOD_ENOUGH:
        return np.array([_GOOD_ENOUGH, 0])
    return np.array([mse, np.mean(_missing(output, gray) ** 2)])


class _RepairCheck(Check):
    """A check that an MSE is low enough; equal to a certain value it need not be."""

    def _difference(self, given: list[np.ndarray], right: list[np.ndarray]) -> str:
        mse, gray_error = given[0]
        if not np.isfinite(mse):
            return super()._difference(given, right)
        hint = (
            "Their gray is not yet the one that was given: take the gray of your result and compare"
            if gray_error > self.tolerance
            else "Their gray is right; so think what blur does to red, green and blue"
        )
        return (
            f"The MSE of your pictures is {mse:.5f} and should be at most {_GOOD_ENOUGH}. {hint}."
        )


def _one_number(what: str) -> Callable[..., Any]:
    """A measure that takes an output as it is, if it is one number."""

    def measure(output: np.ndarray, *arguments: Any) -> np.ndarray:
        if output.size != 1:
            raise CheckFailed(f"Return one number: {what}.")
        return output

    return measure


_W = np.array(BT601)
_MEAN = np.full(3, 1 / 3)
_GOOD_ENOUGH = 0.0005  # the best ways known come to 0.0003

# fmt: off
CHECKS = {
    "02.conv_parameters": Check(
        inputs=lambda: [(1, 64, 3), (64, 128, 3), (3, 8, 5), (7, 2, 1),
                        (*random_whole(2, 50, 2), 4)],
        reference=lambda in_channels, filters, kernel_size:
            (kernel_size**2 * in_channels + 1) * filters,
        misconceptions={
            "You left out the biases: there is one for each filter.":
                lambda channels, filters, k: k * k * channels * filters,
            "You count one bias for the whole layer; there is one for each filter.":
                lambda channels, filters, k: k * k * channels * filters + 1,
            "The window is square: it has kernel_size times kernel_size pixels.":
                lambda channels, filters, k: (k * channels + 1) * filters,
            "A filter looks at all input channels and has weights for each: multiply by them.":
                lambda channels, filters, k: (k * k + 1) * filters,
            "This is one filter: multiply its weights and its bias by the number of filters.":
                lambda channels, filters, k: k * k * channels + 1,
            "You wrote 3 x 3; the window need not be 3 pixels wide: use kernel_size.":
                lambda channels, filters, k: (9 * channels + 1) * filters,
            "A bias belongs to a filter, not to each pair of filter and input channel.":
                lambda channels, filters, k: (k * k + 1) * channels * filters,
            "Every filter has weights for every input channel: multiply the two, do not add.":
                lambda channels, filters, k: k * k * (channels + filters) + filters,
            "Filters and input channels have changed places: the biases belong to the filters.":
                lambda channels, filters, k: (k * k * filters + 1) * channels,
        },
    ),
    "02.improvements": Check(
        inputs=lambda: [
            (np.array([1, 0.9, 0.896, 0.892, 0.888, 0.95, 0.87, 0.87, 0.8]) / 100, 1e-4),
            (np.array([0.5, 0.4, 0.45, 0.41, 0.39, 0.38, 0.3]), 0.03),
            (np.array([50, 40, 39.999, 39.99]), 1e-4),
            (np.array([0.3, 0.3, 0.2, 0.25, 0.2]), 0),
            (random_array(12), 0.05),
        ],
        reference=_improvements,
        measure=_one_number("how many epochs count"),
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
                lambda losses, delta: _improvements(losses, delta) - 1,
            "You count every new low; the loss must be lower by more than min_delta.":
                lambda losses, delta: _improvements(losses, 0),
            "A loss that is equal to best minus min_delta is not better: compare with <, not <=.":
                lambda losses, delta: _improvements(losses, delta - 1e-15),
            "You allow a loss above best, by min_delta; it must be below best - min_delta.":
                lambda losses, delta: _improvements(losses, -delta),
            "You count every epoch: best stays at infinity. Move it to each loss that counts.":
                lambda losses, delta: len(losses),
            "Your best stays at the first loss. Move it to each loss that counts.":
                lambda losses, delta: 1 + int(np.sum(losses < losses[0] - delta)),
            "You take min_delta as a share of the best loss; in Keras it is an absolute number.":
                lambda losses, delta: _improvements(np.log(losses), -np.log1p(-delta)),
            "Your best moves at every new low: move it only when the epoch counts. And the first "
            "epoch counts too.":
                lambda losses, delta: _improvements(losses, delta, True) - 1,
            "A loss that rises is no improvement: the sign of the difference matters.":
                lambda losses, delta: 1 + int(np.sum(np.abs(np.diff(losses)) > delta)),
            "You return which epoch is the best; return how many count.":
                lambda losses, delta: int(np.argmin(losses)) + 1,
            "You return the lowest loss; return how many epochs count.":
                lambda losses, delta: np.min(losses),
            "You count the epochs that are not better.":
                lambda losses, delta: len(losses) - _improvements(losses, delta),
        },
    ),
    "02.number_to_report": Check(
        inputs=lambda: [(random_array(9), random_array(2, 9)[1]),
                        (np.array([0.4, 0.2, 0.2, 0.3]), np.array([0.5, 0.3, 0.25, 0.1])),
                        tuple(random_array(2, 6))],
        reference=lambda validation_losses, test_losses: test_losses[np.argmin(validation_losses)],
        measure=_one_number("the loss to report"),
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
                lambda validation, test: (validation.min() + test.min()) / 2,
            "You take the highest validation loss; the best is the lowest.":
                lambda validation, test: test[validation.argmax()],
            "With two equally good epochs, ModelCheckpoint keeps the first.":
                lambda validation, test: test[len(test) - 1 - validation[::-1].argmin()],
            "You average over all epochs; nobody will use that model.":
                lambda validation, test: test.mean(),
        },
    ),
    "02.give_gray_back": _RepairCheck(
        inputs=lambda: [(_prediction(), _gray(_truth()))],
        reference=lambda prediction, gray: prediction + _missing(prediction, gray),
        measure=_errors,
        measured="the MSE of your pictures",
        drawn_as="pictures",
        caption="The prediction is blurred and pale; what is returned has the edges of the gray.",
        misconceptions={
            "You return the prediction as it is; the gray holds what it has lost.":
                lambda prediction, gray: prediction,
            "This is the gray copy: the gray is right, and the colours are thrown away.":
                lambda prediction, gray: np.repeat(gray[..., np.newaxis], 3, axis=-1),
            "You mix prediction and gray copy half and half: half the blur stays, and half the "
            "colour goes.":
                lambda prediction, gray: (prediction + gray[..., np.newaxis]) / 2,
            "You share out the missing gray by the weights of gray, and the gray is still wrong.":
                lambda prediction, gray: prediction + _missing(prediction, gray) * _W,
            "The gray is right now, by the smallest change there is. But blur does not err along "
            "the weights of gray: think what it does to red, green and blue.":
                lambda prediction, gray: prediction + _missing(prediction, gray) * _W / (_W @ _W),
            "Your pictures' gray is still off: the mean of the channels is not the course's gray.":
                lambda prediction, gray: prediction + _missing(prediction, gray, _MEAN),
            "The mean of the channels is not the course's gray: scale by 0.299, 0.587, 0.114.":
                lambda prediction, gray:
                    prediction * (gray / _gray(prediction, _MEAN))[..., np.newaxis],
            "You put the gray in place of the V of HSV; V is the largest channel and not the gray.":
                lambda prediction, gray: prediction * (gray / prediction.max(-1))[..., np.newaxis],
            "You share the missing gray among three channels; each of them lacks all of it.":
                lambda prediction, gray: prediction + _missing(prediction, gray) / 3,
            "You add the whole gray to a picture that has its own: add only what is missing.":
                lambda prediction, gray: prediction + gray[..., np.newaxis],
            "You multiply by the gray, and everything becomes darker.":
                lambda prediction, gray: prediction * gray[..., np.newaxis],
            "You put all of the missing gray into green; blur takes from red and blue as well.":
                lambda prediction, gray:
                    prediction + _missing(prediction, gray) * [0, 1 / 0.587, 0],
            "The sign is wrong: where gray is missing, add it.":
                lambda prediction, gray: prediction - _missing(prediction, gray),
        },
    ),
}
# fmt: on
