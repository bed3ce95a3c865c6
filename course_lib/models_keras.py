"""The paper's Keras model A, layer for layer.

It takes gray images (N, 32, 32, 1) and gives RGB images (N, 32, 32, 3), float32 in [0, 1].
"""

import importlib.util
import math
import os

from course_lib import quiet_stderr

if importlib.util.find_spec("tensorflow") is None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
# JAX would allocate three quarters of a GPU's memory at its start; PyTorch needs some as well.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

with quiet_stderr():
    import keras as keras  # lessons take both from here
    from keras import layers as layers

if keras.backend.backend() == "tensorflow":
    import tensorflow

    tensorflow.get_logger().setLevel("ERROR")  # no warnings about tracing: a lesson has many models

# How every convolution of the model works, in both halves.
STRIDED = {"kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"}


def build_encoder(
    channels: tuple[int, ...] = (64, 128, 256), latent_dim: int = 256, num_input_channels: int = 1
) -> keras.Model:
    """Images (N, 32, 32, num_input_channels) -> latents (N, latent_dim), with no activation."""
    image = keras.Input((32, 32, num_input_channels), name="encoder_input")
    x = image
    for number, filters in enumerate(channels, start=1):
        x = layers.Conv2D(filters, **STRIDED, name=f"conv{number}")(x)
        # (N, 16, 16, 64), then (N, 8, 8, 128), then (N, 4, 4, 256)
    x = layers.Flatten(name="flatten")(x)  #       (N, 4096)
    latent = layers.Dense(latent_dim, name="latent_vector")(x)
    return keras.Model(image, latent, name="encoder")


def build_decoder(channels: tuple[int, ...] = (64, 128, 256), latent_dim: int = 256) -> keras.Model:
    """Latent vectors (N, latent_dim) -> RGB images (N, 32, 32, 3) in (0, 1)."""
    smallest = (32 // 2 ** len(channels),) * 2 + (channels[-1],)
    latent = keras.Input((latent_dim,), name="decoder_input")
    x = layers.Dense(math.prod(smallest), name="dense")(latent)  # (N, 4096)
    x = layers.Reshape(smallest, name="reshape")(x)  #             (N, 4, 4, 256)
    for number, filters in enumerate(reversed(channels), start=1):
        x = layers.Conv2DTranspose(filters, **STRIDED, name=f"deconv{number}")(x)
        # (N, 8, 8, 256), then (N, 16, 16, 128), then (N, 32, 32, 64)
    rgb = layers.Conv2DTranspose(
        3, kernel_size=3, padding="same", activation="sigmoid", name="decoder_output"
    )(x)
    return keras.Model(latent, rgb, name="decoder")


def build_three_layer_autoencoder(
    channels: tuple[int, ...] = (64, 128, 256), latent_dim: int = 256, num_input_channels: int = 1
) -> keras.Model:
    """Model A: encoder and decoder, joined. `model.get_layer("encoder")` gives one of the halves.

    Args:
        channels: filters of the three convolutions; the decoder mirrors them.
        latent_dim: length of the latent vector.
        num_input_channels: 1 for gray; 3 for the control that is given the colours.
    """
    encoder = build_encoder(channels, latent_dim, num_input_channels)
    decoder = build_decoder(channels, latent_dim)
    image = keras.Input((32, 32, num_input_channels), name="image")
    return keras.Model(image, decoder(encoder(image)), name="autoencoder")


def mult_adds(model: keras.Model) -> int:
    """Multiplications with a weight that one image costs; `models_torch.cost` counts the same.

    Args:
        model: from `build_three_layer_autoencoder`.
    """
    total = 0
    for half in ("encoder", "decoder"):
        for layer in (layer for layer in model.get_layer(half).layers if layer.weights):
            # Each weight is used once at every place of the smaller side: a stride skips the rest.
            places = (math.prod(tensor.shape[1:-1]) for tensor in (layer.input, layer.output))
            total += min(places) * math.prod(layer.kernel.shape)
    return total
