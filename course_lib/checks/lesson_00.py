"""The checks of lesson 00, start here."""

import numpy as np

from course_lib.checks import Check, everywhere, random_array


def _is_falling(output: np.ndarray, gray: np.ndarray) -> bool:
    """Whether brighter pixels become darker."""
    return bool((np.diff(output.ravel()[np.argsort(gray, axis=None)]) <= 0).all())


# fmt: off
CHECKS = {
    "00.negative": Check(
        inputs=lambda: [(random_array(4, 4),), (np.array([0.0, 0.25, 1.0]),),
                        (random_array(2, 3),), (random_array(2, 3, 4) / 2,), (np.array([0.3]),)],
        shown=2,
        reference=lambda gray: 1 - gray,
        drawn_as="pictures",
        misconceptions={
            "You give the picture back as it came: black must become white, and white black.":
                lambda gray: gray,
            "You change the sign, and white becomes -1: count down from 1.": lambda gray: -gray,
            "You count down from 255, but these values lie between 0 and 1.":
                (lambda gray: 255 - gray, lambda gray: 255 - 255 * gray,
                 lambda gray: np.round(255 - 255 * gray)),
            "You turn the picture upside down; its values stay as they were.":
                lambda gray: gray[::-1],
            "You mirror the picture; its values stay as they were.":
                (lambda gray: gray[..., ::-1], np.flip),
            "You count down from the brightest pixel, so a dark picture stays dark.":
                (lambda gray: gray.max() - gray, lambda gray: gray.max() + gray.min() - gray),
            "The sign is wrong: white becomes 0 and black 1, so count down from 1.":
                lambda gray: gray - 1,
            "You divide 1 by the gray; count down from 1 instead.": lambda gray: 1 / gray,
            "You leave black and white only; gray in between becomes gray in between.":
                (lambda gray: np.round(1 - gray), lambda gray: np.where(gray > 0.5, 0, 1),
                 lambda gray: np.where(gray > 0.5, 0.0, gray),
                 lambda gray: np.where(gray == 0, 1, 0)),
            "You invert the bright pixels only, or the dark ones only; all of them change.":
                (lambda gray: np.where(gray > 0.5, 1 - gray, gray),
                 lambda gray: np.where(gray < 0.5, 1 - gray, gray)),
            "The signs were cut off, and everything became black: count down from 1.":
                lambda gray: np.clip(-gray, 0, 1),
            "You take the negative of the mean; every pixel has its own.":
                lambda gray: 1 - gray.mean(),
            "You count down from 0.5, and bright pixels become negative: white is 1.":
                lambda gray: 0.5 - gray,
            "You divide by 255, but these values lie between 0 and 1 already.":
                (lambda gray: (255 - gray) / 255, lambda gray: 1 - gray / 255,
                 lambda gray: 255 - gray / 255, lambda gray: (1 - gray) / 255),
        },
        signs={
            "You change some of the pixels only; all of them change, whatever the shape is.":
                everywhere(lambda output, gray: output.shape == gray.shape
                           and (np.isclose(output, gray) | np.isclose(output, 1 - gray)).all()),
            "You bend the curve: the negative of a gray is as far from white as the gray from "
            "black, so subtract it from 1.":
                everywhere(lambda output, gray: output.shape == gray.shape
                           and _is_falling(output, gray)),
        },
    ),
}
# fmt: on
