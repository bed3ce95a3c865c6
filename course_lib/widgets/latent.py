"""The latent space of a model: walks between images and along directions, and feature maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_lib import plots
from course_lib.files import CourseError
from course_lib.grayscale import check_images
from course_lib.widgets.parts import KernelWidget, Widget, as_bytes, notice_on_error

NUM_FRAMES = 21
PLACES = {  # where the frames of a walk lie, by its kind
    "pair": np.linspace(0, 1, NUM_FRAMES),  # share of the way
    "direction": np.linspace(-3, 3, NUM_FRAMES),  # standard deviations
}


class Walk(KernelWidget, script="latent.js"):
    """See `walk_latent`. A request holds the arguments of `Latent.walk`."""

    size = traitlets.List(traitlets.Int()).tag(sync=True)  # N, height, width
    gray = traitlets.Bytes().tag(sync=True)  # uint8 (N, H, W)
    places = traitlets.Dict().tag(sync=True)  # kind of walk -> the place of each frame, in words
    directions = traitlets.List(traitlets.Unicode()).tag(sync=True)
    frame = traitlets.Int(NUM_FRAMES // 2).tag(sync=True)  # chosen, from 0


class FeatureMaps(KernelWidget, script="feature_maps.js"):
    """See `show_feature_maps`. A request holds an image and a model, each from 0."""

    size = traitlets.List(traitlets.Int()).tag(sync=True)  # N, height, width
    gray = traitlets.Bytes().tag(sync=True)  # uint8 (N, H, W)
    latent = traitlets.List(traitlets.Int()).tag(sync=True)  # channels, height, width
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)  # of the models
    map = traitlets.Int().tag(sync=True)  # chosen, from 0
    order = traitlets.Unicode("by number").tag(sync=True)  # chosen, or one of feature_maps.js
    scale = traitlets.Unicode("each map in its own scale").tag(sync=True)  # likewise


@notice_on_error
def walk_latent(model: Any, gray: np.ndarray, num_directions: int = 8) -> Widget:
    """Walks through the latent space of a model, every place decoded to a picture.

    A walk leads straight from the latent of one image to that of another, beside the plain fade
    between the pixels of the model's two outputs. Or it starts at an image and follows a principal
    direction of the latents of all images, three standard deviations to either side.

    Args:
        model: a PyTorch model with encode, (N, 1, H, W) -> (N, ...), and decode, from there to
            (N, 3, H, W) in [0, 1], such as B. Its training mode is restored.
        gray: float (N, H, W) in [0, 1], two images or more.
        num_directions: how many directions to offer, the largest variance first; at most N - 1.

    Returns:
        A widget. If the images do not fit, or the model fails on them, a notice that says why. If
        the model fails later, the widget says why until a choice succeeds.
    """
    gray = _checked(gray)
    codes = _apply(model, "encode", gray[:, None])  # (N, ...)
    directions, shares = principal_directions(codes.reshape(len(gray), -1), num_directions)
    latent = Latent(model, gray, codes, directions)
    pair, along = latent.walk("pair", 0, 1), latent.walk("direction", 0, 0)
    return Walk(
        latent.walk,
        ["pair", 0, 1],
        still=_still_of_walks(pair, along, gray.shape[1:]),
        alt="Five pictures on the straight way from the latent of image 0 to that of image 1, the "
        "fade between the same two, and five from image 0 along the first principal direction, "
        f"which carries {shares[0]:.1%} of their variance.",
        size=list(gray.shape),
        gray=_gray_bytes(gray),
        places={
            "pair": [f"{place:.0%} of the way" for place in PLACES["pair"]],
            "direction": [f"{place:+.1f} standard deviations" for place in PLACES["direction"]],
        },
        directions=[f"{i}: {share:.1%} of the variance" for i, share in enumerate(shares, 1)],
    )


def principal_directions(points: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Principal components: the directions in which points vary most, and their variances.

    Args:
        points: (N, D).
        count: how many directions K; at most N - 1 and D are given.

    Returns:
        (K, D), each as long as one standard deviation, and (K,), their shares of the variance,
        largest first.

    Raises:
        CourseError: no direction is asked for, or there are no two different points.
    """
    if count < 1:
        raise CourseError(f"num_directions is {count}; ask for at least one direction.")
    if np.ptp(points, axis=0).max() <= 1e-6 * np.abs(points).max():  # but for rounding
        raise CourseError("All latents are the same; give two images that the model tells apart.")
    centred = points - points.mean(axis=0)  # (N, D)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    directions *= np.where(directions.sum(axis=1, keepdims=True) < 0, -1, 1)  # SVD leaves it open
    deviations = lengths / np.sqrt(len(points) - 1)
    count = min(count, len(points) - 1, points.shape[1])
    return (deviations[:, None] * directions)[:count], (lengths**2 / np.sum(lengths**2))[:count]


