"""How far a prediction is from the truth, and in which way.

One number does not show which kind of failure it is. The squared error is therefore split into a
luma part (what a wrong gray picture costs at least: blur) and a chroma part (the rest: wrong
colour).
"""

from typing import Any

import numpy as np

from course_lib.files import CourseError
from course_lib.grayscale import BT601, check_images

CHUNK = 250  # images at a time, so that 10,000 of them need little memory
PSNR_LIMIT = 100.0  # dB; reported for every larger PSNR, that of identical images included
SSIM_WINDOW = 11  # pixels, of the Gaussian window below


def evaluate(prediction: Any, target: Any) -> dict[str, float]:
    """Every metric as one number: the mean over all images of `per_image`, plus `psnr`.

    `psnr` comes from the pooled MSE of all images; `psnr_per_image` is the mean of the images' own
    PSNRs. They differ (the logarithm of a mean is not the mean of logarithms), so say which one
    you report. Every number is finite, so that JSON can hold it.

    Args:
        prediction: float RGB in [0, 1], shape (N, H, W, 3).
        target: float RGB in [0, 1], the same shape.

    Returns:
        mse, mse_luma, mse_chroma, mae, psnr, psnr_per_image, ssim, ciede2000, colourfulness (of
        the prediction) and colourfulness_target.

    Raises:
        CourseError: wrong or different shapes, integers, values outside [0, 1], NaN.
    """
    return summary(per_image(prediction, target))


def summary(errors: dict[str, np.ndarray]) -> dict[str, float]:
    """What `evaluate` gives, from what `per_image` gave."""
    scores = {name: float(per_image_error.mean()) for name, per_image_error in errors.items()}
    scores["psnr_per_image"] = scores["psnr"]
    scores["psnr"] = float(psnr(scores["mse"]))
    return scores


def per_image(prediction: Any, target: Any) -> dict[str, np.ndarray]:
    """Every metric for every image, for paired comparisons. Arguments and errors: `evaluate`.

    Returns:
        Arrays of shape (N,), float64:

        - mse, mse_luma, mse_chroma: squared error, mean over pixels and channels. With w the
          BT.601 weights and e the RGB error of a pixel, its luma part is (w.e)^2 / (3 |w|^2),
          the squared length of e along w; the chroma part is the rest, and the two add up to
          mse. The luma part is the least error of any picture that has the prediction's gray
          version. It is zero exactly where the gray versions of prediction and target are equal.
          Note that w is not the gray axis: for an equal error in all channels it is 75 % of mse.
        - mae: absolute error, mean over pixels and channels.
        - psnr: see `psnr`; dB, more is better.
        - ssim: structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004) by scikit-image,
          at most 1. Gaussian window of 11 pixels with sigma 1.5, data range 1, mean over the
          three channels and the windows that are entirely inside the image.
        - ciede2000: colour difference by scikit-image, mean over pixels (CIE 142-2001; sRGB
          under D65). About 1 is just noticeable.
        - colourfulness, colourfulness_target: see `colourfulness`.
    """
    prediction = check_images(prediction, "prediction", channels=3)
    target = check_images(target, "target", channels=3)
    if prediction.shape != target.shape or target.ndim != 4:
        raise CourseError(
            f"prediction has shape {prediction.shape} and target {target.shape}, "
            "but both must be the same (N, H, W, 3)."
        )
    if min(target.shape[1:3]) < SSIM_WINDOW:
        raise CourseError(
            f"Images of shape {target.shape[1:]} are too small: "
            f"SSIM needs at least {SSIM_WINDOW} pixels in height and width."
        )
    chunks = [
        _measure(prediction[start : start + CHUNK], target[start : start + CHUNK])
        for start in range(0, len(target), CHUNK)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _measure(prediction: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    prediction, target = prediction.astype(np.float32), target.astype(np.float32)
    error = prediction.astype(np.float64) - target  # (n, H, W, 3)
    mse = np.square(error).mean(axis=(1, 2, 3))
    return {
        "mse": mse,
        **_luma_and_chroma(error),
        "mae": np.abs(error).mean(axis=(1, 2, 3)),
        "psnr": psnr(mse),
        "ssim": _ssim(prediction, target),
        "ciede2000": _ciede2000(prediction, target),
        "colourfulness": colourfulness(prediction),
        "colourfulness_target": colourfulness(target),
    }


def _luma_and_chroma(error: np.ndarray) -> dict[str, np.ndarray]:
    """Orthogonal projection of each pixel's error onto the direction of luma, and what is left."""
    direction = np.array(BT601) / np.linalg.norm(BT601)  # (3,), length 1
    along = (error @ direction)[..., np.newaxis] * direction  # (n, H, W, 3)
    return {
        "mse_luma": np.square(along).mean(axis=(1, 2, 3)),
        "mse_chroma": np.square(error - along).mean(axis=(1, 2, 3)),
    }


def psnr(mse: Any) -> np.ndarray:
    """Peak signal-to-noise ratio in dB, -10 log10(mse) for values in [0, 1].

    Identical images would have an infinite one, and so would gray test images copied by a gray
    baseline: one of them would carry the whole mean away. PSNR is therefore clipped at
    `PSNR_LIMIT`, 100 dB, which is an error of 1e-5, far below half a level of 8 bits.
    """
    return -10 * np.log10(np.maximum(mse, 10 ** (-PSNR_LIMIT / 10)))


def colourfulness(rgb: Any) -> np.ndarray:
    """Colourfulness of each image: 0 is gray, 15 slightly, 33 moderately, 82 highly colourful.

    M = sqrt(std(rg)^2 + std(yb)^2) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2), with the opponent
    channels rg = R - G and yb = (R + G) / 2 - B on the scale 0 to 255. Source: Hasler and
    Suesstrunk, "Measuring colourfulness in natural images", SPIE 5007, 2003.

    Args:
        rgb: float RGB in [0, 1], shape (..., H, W, 3).

    Returns:
        float64 of shape (...), zero or more.
    """
    red, green, blue = np.moveaxis(255 * check_images(rgb, "rgb", channels=3), -1, 0)
    opponents = np.stack([red - green, (red + green) / 2 - blue]).astype(np.float64)
    spread = np.linalg.norm(opponents.std(axis=(-2, -1)), axis=0)
    offset = np.linalg.norm(opponents.mean(axis=(-2, -1)), axis=0)
    return spread + 0.3 * offset


def _ssim(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    from skimage.metrics import structural_similarity

    # torchmetrics was measured too: three times slower, and it also counts the windows that
    # extend over the border into mirrored pixels, which at 32x32 are more than half of them.
    settings = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    return np.array(
        [
            structural_similarity(one, other, data_range=1.0, channel_axis=-1, **settings)
            for one, other in zip(prediction, target, strict=True)
        ],
        dtype=np.float64,
    )


def _ciede2000(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    from skimage.color import deltaE_ciede2000, rgb2lab

    difference = deltaE_ciede2000(rgb2lab(prediction), rgb2lab(target))  # (n, H, W)
    return difference.mean(axis=(1, 2), dtype=np.float64)
