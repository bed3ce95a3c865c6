"""Looking into a latent: walks between pictures and along directions, and feature maps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_lib import plots
from course_lib.files import CourseError
from course_lib.grayscale import check_images
from course_lib.widgets.parts import Widget, as_bytes, says_what_is_wrong

NUM_FRAMES = 21
PLACES = {  # where the frames of a walk lie, by its kind
    "pair": np.linspace(0, 1, NUM_FRAMES),  # share of the way
    "direction": np.linspace(-3, 3, NUM_FRAMES),  # standard deviations
}


class Explorer(Widget):
    """A widget whose choices the kernel answers: the latest wins, and none is lost.

    `request` is what was chosen; `answer` repeats it, beside a result or the `failure` in words. So
    the browser can tell, and shows no result under a newer choice.

    Args:
        compute: takes the items of a request and returns a result: bytes, numbers, words.
        request: the first choice. A CourseError about it is raised; later ones are shown.
        traits: those of `Widget` and of the subclass.
    """

    request: traitlets.List = traitlets.List().tag(sync=True)
    answer: traitlets.Dict = traitlets.Dict().tag(sync=True)
    size = traitlets.List(traitlets.Int()).tag(sync=True)  # images, height, width
    gray = traitlets.Bytes().tag(sync=True)

    def __init__(self, compute: Callable[..., dict], request: list, **traits: Any) -> None:
        answer = {"request": request, **compute(*request)}
        super().__init__(request=request, answer=answer, **traits)
        self._compute = compute
        self.observe(self._respond, "request")

    def _respond(self, change: Any) -> None:
        request = change["new"]
        try:
            result = self._compute(*request)
        except CourseError as reason:
            result = {"failure": str(reason)}
        except Exception as error:
            result = {"failure": f"This cannot be shown ({error!r}); choose something else."}
        self.answer = {"request": request, **result}


class Walk(Explorer, script="latent.js"):
    """See `walk_latent`."""

    places = traitlets.Dict().tag(sync=True)  # kind of walk -> words for each frame
    directions = traitlets.List(traitlets.Unicode()).tag(sync=True)


class FeatureMaps(Explorer, script="feature_maps.js"):
    """See `show_feature_maps`."""

    latent = traitlets.List(traitlets.Int()).tag(sync=True)  # channels, height, width
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)  # of the models


@says_what_is_wrong
def walk_latent(model: Any, gray: np.ndarray, num_directions: int = 8) -> Widget:
    """Walks through the latent of a model, every place decoded to a picture.

    A walk leads straight from the latent of one image to that of another, beside the plain fade
    between the pixels of the model's two outputs. Or it starts at an image and follows a principal
    direction of the latents of all images, three standard deviations to either side.

    Args:
        model: a PyTorch model with encode, (N, 1, H, W) -> (N, ...), and decode, from there to
            (N, 3, H, W) in [0, 1], such as B. Its mode is afterwards what it was before.
        gray: float (N, H, W) in [0, 1], two images or more.
        num_directions: how many directions to offer, the strongest first; at most N - 1.

    Returns:
        A widget. If the images do not fit, or the model fails on them, one that says so; if the
        model fails later, it says so until a choice succeeds.
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
    """The directions in which points differ most, and their shares of the variance.

    Args:
        points: (N, D).
        count: how many directions K; at most N - 1 and D are given.

    Returns:
        (K, D), each as long as one standard deviation, and (K,), strongest first.

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
    """What a walk needs: a model, gray (N, H, W), its codes (N, ...), directions (K, D)."""

    model: Any
    gray: np.ndarray
    codes: np.ndarray
    directions: np.ndarray

    def walk(self, kind: str, start: int, other: int) -> dict:
        """What the browser shows of the walk from image `start`, see `Walk.answer`.

        Args:
            kind: "pair", to the image `other`, or "direction", along the direction `other`.
        """
        line = self.line(kind, start, other)  # (21, D)
        frames = self.decode(line)  # (21, H, W, 3)
        middle = frames[NUM_FRAMES // 2]
        beside = fade(frames) if kind == "pair" else np.broadcast_to(middle, frames.shape)
        distances = np.sqrt(np.mean((frames - beside) ** 2, axis=(1, 2, 3)))  # (21,)
        ends = np.sqrt(np.mean((frames[-1] - frames[0]) ** 2))
        beyond = self.beyond(line)  # (21,)
        to = f"to image {other}" if kind == "pair" else f"along direction {other + 1}"
        return {
            "frames": as_bytes(frames).tobytes(),
            "beside": as_bytes(beside).tobytes(),
            "title": f"walk from image {start} {to}",
            "title_beside": "fade of the pixels" if kind == "pair" else f"output of image {start}",
            "words": [
                f"RMS difference from the picture beside it: {distance:.3f} "
                f"(between the two ends of the walk: {ends:.3f})\n"
                f"{number} of {line.shape[1]:,} latent numbers leave the range of the images"
                for distance, number in zip(distances, beyond, strict=True)
            ],
        }

    def line(self, kind: str, start: int, other: int) -> np.ndarray:
        """The latents of a walk, float32 (21, D)."""
        points = self.codes.reshape(len(self.codes), -1)
        step = points[other] - points[start] if kind == "pair" else self.directions[other]
        return points[start] + PLACES[kind].astype(np.float32)[:, None] * step

    def decode(self, line: np.ndarray) -> np.ndarray:
        """Latents (M, D) -> pictures (M, H, W, 3) in [0, 1], in one batch."""
        codes = line.reshape(-1, *self.codes.shape[1:])
        pictures = _apply(self.model, "decode", codes, (3, *self.gray.shape[1:]))
        return np.clip(pictures.transpose(0, 2, 3, 1), 0, 1)

    def beyond(self, line: np.ndarray) -> np.ndarray:
        """How many numbers of each latent (M, D) lie outside the range of the images', (M,)."""
        points = self.codes.reshape(len(self.codes), -1)
        low, high = points.min(axis=0), points.max(axis=0)
        rounding = 1e-5 * (high - low)
        return np.sum((line < low - rounding) | (line > high + rounding), axis=1)


