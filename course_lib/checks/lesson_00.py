"""The checks of lesson 00, start here."""

import numpy as np

from course_lib.checks import Check, random_array

# fmt: off
CHECKS = {
    "00.negative": Check(
        inputs=lambda: [(random_array(4, 4),), (np.array([0.0, 0.25, 1.0]),),
                        (random_array(2, 3),)],
        reference=lambda gray: 1 - gray,
        drawn_as="pictures",
        misconceptions={
            "You give the picture back as it came: black must become white, and white black.":
                lambda gray: gray,
            "You change the sign, and white becomes -1: count down from 1.": lambda gray: -gray,
            "You count down from 255, but these values lie between 0 and 1.":
                lambda gray: 255 - gray,
            "You turn the picture upside down; its values stay as they were.":
                lambda gray: gray[::-1],
            "You count down from the brightest pixel, so a dark picture stays dark.":
                lambda gray: gray.max() - gray,
        },
    ),
}
# fmt: on