@dataclass(frozen=True)
class Latent:
    """A model, gray images (N, H, W), their codes (N, ...) and principal directions (K, D)."""

    model: Any
    gray: np.ndarray
    codes: np.ndarray
    directions: np.ndarray

    def walk(self, kind: str, start: int, other: int) -> dict[str, Any]:
        """What the browser shows of the walk from image `start`: 21 frames and their captions.

        Args:
            kind: "pair", to the image `other`, or "direction", along the direction `other`.
        """
        line = self.line(kind, start, other)  # (21, D)
        frames = self.decode(line)  # (21, H, W, 3)
        middle = frames[NUM_FRAMES // 2]
        references = fade(frames) if kind == "pair" else np.broadcast_to(middle, frames.shape)
        distances = np.sqrt(np.mean((frames - references) ** 2, axis=(1, 2, 3)))  # (21,)
        ends = np.sqrt(np.mean((frames[-1] - frames[0]) ** 2))
        outside = self.count_outside(line)  # (21,)
        if kind == "pair":
            to, reference_title = f"to image {other}", "fade of the pixels"
        else:
            to, reference_title = f"along direction {other + 1}", f"output of image {start}"
        return {
            "frames": as_bytes(frames).tobytes(),
            "references": as_bytes(references).tobytes(),
            "title": f"walk from image {start} {to}",
            "reference_title": reference_title,
            "captions": [
                f"RMS difference from the picture beside it: {distance:.3f} "
                f"(between the two ends of the walk: {ends:.3f})\n"
                f"{number} of {line.shape[1]:,} latent numbers leave the range of the images"
                for distance, number in zip(distances, outside, strict=True)
            ],
        }

    def line(self, kind: str, start: int, other: int) -> np.ndarray:
        """The latents of a walk, float32 (21, D)."""
        points = self.codes.reshape(len(self.codes), -1)
        step = points[other] - points[start] if kind == "pair" else self.directions[other]
        places: np.ndarray = PLACES[kind].astype(np.float32)[:, None]  # (21, 1)
        line: np.ndarray = points[start] + places * step
        return line

    def decode(self, line: np.ndarray) -> np.ndarray:
        """Latents (M, D) -> pictures (M, H, W, 3) in [0, 1], in one batch."""
        codes = line.reshape(-1, *self.codes.shape[1:])
        rgb = _apply(self.model, "decode", codes, (3, *self.gray.shape[1:]))  # (M, 3, H, W)
        pictures: np.ndarray = np.clip(rgb.transpose(0, 2, 3, 1), 0, 1)
        return pictures

    def count_outside(self, line: np.ndarray) -> np.ndarray:
        """How many numbers of each latent (M, D) lie outside the range of the images', (M,)."""
        points = self.codes.reshape(len(self.codes), -1)
        low, high = points.min(axis=0), points.max(axis=0)
        rounding = 1e-5 * (high - low)
        is_outside = (line < low - rounding) | (line > high + rounding)  # (M, D)
        count: np.ndarray = np.sum(is_outside, axis=1)
        return count


def fade(frames: np.ndarray) -> np.ndarray:
    """The cross-fade from the first to the last frame of (21, H, W, 3), of the same shape."""
    place = PLACES["pair"].astype(np.float32)[:, None, None, None]
    mixture: np.ndarray = (1 - place) * frames[0] + place * frames[-1]
    return mixture


def _still_of_walks(pair: dict[str, Any], along: dict[str, Any], size: tuple[int, ...]) -> Figure:
    """Five frames of a walk between images, of its cross-fade, and of a walk along a direction."""
    chosen = range(0, NUM_FRAMES, NUM_FRAMES // 4)  # five frames
    rows = [pair["frames"], pair["references"], along["frames"]]
    pictures = [np.frombuffer(row, np.uint8).reshape(-1, *size, 3)[chosen] for row in rows]
    titles = [f"{name} {PLACES['pair'][i]:.0%}" for name in ("walk", "fade") for i in chosen]
    titles += [f"dir. 1: {PLACES['direction'][i]:+.1f} sd" for i in chosen]
    return plots.image_grid(np.concatenate(pictures), titles, columns=5, zoom=3)


@notice_on_error
def show_feature_maps(model: Any, gray: np.ndarray) -> Widget:
    """The maps of a convolutional latent, all together and one enlarged beside its image.

    Args:
        model: a PyTorch model with encode, (N, 1, H, W) -> (N, C, h, w), such as C; or several to
            choose from, name -> model, whose latents have one shape. Their training modes are
            restored.
        gray: float (N, H, W) in [0, 1].

    Returns:
        A widget. If the images do not fit, or a model fails on the first, a notice that says why.
        If it fails later, the widget says why until a choice succeeds.
    """
    gray = _checked(gray)
    models = dict(model) if isinstance(model, Mapping) else {"": model}
    first = {str(name): _first_maps(one, gray) for name, one in models.items()}  # each (C, h, w)
    shapes = {maps.shape for maps in first.values()}
    if len(shapes) != 1:
        raise CourseError(
            f"The models' latents have the shapes {sorted(shapes)}; give models of one shape, "
            "at least one."
        )
    (shape,) = shapes

    def maps_of(image: int, which: int = 0) -> dict[str, Any]:
        chosen = list(models.values())[which]
        return describe(_apply(chosen, "encode", gray[[image]][:, None], shape)[0])

    return FeatureMaps(
        maps_of,
        [0, 0],
        still=_still_of_maps(gray[0], first),
        alt="A gray image, and those maps of its latent that are highest on average, each in its "
        f"own scale from black to white{': ' if len(first) > 1 else ''}{', then '.join(first)}.",
        size=list(gray.shape),
        gray=_gray_bytes(gray),
        latent=list(shape),
        names=list(first),
    )


def _first_maps(model: Any, gray: np.ndarray) -> np.ndarray:
    """The maps (C, h, w) that a model makes of the first image."""
    maps: np.ndarray = _apply(model, "encode", gray[:1, None])[0]
    if maps.ndim != 3:
        raise CourseError(
            f"model.encode gives latents of shape {maps.shape}, but maps (C, h, w) are needed; "
            "use a model with a convolutional latent, such as C."
        )
    return maps


def describe(maps: np.ndarray) -> dict[str, Any]:
    """What the browser shows of maps (C, h, w): gray levels in two scales, an order, captions."""
    means, zeros = maps.mean(axis=(1, 2)), np.mean(maps == 0, axis=(1, 2))  # (C,), (C,)
    smallest, largest = maps.min(axis=(1, 2)), maps.max(axis=(1, 2))
    return {
        "each": levels(maps, smallest[:, None, None], largest[:, None, None]).tobytes(),
        "common": levels(maps, maps.min(), maps.max()).tobytes(),
        "range": [f"{maps.min():.3g}", f"{maps.max():.3g}"],
        "order": np.argsort(-means, kind="stable").tolist(),
        "captions": [
            f"largest value {largest[i]:.3g}, smallest {smallest[i]:.3g}, mean {means[i]:.3g}; "
            f"{zeros[i]:.1%} zeros"
            for i in range(len(maps))
        ],
    }


def levels(maps: np.ndarray, low: Any, high: Any) -> np.ndarray:
    """uint8 (C, h, w): 0 where a number is `low`, 255 where it is `high`; 0 if these are equal."""
    span = np.broadcast_to(np.subtract(high, low, dtype=np.float64), maps.shape)
    share = np.divide(maps - low, span, out=np.zeros(maps.shape), where=span > 0)
    gray: np.ndarray = np.rint(share * 255).astype(np.uint8)
    return gray


def _still_of_maps(gray: np.ndarray, models: Mapping[str, np.ndarray]) -> Figure:
    """The image and the highest maps of each model: three rows of one, two of each of several."""
    count = 23 if len(models) == 1 else 15
    pictures, titles = [], []
    for name, maps in models.items():
        strongest = np.array(describe(maps)["order"][:count])
        (height, width), (h, w) = gray.shape, maps.shape[1:]
        rows, columns = np.arange(height) * h // height, np.arange(width) * w // width
        chosen = maps[np.ix_(strongest, rows, columns)]  # (count, H, W): as large as the image
        low, high = chosen.min(axis=(1, 2), keepdims=True), chosen.max(axis=(1, 2), keepdims=True)
        pictures += [as_bytes(gray[None])[..., 0], levels(chosen, low, high)]
        above = f"{name}\n" if name else ""
        titles += [f"{above}input", *(f"{above}map {number}" for number in strongest)]
    return plots.image_grid(np.concatenate(pictures), titles, columns=8, zoom=2)


def _checked(gray: Any) -> np.ndarray:
    """Checked images, float32 (N, H, W)."""
    images: np.ndarray = check_images(gray, "gray").astype(np.float32, copy=False)
    if images.ndim != 3:
        raise CourseError(f"gray has shape {images.shape}, but images (N, H, W) are needed.")
    return images


def _gray_bytes(gray: np.ndarray) -> bytes:
    return as_bytes(gray)[..., 0].tobytes()  # one byte per pixel


def _apply(
    model: Any, name: str, values: np.ndarray, shape: tuple[int, ...] | None = None
) -> np.ndarray:
    """Apply `model.encode` or `model.decode` to float32 (N, ...), and restore the model's mode.

    Args:
        shape: what each of the N results must have; None takes any.

    Returns:
        float32 (N, *shape), finite.

    Raises:
        CourseError: no such method, it raises, or gives another shape, NaN or infinite values.
    """
    import torch

    if not isinstance(model, torch.nn.Module) or not callable(getattr(model, name, None)):
        raise CourseError(f"The model must be a PyTorch model with a method {name}, as B and C.")
    modes = {module: module.training for module in model.modules()}
    like = next(model.parameters(), torch.zeros(()))  # for its device and dtype
    try:
        model.eval()
        with torch.no_grad():
            batches = torch.split(torch.from_numpy(values).to(like), 250)
            results = torch.cat([getattr(model, name)(batch).float().cpu() for batch in batches])
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0][:300]
        raise CourseError(f"model.{name} raised {reason}") from error
    finally:
        for module, mode in modes.items():
            module.training = mode
    expected = (len(values), *(results.shape[1:] if shape is None else shape))
    if results.shape != expected:
        raise CourseError(
            f"model.{name} gave shape {tuple(results.shape)} for {tuple(values.shape)}, but "
            f"{expected} is needed; look at its last lines."
        )
    if not torch.isfinite(results).all():
        raise CourseError(f"model.{name} gave NaN or infinite values; look at its weights.")
    return results.numpy()