def fade(frames: np.ndarray) -> np.ndarray:
    """The plain mixture of the first and the last of (21, H, W, 3), of the same shape."""
    place = PLACES["pair"].astype(np.float32)[:, None, None, None]
    return (1 - place) * frames[0] + place * frames[-1]


def _still_of_walks(pair: dict, along: dict, size: tuple[int, ...]) -> Figure:
    chosen = range(0, NUM_FRAMES, NUM_FRAMES // 4)  # five frames
    rows = [pair["frames"], pair["beside"], along["frames"]]
    pictures = [np.frombuffer(row, np.uint8).reshape(-1, *size, 3)[chosen] for row in rows]
    titles = [f"{name} {PLACES['pair'][i]:.0%}" for name in ("walk", "fade") for i in chosen]
    titles += [f"dir. 1: {PLACES['direction'][i]:+.1f} sd" for i in chosen]
    return plots.image_grid(np.concatenate(pictures), titles, columns=5, zoom=3)


@says_what_is_wrong
def show_feature_maps(model: Any, gray: np.ndarray) -> Widget:
    """The maps of a convolutional latent, all together and one enlarged beside its image.

    Args:
        model: a PyTorch model with encode, (N, 1, H, W) -> (N, C, h, w), such as C; or several to
            choose from, name -> model, whose latents are of one size. Their modes are afterwards
            what they were before.
        gray: float (N, H, W) in [0, 1].

    Returns:
        A widget. If the images do not fit, or a model fails on the first, one that says so; if it
        fails later, it says so until a choice succeeds.
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

    def maps_of(image: int, which: int = 0) -> dict:
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
    maps = _apply(model, "encode", gray[:1, None])[0]
    if maps.ndim != 3:
        raise CourseError(
            f"model.encode gives latents of shape {maps.shape}, but maps (C, h, w) are needed; "
            "use a model with a convolutional latent, such as C."
        )
    return maps


def describe(maps: np.ndarray) -> dict:
    """What the browser shows of maps (C, h, w): gray levels in two scales, an order, words."""
    means, zeros = maps.mean(axis=(1, 2)), np.mean(maps == 0, axis=(1, 2))  # (C,), (C,)
    smallest, largest = maps.min(axis=(1, 2)), maps.max(axis=(1, 2))
    return {
        "each": levels(maps, smallest[:, None, None], largest[:, None, None]).tobytes(),
        "common": levels(maps, maps.min(), maps.max()).tobytes(),
        "range": [f"{maps.min():.3g}", f"{maps.max():.3g}"],
        "order": np.argsort(-means, kind="stable").tolist(),
        "words": [
            f"largest value {largest[i]:.3g}, smallest {smallest[i]:.3g}, mean {means[i]:.3g}; "
            f"{zeros[i]:.1%} zeros"
            for i in range(len(maps))
        ],
    }


def levels(maps: np.ndarray, low: Any, high: Any) -> np.ndarray:
    """uint8 (C, h, w): 0 where a number is `low`, 255 where it is `high`; 0 if these are equal."""
    span = np.broadcast_to(np.subtract(high, low, dtype=np.float64), maps.shape)
    share = np.divide(maps - low, span, out=np.zeros(maps.shape), where=span > 0)
    return np.rint(share * 255).astype(np.uint8)


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
    gray = check_images(gray, "gray")
    if gray.ndim != 3:
        raise CourseError(f"gray has shape {gray.shape}, but images (N, H, W) are needed.")
    return gray.astype(np.float32, copy=False)


def _gray_bytes(gray: np.ndarray) -> bytes:
    return as_bytes(gray)[..., 0].tobytes()  # one byte per pixel


def _apply(model: Any, name: str, values: np.ndarray, shape: tuple | None = None) -> np.ndarray:
    """What `model.encode` or `model.decode` makes of float32 (N, ...), without leaving a trace.

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
    like = next(model.parameters(), torch.zeros(()))  # the model's device and number type
    try:
        model.eval()
        with torch.no_grad():
            batches = torch.from_numpy(values).to(like).split(250)
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
