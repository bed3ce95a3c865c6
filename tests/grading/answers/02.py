"""Answers to lesson 02 as students write them: wrong ones with words of the sentence they meet,
and right ones written in unusual ways."""

import functools

import numpy as np


def previous_epoch(losses, min_delta):
    count = 1
    for before, now in zip(losses, losses[1:], strict=False):
        if before - now > min_delta:
            count += 1
    return count


def previous_epoch_without_first(losses, min_delta):
    return previous_epoch(losses, min_delta) - 1


def epochs_that_count(losses, min_delta):
    best, better = np.inf, []
    for epoch, loss in enumerate(losses):
        if loss < best - min_delta:
            best = loss
            better.append(epoch)
    return better


def moving_best(losses, min_delta):
    best, count = float("inf"), 0
    for loss in losses:
        if loss < best - min_delta:
            count += 1
        best = min(best, loss)
    return count


def no_first_epoch(losses, min_delta):
    best, count = losses[0], 0
    for loss in losses[1:]:
        if loss < best - min_delta:
            best = loss
            count += 1
    return count


def relative(losses, min_delta):
    best, count = np.inf, 0
    for loss in losses:
        if loss < best * (1 - min_delta):
            best = loss
            count += 1
    return count


def equal_counts(losses, min_delta):
    best, count = np.inf, 0
    for loss in losses:
        if loss <= best - min_delta:
            best = loss
            count += 1
    return count


def added_delta(losses, min_delta):
    best, count = np.inf, 0
    for loss in losses:
        if loss < best + min_delta:
            best = loss
            count += 1
    return count


def best_never_moves(losses, min_delta):
    best = np.inf
    return sum(loss < best - min_delta for loss in losses)


def first_stays_best(losses, min_delta):
    return 1 + sum(loss < losses[0] - min_delta for loss in losses[1:])


def last_of_equals(validation, test):
    best = 0
    for epoch, loss in enumerate(validation):
        if loss <= validation[best]:
            best = epoch
    return test[best]


def smallest_change(prediction, gray):
    w = np.array([0.299, 0.587, 0.114])
    return prediction + ((gray - prediction @ w) / (w**2).sum())[..., None] * w


def half_of_the_missing(prediction, gray):
    missing = gray - prediction @ np.array([0.299, 0.587, 0.114])
    return prediction + 0.5 * missing[..., None]


def swap_v_of_hsv(prediction, gray):
    from matplotlib.colors import hsv_to_rgb, rgb_to_hsv

    hsv = rgb_to_hsv(prediction.clip(0, 1))
    hsv[..., 2] = gray
    return hsv_to_rgb(hsv)


def right_gray_paler(prediction, gray):
    luma = prediction @ np.array([0.299, 0.587, 0.114])
    return gray[..., None] + 0.3 * (prediction - luma[..., None])


def compared_with_all_before(losses, min_delta):
    return sum(losses[i] < min(losses[:i]) - min_delta for i in range(1, len(losses)))


def any_jump(losses, min_delta):
    return 1 + sum(abs(losses[i] - losses[i - 1]) > min_delta for i in range(1, len(losses)))


def third_of_the_missing(prediction, gray):
    missing = gray - prediction @ np.array([0.299, 0.587, 0.114])
    return prediction + np.repeat(missing[..., None] / 3, 3, axis=-1)


def by_reduce(losses, min_delta):
    def step(state, loss):
        best, count = state
        return (loss, count + 1) if loss < best - min_delta else state

    return functools.reduce(step, losses.tolist(), (float("inf"), 0))[1]


def torch_choice(validation, test):
    import torch

    return torch.tensor(test)[torch.tensor(validation).argmin()]


def torch_layer(in_channels, filters, kernel_size):
    import torch

    layer = torch.nn.Conv2d(in_channels, filters, kernel_size, device="meta")
    return sum(parameter.numel() for parameter in layer.parameters())


