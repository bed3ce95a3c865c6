"""The predictions of several models for one image, their scores, a wipe from gray to truth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_lib import baselines, data, grayscale, metrics, plots
from course_lib.files import CourseError
from course_lib.widgets.parts import Widget, as_bytes, notice_on_error

# What is shown under a picture: a key of `metrics.per_image`, its name, the digits shown.
METRICS = (
    ("mse", "MSE", 5),
    ("mse_luma", "luma part", 5),
    ("mse_chroma", "chroma part", 5),
    ("psnr", "PSNR, dB", 2),
    ("ssim", "SSIM", 3),
    ("ciede2000", "CIEDE2000", 2),
    ("colourfulness", "colourfulness", 1),
)
LIMIT = 64_000_000  # bytes of pictures that a page is given at most


class Compare(Widget, script="compare.js"):
    """See `compare_models`. Of the P pictures the first is gray, the last the truth."""

    size = traitlets.List(traitlets.Int()).tag(sync=True)  # N, height, width
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)  # P
    pixels = traitlets.Bytes().tag(sync=True)  # uint8 (P, N, H, W, 3)
    metrics = traitlets.List(traitlets.Unicode()).tag(sync=True)  # K names
    digits = traitlets.List(traitlets.Int()).tag(sync=True)  # K, after the decimal point
    scores = traitlets.Bytes().tag(sync=True)  # float32 (P, K, N), NaN: no score
    best = traitlets.Bytes().tag(sync=True)  # uint8 (P, K, N), 1: no model is shown a better one
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)  # N, or empty
    # What is chosen; orders and zooms are those of compare.js.
    image = traitlets.Int().tag(sync=True)  # from 0
    shown_class = traitlets.Unicode("all").tag(sync=True)
    order = traitlets.Unicode("original order").tag(sync=True)
    judge = traitlets.Unicode().tag(sync=True)  # the model whose scores decide on the order
    zoom = traitlets.Int(4).tag(sync=True)
    wipe_model = traitlets.Unicode().tag(sync=True)
    wipe = traitlets.Float(0.5).tag(sync=True)  # 0: gray, 1: the model, 2: the truth


@notice_on_error
def compare_models(
    pictures: Mapping[str, np.ndarray],
    truth: np.ndarray,
    gray: np.ndarray | None = None,
    classes: Sequence[int] | Sequence[str] | np.ndarray | None = None,
) -> Widget:
    """Models and baselines beside gray and truth, image by image, with a wipe between them.

    Args:
        pictures: name of a model or baseline -> its pictures (N, H, W, 3), uint8 or float in
            [0, 1]; H and W at least 11, which SSIM needs.
        truth: the photographs themselves, likewise.
        gray: the input of the models, (N, H, W) or (N, H, W, 1), uint8 or float in [0, 1];
            `grayscale.to_gray` of the truth unless told otherwise.
        classes: the class of each image: N names, or N numbers that index `data.CLASS_NAMES`.

    Returns:
        A widget. If there are no pictures, or shapes, values or classes do not fit, a notice that
        says why.
    """
    if not isinstance(pictures, Mapping) or not pictures:
        raise CourseError("Give at least one name with its pictures: {'gray copy': (N, H, W, 3)}.")
    if taken := {"gray", "truth"} & set(pictures):
        raise CourseError(f"{taken.pop()!r} is always shown; give those pictures another name.")
    stacks = {str(name): _floats(images, repr(name), 3) for name, images in pictures.items()}
    stacks["truth"] = _floats(truth, "truth", 3)  # each (N, H, W, 3)
    _check_shapes(stacks)
    if gray is None:
        gray = grayscale.to_gray(stacks["truth"])
    stacks = {"gray": baselines.gray_copy(_floats(gray, "gray")), **stacks}
    _check_shapes(stacks)
    labels = _class_names(classes, len(stacks["truth"]))
    scores, best = _scores(stacks)
    return Compare(
        _still(stacks, scores),
        f"Image 0{f', {labels[0]}' if labels else ''}: {', '.join(stacks)}, side by side. "
        "MSE and SSIM stand above each prediction.",
        size=list(stacks["truth"].shape[:3]),
        names=list(stacks),
        pixels=b"".join(as_bytes(stack).tobytes() for stack in stacks.values()),
        metrics=[name for _, name, _ in METRICS],
        digits=[digits for _, _, digits in METRICS],
        scores=scores.astype(np.float32).tobytes(),
        best=best.astype(np.uint8).tobytes(),
        classes=labels,
        judge=list(stacks)[-2],  # baselines mostly come first
        wipe_model=list(stacks)[-2],
    )


def _floats(images: Any, name: str, channels: int | None = None) -> np.ndarray:
    """Checked floats in [0, 1], of those or of uint8."""
    if getattr(images, "dtype", None) == np.uint8:
        images = data.as_float(images)
    return grayscale.check_images(images, name, channels)


def _check_shapes(stacks: Mapping[str, np.ndarray]) -> None:
    """Raise CourseError unless all have one shape (N, H, W, 3), and a page can hold them."""
    shape = stacks["truth"].shape
    for name, stack in stacks.items():
        if stack.shape != shape or len(shape) != 4:
            raise CourseError(
                f"{name!r} has shape {stack.shape} and truth {shape}, "
                "but all must have the same (N, H, W, 3)."
            )
    size = sum(stack.size for stack in stacks.values())
    if size > LIMIT:
        raise CourseError(
            f"{len(stacks)} times {shape[0]:,} images are {size / 1e6:,.0f} MB, more than the "
            f"{LIMIT / 1e6:.0f} MB that a page is given; pass fewer."
        )


def _class_names(classes: Any, count: int) -> list[str]:
    """The names of `count` classes that are given as names or as numbers; none for None."""
    if classes is None:
        return []
    known = dict(enumerate(data.CLASS_NAMES))
    try:
        names = [str(one) if isinstance(one, str) else known[one] for one in np.asarray(classes)]
    except (KeyError, TypeError, ValueError):
        raise CourseError(f"classes must be names, or numbers from 0 to {max(known)}.") from None
    if len(names) != count:
        raise CourseError(f"classes has {len(names)} entries, but there are {count} images.")
    return names


def _scores(stacks: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The scores under each picture, and where no model has a better one.

    The best score is the one nearest to that of the truth itself, rounded to the digits shown.

    Returns:
        float64 and bool (P, K, N), as in `Compare`. Gray has no scores, truth its colourfulness.
    """
    scores = np.full((len(stacks), len(METRICS), len(stacks["truth"])), np.nan)
    for at, stack in list(enumerate(stacks.values()))[1:]:
        measured = metrics.per_image(stack, stacks["truth"])
        scores[at] = [measured[key] for key, _, _ in METRICS]
    digits = np.array([digits for _, _, digits in METRICS])[:, np.newaxis]  # (K, 1)
    shown = np.rint(scores * 10.0**digits)  # whole numbers, so that equal is equal
    distance = np.abs(shown[1:-1] - shown[-1])  # (P - 2, K, N): the models'
    best = np.zeros(scores.shape, dtype=bool)
    best[1:-1] = distance == distance.min(axis=0)
    scores[-1, :-1] = np.nan  # of the truth against itself
    return scores, best


def _still(stacks: Mapping[str, np.ndarray], scores: np.ndarray) -> Figure:
    """The first image of every kind, with the MSE and SSIM of those that have them."""
    titles = [
        f"{name}\nMSE {mse:.5f}\nSSIM {ssim:.3f}" if np.isfinite(mse) else name
        for name, mse, ssim in zip(stacks, scores[:, 0, 0], scores[:, 4, 0], strict=True)
    ]
    first = np.stack([stack[0] for stack in stacks.values()])  # (P, H, W, 3)
    return plots.image_grid(first, titles, columns=min(len(titles), 4))
