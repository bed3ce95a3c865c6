"""Models A, B and C compared with the paper's tables, row by row (figures 5, 8 and 10)."""

import os

import numpy as np
import pytest
import torch

from course_lib import models_torch, quiet_stderr
from course_lib.files import CourseError
from course_lib.models_keras import build_three_layer_autoencoder, mult_adds
from course_lib.models_torch import ConvLatentAutoencoder, FCLatentAutoencoder, cost, layer_table


def keras_rows(model):
    return [(tuple(layer.output.shape[1:]), layer.count_params()) for layer in model.layers[1:]]


def test_model_a_matches_figure_5():
    model = build_three_layer_autoencoder()
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    assert keras_rows(encoder) == [
        ((16, 16, 64), 640),
        ((8, 8, 128), 73_856),
        ((4, 4, 256), 295_168),
        ((4096,), 0),
        ((256,), 1_048_832),
    ]
    assert keras_rows(decoder) == [
        ((4096,), 1_052_672),
        ((4, 4, 256), 0),
        ((8, 8, 256), 590_080),
        ((16, 16, 128), 295_040),
        ((32, 32, 64), 73_792),
        ((32, 32, 3), 1_731),
    ]
    assert encoder.count_params() == 1_418_496 and decoder.count_params() == 2_013_315
    assert [round(4 * m.count_params() / 2**20, 2) for m in (encoder, decoder)] == [5.41, 7.68]
    assert encoder.layers[-1].name == "latent_vector"
    assert decoder.layers[-1].name == "decoder_output"


def test_model_a_activations_are_the_papers():
    model = build_three_layer_autoencoder()
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    names = [
        [layer.activation.__name__ for layer in half.layers if hasattr(layer, "activation")]
        for half in (encoder, decoder)
    ]
    assert names == [["relu"] * 3 + ["linear"], ["linear"] + ["relu"] * 3 + ["sigmoid"]]


def test_model_a_narrow_gives_pictures():
    model = build_three_layer_autoencoder(channels=(2, 3, 4), latent_dim=5)
    rgb = np.asarray(model(np.zeros((2, 32, 32, 1), np.float32)))
    assert rgb.shape == (2, 32, 32, 3) and rgb.dtype == np.float32
    assert rgb.min() >= 0 and rgb.max() <= 1


TABLES = {
    FCLatentAutoencoder: [
        ("conv1", (64, 32, 32), 640),
        ("conv2", (128, 32, 32), 73_856),
        ("conv3", (256, 16, 16), 295_168),
        ("fc1", (256,), 4_194_560),
        ("fc2", (16384,), 4_210_688),
        ("deconv1", (128, 16, 16), 295_040),
        ("deconv2", (64, 32, 32), 73_792),
        ("deconv3", (3, 32, 32), 1_731),
    ],
    ConvLatentAutoencoder: [
        ("conv1", (64, 32, 32), 640),
        ("conv2", (128, 32, 32), 73_856),
        ("conv3", (256, 16, 16), 295_168),
        ("conv4", (256, 16, 16), 590_080),
        ("deconv1", (128, 16, 16), 295_040),
        ("deconv2", (64, 32, 32), 73_792),
        ("deconv3", (3, 32, 32), 1_731),
    ],
}
# Total parameters, mult-adds in millions, then MB of a pass, of the parameters, and of both.
FEET = {
    FCLatentAutoencoder: (9_145_475, 312.74, 2.90, 34.89, 37.79),
    ConvLatentAutoencoder: (1_330_307, 455.34, 3.27, 5.07, 8.35),
}


@pytest.mark.parametrize("model_class", TABLES)
def test_models_b_and_c_match_figures_8_and_10(model_class):
    table = layer_table(model_class())
    assert [row[:3] for row in table] == TABLES[model_class]
    total = cost(table)
    found = (
        total.num_parameters,
        round(total.mult_adds / 1e6, 2),
        round(total.pass_mb, 2),
        round(total.parameters_mb, 2),
        round(total.pass_mb + total.parameters_mb, 2),
    )
    assert found == FEET[model_class]


def test_mult_adds_of_one_layer_by_hand():
    # conv1: a 3 x 3 window of one channel for each of 64 filters at each of 32 x 32 positions.
    assert layer_table(FCLatentAutoencoder())[0].mult_adds == 9 * 1 * 64 * 32 * 32


def test_mult_adds_of_model_a_by_hand():
    """Stride 2 halves the places of a convolution's output, and of a transposed one's input."""
    down = 256 * 9 * 64 + 64 * 9 * 64 * 128 + 16 * 9 * 128 * 256 + 4096 * 256
    up = 256 * 4096 + 16 * 9 * 256 * 256 + 64 * 9 * 256 * 128 + 256 * 9 * 128 * 64
    assert mult_adds(build_three_layer_autoencoder()) == down + up + 1024 * 9 * 64 * 3


def test_latents_have_the_sizes_the_course_talks_about():
    gray = torch.rand(2, 1, 32, 32)
    b = FCLatentAutoencoder(channels=(2, 3, 4), latent_dim=5).encode(gray)
    assert b.shape == (2, 5) and (b >= 0).all()
    c = ConvLatentAutoencoder().encode(gray)
    assert c.shape == (2, 256, 16, 16) and c[0].numel() == 65_536 == 64 * gray[0].numel()
    assert (c < 0).any()  # no activation


@pytest.mark.parametrize("model_class", TABLES)
def test_narrow_models_give_pictures(model_class):
    rgb = model_class(channels=(2, 3, 4))(torch.rand(2, 1, 32, 32))
    assert rgb.shape == (2, 3, 32, 32)
    assert rgb.min() >= 0 and rgb.max() <= 1


def test_devices():
    assert models_torch.pick_device("cpu").type == "cpu"
    with pytest.raises(CourseError, match="auto, cpu, cuda"):
        models_torch.pick_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(CourseError, match="no GPU"):
            models_torch.pick_device("cuda")


def test_quiet_import_gives_standard_error_back(capfd):
    with quiet_stderr():
        os.write(2, b"not shown")
    os.write(2, b"shown")
    assert capfd.readouterr().err == "shown"