def lower_than_min_delta_twice(losses, min_delta):
    """Keeps the threshold in place of the loss."""
    best, count = np.inf, 0
    for loss in losses:
        if loss < best - min_delta:
            best = loss - min_delta
            count += 1
    return count


def breaks_off(losses, min_delta):
    best, count = np.inf, 0
    for loss in losses:
        if loss >= best - min_delta:
            break
        best = loss
        count += 1
    return count


def best_of_one(losses, min_delta):
    best, count = 1.0, 0
    for loss in losses:
        if best - loss > min_delta:
            best, count = loss, count + 1
    return count


def without_last(losses, min_delta):
    best, count = np.inf, 0
    for i in range(len(losses) - 1):
        if losses[i] < best - min_delta:
            best, count = losses[i], count + 1
    return count


def sorted_losses(losses, min_delta):
    best, count = np.inf, 0
    for loss in sorted(losses, reverse=True):
        if loss < best - min_delta:
            best, count = loss, count + 1
    return count


def patience_of_two(losses, min_delta):
    best, count, bad = np.inf, 0, 0
    for loss in losses:
        if loss < best - min_delta:
            best, count, bad = loss, count + 1, 0
        else:
            bad += 1
            if bad == 2:
                break
    return count


def stops_when_it_rises(validation, test):
    for epoch in range(1, len(validation)):
        if validation[epoch] > validation[epoch - 1]:
            return test[epoch - 1]
    return test[-1]


def stops_after_three(validation, test):
    best = bad = 0
    for epoch in range(1, len(validation)):
        if validation[epoch] < validation[best]:
            best, bad = epoch, 0
        else:
            bad += 1
        if bad == 3:
            break
    return test[best]


def best_that_counted(validation, test):
    """Moves on only when the loss is lower by 0.1."""
    best = 0
    for epoch, loss in enumerate(validation):
        if loss < validation[best] - 0.1:
            best = epoch
    return test[best]


def sharpened(p, g):
    from scipy.ndimage import gaussian_filter

    return p + (g - gaussian_filter(g, (0, 1, 1)))[..., None]


def unsharp_mask(p, g):
    from scipy.ndimage import gaussian_filter

    return p + 0.7 * (p - gaussian_filter(p, (0, 1.5, 1.5, 0)))


def with_chroma(factor):
    def repair(p, g):
        luma = (p @ np.array([0.299, 0.587, 0.114]))[..., None]
        return g[..., None] + factor * (p - luma)

    return repair


def one_shift(p, g):
    missing = g - p @ np.array([0.299, 0.587, 0.114])
    return p + missing.mean(axis=(1, 2))[:, None, None, None]


def replaced_green(p, g):
    result = p.copy()
    result[..., 1] = g
    return result


def by_bt709(p, g):
    return p + (g - p @ np.array([0.2126, 0.7152, 0.0722]))[..., None]


def in_bgr(p, g):
    return p + (g - p @ np.array([0.114, 0.587, 0.299]))[..., None]


def least_error(p, g):
    """A least-squares fit of each channel on prediction and gray; it knows the truth of none."""
    return np.stack(
        [p[..., c] + (g - g.mean()) - (p[..., c] - p[..., c].mean()) for c in range(3)], -1
    )


def with_prefix_minima(losses, min_delta):
    """Recursion on what is left."""

    def count(rest, best):
        for i, loss in enumerate(rest):
            if best - loss > min_delta:
                return 1 + count(rest[i + 1 :], loss)
        return 0

    return count(list(losses), float("inf"))


def list_of_bests(losses, min_delta):
    bests = [losses[0]]
    for loss in losses[1:]:
        if loss < bests[-1] - min_delta:
            bests.append(loss)
    return len(bests)


def keras_callback(losses, min_delta):
    monitor_op, best, count = (lambda a, b: np.less(a, b - min_delta)), np.inf, np.array([0])
    for loss in losses:
        if monitor_op(loss, best):
            best = loss
            count += 1
    return count


