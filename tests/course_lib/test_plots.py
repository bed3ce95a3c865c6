"""Pictures: sizes, pixels, and what a screen reader gets."""

import base64
import io

import numpy as np
import pytest
from matplotlib.image import imread

from course_lib import plots
from course_lib.files import CourseError

RAMP = np.linspace(0, 1, 12 * 4 * 4 * 3, dtype=np.float32).reshape(12, 4, 4, 3)
HISTORY = [{"train_loss": 0.02, "validation_loss": 0.01}, {"train_loss": 0.01}]


def pixels(figure):
    """(height, width, 3) in [0, 1]"""
    return imread(io.BytesIO(plots.png(figure)))[..., :3]


def text_of(figure):
    return [artist.get_text() for artist in figure.findobj(lambda a: hasattr(a, "get_text"))]


def test_show_puts_the_alt_text_beside_the_picture(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: shown.append((a, k)))
    plots.show(plots.mosaic(RAMP), alt="Twelve ramps.")
    ((data,), options) = shown[0]
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["text/plain"] == "Twelve ramps."
    assert options == {"metadata": {"image/png": {"alt": "Twelve ramps."}}, "raw": True}


def test_show_refuses_a_picture_without_words():
    with pytest.raises(CourseError, match="Say in a sentence"):
        plots.show(plots.mosaic(RAMP), alt=" ")


def test_the_same_figure_is_the_same_file():
    assert plots.png(plots.mosaic(RAMP)) == plots.png(plots.mosaic(RAMP))


@pytest.mark.parametrize("zoom", [1, 3])
def test_every_pixel_is_a_square_of_its_own_colour(zoom):
    """Enlarged by nearest neighbour and never resampled: the pixels can be read back."""
    picture = pixels(plots.mosaic(RAMP[:1], columns=1, zoom=zoom))
    g = plots.GAP
    assert picture.shape == (4 * zoom + 2 * g, 4 * zoom + 2 * g, 3)
    inside = picture[g:-g, g:-g]
    expected = RAMP[0].repeat(zoom, axis=0).repeat(zoom, axis=1)
    np.testing.assert_allclose(inside, expected, atol=1.5 / 255)


def test_mosaic_keeps_the_first_hundred_in_rows_of_ten():
    many = np.zeros((120, 4, 4), np.uint8)
    many[99:] = 255
    figure = plots.mosaic(many, columns=10, zoom=1)
    assert len(figure.axes) == 100
    g = plots.GAP
    last_row = pixels(figure)[-g - 4 : -g]
    assert last_row[:, -g - 4 : -g].min() == 1  # number 99, bottom right
    assert last_row[:, -2 * (g + 4) : -2 * g - 4].max() == 0  # number 98, on its left


def test_image_grid_titles_its_images():
    figure = plots.image_grid(RAMP, titles=["cat", "dog"], columns=5)
    assert [ax.get_title() for ax in figure.axes[:3]] == ["cat", "dog", ""]
    assert len(figure.axes) == 15  # three rows of five, the last three empty


def test_side_by_side_labels_rows_and_numbers():
    gray = RAMP.mean(axis=-1)
    figure = plots.side_by_side({"gray": gray, "truth": RAMP}, {"gray": np.arange(12) / 100})
    assert len(figure.axes) == 24
    assert {"gray", "truth"} <= set(text_of(figure))
    assert figure.axes[3].get_xlabel() == "0.0300"
    assert figure.axes[15].get_xlabel() == ""


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [
        ({"gray": RAMP, "truth": RAMP[:5]}, {}),
        ({"gray": RAMP}, {"gray": [0.1]}),
        ({"gray": RAMP}, {"other": np.zeros(12)}),
    ],
)
def test_side_by_side_refuses_rows_that_do_not_match(rows, numbers):
    with pytest.raises(CourseError, match="needs 12 entries"):
        plots.side_by_side(rows, numbers)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (RAMP * 255, "divide by 255"),
        (RAMP * np.nan, "NaN"),
        (RAMP[:0], "at least one image"),
        (RAMP[0, 0], "cannot be drawn"),
        (RAMP.transpose(0, 3, 1, 2), "cannot be drawn"),
    ],
)
def test_images_that_cannot_be_drawn_are_refused(images, message):
    with pytest.raises(CourseError, match=message):
        plots.mosaic(images)


def test_as_rgb_takes_bytes_and_gray():
    gray = np.full((2, 3, 3), 51, np.uint8)
    rgb = plots.as_rgb(gray[..., None])
    assert rgb.shape == (2, 3, 3, 3)
    np.testing.assert_allclose(rgb, 0.2)
    np.testing.assert_array_equal(plots.as_rgb(gray), rgb)


def test_loss_curves_tell_series_apart_without_colour():
    figure = plots.loss_curves(HISTORY, baselines={"gray copy": 0.0066}, events=[(2, "rate / 10")])
    train, validation = figure.axes[0].lines[:2]
    assert list(train.get_xdata()) == [1, 2] and list(train.get_ydata()) == [0.02, 0.01]
    assert list(validation.get_xdata()) == [1]
    assert train.get_linestyle() != validation.get_linestyle()
    assert train.get_markerfacecolor() != validation.get_markerfacecolor()
    assert {"train", "validation", "gray copy", "rate / 10"} <= set(text_of(figure))


def test_loss_curves_of_two_runs_have_marks_of_their_own():
    figure = plots.loss_curves({"A1": HISTORY, "A2": HISTORY})
    lines = figure.axes[0].lines
    assert [line.get_label() for line in lines] == [
        "A1 train", "A1 validation", "A2 train", "A2 validation",
    ]  # fmt: skip
    assert lines[0].get_marker() != lines[2].get_marker()


def test_nothing_is_left_in_pyplot():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    plots.side_by_side({"gray": RAMP})
    plots.loss_curves(HISTORY)
    assert plt.get_fignums() == before