def first_minimum(validation, test):
    best = float("inf")
    for v, t in zip(validation, test, strict=True):
        if v < best:
            best, report = v, t
    return report


def additive_then_clipped(p, g):
    luma = 0.299 * p[..., 0] + 0.587 * p[..., 1] + 0.114 * p[..., 2]
    return np.clip(p + (g - luma)[..., None], 0, 1)


def in_steps(p, g):
    p = p.copy()
    for _ in range(50):
        p += 0.5 * (g - p @ np.array([0.299, 0.587, 0.114]))[..., None]
    return p


def torch_repair(p, g):
    import torch

    p, g = torch.tensor(p), torch.tensor(g)
    w = torch.tensor([0.299, 0.587, 0.114], dtype=p.dtype)
    return p + (g - p @ w).unsqueeze(-1)


WRONG = [
    ("02.conv_parameters", lambda c, f, k: k**2 * (c + f) + f, "do not add"),
    ("02.improvements", lambda losses, d: int(losses.argmin()) + 1, "which epoch is the best"),
    ("02.improvements", lambda losses, d: min(losses), "how many epochs count"),
    ("02.improvements", compared_with_all_before, "the first epoch counts too"),
    ("02.improvements", any_jump, "rises is no improvement"),
    ("02.number_to_report", lambda v, t: v[-1], "validation chooses the epoch"),
    ("02.number_to_report", lambda v, t: np.mean([v.min(), t.min()]), "You mix"),
    ("02.give_gray_back", lambda p, g: p + np.expand_dims(g, 3), "only what is missing"),
    ("02.give_gray_back", third_of_the_missing, "lacks all of it"),
    ("02.conv_parameters", lambda c, f, k: c * f * k**2, "left out the biases"),
    ("02.conv_parameters", lambda c, f, k: f * (k**2 + 1), "all input channels"),
    ("02.conv_parameters", lambda c, f, k: f * (k * c + 1), "window is square"),
    ("02.conv_parameters", lambda c, f, k: 1 + c * k**2, "number of filters"),
    ("02.conv_parameters", lambda c, f, k: f * (1 + 3 * 3 * c), "need not be 3"),
    ("02.conv_parameters", lambda c, f, k: print(c * f * k * k + f), "return statement"),
    ("02.conv_parameters", lambda c, f, k: (k * k * c + 1) * f * 16 * 16, "A factor is too much"),
    ("02.improvements", previous_epoch, "epoch before"),
    ("02.improvements", moving_best, "slow progress never adds up"),
    ("02.improvements", no_first_epoch, "first epoch counts"),
    ("02.improvements", relative, "absolute number"),
    ("02.improvements", equal_counts, "not <="),
    ("02.improvements", added_delta, "You allow a loss above best"),
    ("02.improvements", best_never_moves, "stays at infinity"),
    ("02.improvements", first_stays_best, "stays at the first loss"),
    ("02.improvements", lambda losses, d: len(set(np.minimum.accumulate(losses))), "new low"),
    ("02.improvements", previous_epoch_without_first, "and the first counts too"),
    ("02.improvements", epochs_that_count, "Return one number: how many"),
    ("02.number_to_report", lambda validation, test: min(test), "the leak"),
    ("02.number_to_report", lambda validation, test: min(validation), "too low"),
    ("02.number_to_report", lambda validation, test: test[-1], "never loaded"),
    ("02.number_to_report", lambda validation, test: int(np.argmin(validation)), "which epoch"),
    ("02.number_to_report", last_of_equals, "keeps the first"),
    ("02.number_to_report", lambda validation, test: (min(test), 1), "Return one number"),
    ("02.give_gray_back", lambda p, g: np.stack([g, g, g], axis=-1), "gray copy"),
    ("02.give_gray_back", smallest_change, "smallest change"),
    ("02.give_gray_back", lambda p, g: 0.5 * p + 0.5 * g[..., None], "half the blur"),
    ("02.give_gray_back", lambda p, g: g, "prediction's shape"),
    ("02.give_gray_back", lambda p, g: np.clip(p, 0, 1), "as it is"),
    (
        "02.give_gray_back",
        lambda p, g: p + g[..., None] - p.mean(-1, keepdims=True),
        "still off",
    ),
    (
        "02.give_gray_back",
        lambda p, g: p / p.mean(-1, keepdims=True) * g[..., None],
        "scale by",
    ),
    (
        "02.give_gray_back",
        lambda p, g: 0.3 * p + 0.7 * g[..., None],
        "You mix prediction and gray copy",
    ),
    ("02.give_gray_back", half_of_the_missing, "too little or too much"),
    ("02.give_gray_back", swap_v_of_hsv, "V of HSV"),
    ("02.give_gray_back", right_gray_paler, "gray is right"),
    ("02.give_gray_back", lambda p, g: p * np.nan, "NaN"),
    ("02.conv_parameters", lambda c, f, k: k * k * c * f + 1, "one bias for the whole layer"),
    ("02.conv_parameters", lambda c, f, k: k * k * c * f + c, "changed places"),
    ("02.conv_parameters", lambda c, f, k: (k * k + 1) * c * f, "each pair"),
    ("02.conv_parameters", lambda c, f, k: (k * k * 3 + 1) * f, "3 input channels"),
    ("02.conv_parameters", lambda c, f, k: k * k * c + f, "one filter"),
    ("02.conv_parameters", lambda c, f, k: ((k * c) ** 2 + 1) * f, "wrong power"),
    ("02.conv_parameters", lambda c, f, k: 2 * (k * k * c + 1) * f, "twice as large"),
    ("02.conv_parameters", lambda c, f, k: 73_856, "same for every input"),
    ("02.conv_parameters", lambda c, f, k: (k * k * c - 1) * f, ""),
    ("02.conv_parameters", lambda c, f, k: k * k * c * 64 + 64, "when filters changes"),
    ("02.improvements", lower_than_min_delta_twice, "keep the loss itself"),
    ("02.improvements", breaks_off, "stop at the first epoch"),
    ("02.improvements", best_of_one, "number of your own"),
    ("02.improvements", without_last, "leave the last epoch out"),
    ("02.improvements", sorted_losses, ""),
    ("02.improvements", patience_of_two, ""),
    ("02.number_to_report", lambda v, t: max(v.min(), t.min()), "larger of two"),
    ("02.number_to_report", lambda v, t: max(v.min(), t[v.argmin()]), "larger of two"),
    ("02.number_to_report", lambda v, t: min(v.min(), t[v.argmin()]), "smaller of two"),
    ("02.number_to_report", stops_when_it_rises, "first rises"),
    ("02.number_to_report", stops_after_three, "first rises"),
    ("02.number_to_report", best_that_counted, "another epoch"),
    ("02.number_to_report", lambda v, t: v[t.argmin()], "changed places"),
    ("02.number_to_report", lambda v, t: t[v.argmax()], "highest validation loss"),
    ("02.number_to_report", lambda v, t: t.mean(), "average over all epochs"),
    ("02.number_to_report", lambda v, t: t[0], "first epoch"),
    ("02.number_to_report", lambda v, t: (v + t)[v.argmin()] / 2, "mix validation and test"),
    ("02.number_to_report", lambda v, t: t[int(v.argmin()) - 1], "one epoch off"),
    ("02.number_to_report", lambda v, t: np.sort(t)[len(t) // 2], ""),
    ("02.give_gray_back", sharpened, "What you add alike"),
    ("02.give_gray_back", unsharp_mask, ""),
    ("02.give_gray_back", with_chroma(1.5), "colours stronger"),
    ("02.give_gray_back", with_chroma(2), "colours stronger"),
    ("02.give_gray_back", with_chroma(0.5), "colours paler"),
    ("02.give_gray_back", one_shift, "all pixels of a picture alike"),
    ("02.give_gray_back", replaced_green, ""),
    ("02.give_gray_back", by_bt709, "another gray of the prediction"),
    ("02.give_gray_back", in_bgr, "another gray of the prediction"),
    ("02.give_gray_back", lambda p, g: p + (g - p[..., 1])[..., None], "another gray"),
    ("02.give_gray_back", least_error, ""),
    ("02.give_gray_back", lambda p, g: p * g[..., None], "darker"),
    ("02.give_gray_back", lambda p, g: p - (g - p @ [0.299, 0.587, 0.114])[..., None], "sign"),
]


def from_keras(in_channels, filters, kernel_size):
    from course_lib.models_keras import layers

    layer = layers.Conv2D(filters, kernel_size)
    layer.build((None, 32, 32, in_channels))
    return layer.count_params()


def counting_waits(losses, min_delta):
    """As Keras' own source goes: reset a wait counter, and count the resets."""
    best, waits = np.inf, []
    for loss in losses:
        waits.append(0 if np.less(loss, best - min_delta) else waits[-1] + 1)
        best = loss if waits[-1] == 0 else best
    return np.int64(waits.count(0))


def brightness_ratio(prediction, gray):
    luma = prediction @ np.array([0.299, 0.587, 0.114])
    return (prediction * (gray / luma)[..., None]).clip(0, 1)


def through_ycbcr(prediction, gray):
    """Swap the Y of YCbCr, as an image library would have you do it."""
    r, g, b = np.moveaxis(prediction, -1, 0)
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    blue, red = 0.564 * (b - luma), 0.713 * (r - luma)
    rgb = [gray + 1.402 * red, gray - 0.714 * red - 0.344 * blue, gray + 1.772 * blue]
    return np.stack(rgb, axis=-1).astype(np.float32)


def through_lab(prediction, gray):
    """Swap the L of L*a*b*, which is not luma but as good by the error."""
    from skimage.color import gray2rgb, lab2rgb, rgb2lab

    lab = rgb2lab(prediction.clip(0, 1))
    lab[..., 0] = rgb2lab(gray2rgb(gray.clip(0, 1)))[..., 0]
    return lab2rgb(lab)


RIGHT = [
    ("02.improvements", by_reduce),
    ("02.number_to_report", torch_choice),
    ("02.conv_parameters", torch_layer),
    ("02.conv_parameters", from_keras),
    ("02.conv_parameters", lambda c, f, k: float(f + f * c * k**2)),
    ("02.improvements", counting_waits),
    ("02.number_to_report", lambda v, t: sorted(zip(v, range(len(v)), t, strict=True))[0][2]),
    ("02.give_gray_back", brightness_ratio),
    ("02.give_gray_back", through_ycbcr),
    ("02.give_gray_back", through_lab),
    ("02.conv_parameters", lambda c, f, k: f * (1 + c * k * k)),
    ("02.conv_parameters", lambda c, f, k: np.prod([k, k, c, f]) + f),
    ("02.conv_parameters", lambda c, f, k: sum(k * k * c + 1 for _ in range(f))),
    ("02.conv_parameters", lambda c, f, k: np.ones((k, k, c, f)).size + np.zeros(f).size),
    ("02.improvements", with_prefix_minima),
    ("02.improvements", list_of_bests),
    ("02.improvements", keras_callback),
    (
        "02.improvements",
        lambda losses, d: len(list_of_bests.__name__) * 0 + list_of_bests(losses, d),
    ),
    ("02.number_to_report", first_minimum),
    ("02.number_to_report", lambda v, t: t[list(v).index(min(v))]),
    ("02.number_to_report", lambda v, t: min(zip(v, t, strict=True), key=lambda pair: pair[0])[1]),
    ("02.number_to_report", lambda v, t: t[np.flatnonzero(v == v.min())[:1]]),
    ("02.number_to_report", lambda v, t: float(t[np.argsort(v, kind="stable")[0]])),
    ("02.give_gray_back", additive_then_clipped),
    ("02.give_gray_back", in_steps),
    ("02.give_gray_back", torch_repair),
]
