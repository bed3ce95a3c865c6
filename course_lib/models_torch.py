"""The paper's two PyTorch models, layer for layer.

Both take gray images (N, 1, 32, 32) and give RGB images (N, 3, 32, 32), float32 in [0, 1].
Layers carry the names of the paper's tables, so a class of your own with the same names can load
the published weights.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from course_lib.files import CourseError

IMAGE_SIZE = 32


def upsample(x: Tensor) -> Tensor:
    """Double height and width by bilinear interpolation: (N, C, H, W) -> (N, C, 2H, 2W)."""
    return interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class FCLatentAutoencoder(nn.Module):
    """Model B: everything passes through `latent_dim` numbers.

    Args:
        channels: filters of conv1, conv2 and conv3.
        latent_dim: length of the latent vector.
    """

    def __init__(
        self, channels: tuple[int, int, int] = (64, 128, 256), latent_dim: int = 256
    ) -> None:
        super().__init__()
        c1, c2, c3 = channels
        self.smallest = (c3, IMAGE_SIZE // 4, IMAGE_SIZE // 4)
        num_features = c3 * (IMAGE_SIZE // 4) ** 2
        self.conv1 = nn.Conv2d(1, c1, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(c1, c2, kernel_size=3, padding=1)
        self.conv3 = nn.Conv2d(c2, c3, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(num_features, latent_dim)
        self.fc2 = nn.Linear(latent_dim, num_features)
        self.deconv1 = nn.ConvTranspose2d(c3, c2, kernel_size=3, padding=1)
        self.deconv2 = nn.ConvTranspose2d(c2, c1, kernel_size=3, padding=1)
        self.deconv3 = nn.ConvTranspose2d(c1, 3, kernel_size=3, padding=1)

    def encode(self, gray: Tensor) -> Tensor:
        """Gray images (N, 1, 32, 32) -> latent vectors (N, latent_dim), each number >= 0."""
        x = self.conv1(gray).relu()  #             (N, 64, 32, 32)
        x = self.pool(self.conv2(x)).relu()  #     (N, 128, 16, 16)
        x = self.pool(self.conv3(x)).relu()  #     (N, 256, 8, 8)
        return self.fc1(x.flatten(1)).relu()  #    (N, 16384) -> (N, 256)

    def decode(self, latent: Tensor) -> Tensor:
        """Latent vectors (N, latent_dim) -> RGB images (N, 3, 32, 32) in (0, 1)."""
        x = self.fc2(latent).relu()  #             (N, 16384)
        x = x.unflatten(1, self.smallest)  #       (N, 256, 8, 8)
        x = self.deconv1(upsample(x)).relu()  #    (N, 128, 16, 16)
        x = self.deconv2(upsample(x)).relu()  #    (N, 64, 32, 32)
        return self.deconv3(x).sigmoid()  #        (N, 3, 32, 32)

    def forward(self, gray: Tensor) -> Tensor:
        """RGB (N, 3, 32, 32) in [0, 1] from gray (N, 1, 32, 32) in [0, 1]."""
        return self.decode(self.encode(gray))


class ConvLatentAutoencoder(nn.Module):
    """Model C: the latent is a stack of feature maps, 64 times larger than the image it encodes.

    Args:
        channels: filters of conv1, conv2 and conv3; conv4 has as many as conv3.
    """

    def __init__(self, channels: tuple[int, int, int] = (64, 128, 256)) -> None:
        super().__init__()
        c1, c2, c3 = channels
        self.conv1 = nn.Conv2d(1, c1, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(c1, c2, kernel_size=3, padding=1)
        self.conv3 = nn.Conv2d(c2, c3, kernel_size=3, padding=1)
        self.conv4 = nn.Conv2d(c3, c3, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.deconv1 = nn.ConvTranspose2d(c3, c2, kernel_size=3, padding=1)
        self.deconv2 = nn.ConvTranspose2d(c2, c1, kernel_size=3, padding=1)
        self.deconv3 = nn.ConvTranspose2d(c1, 3, kernel_size=3, padding=1)

    def encode(self, gray: Tensor) -> Tensor:
        """Gray images (N, 1, 32, 32) -> latent feature maps (N, 256, 16, 16), of either sign."""
        x = self.conv1(gray).relu()  #             (N, 64, 32, 32)
        x = self.pool(self.conv2(x)).relu()  #     (N, 128, 16, 16)
        x = self.conv3(x).relu()  #                (N, 256, 16, 16)
        return self.conv4(x)  #                    (N, 256, 16, 16)

    def decode(self, latent: Tensor) -> Tensor:
        """Latent feature maps (N, 256, 16, 16) -> RGB images (N, 3, 32, 32) in (0, 1)."""
        x = self.deconv1(latent).relu()  #         (N, 128, 16, 16)
        x = self.deconv2(upsample(x)).relu()  #    (N, 64, 32, 32)
        return self.deconv3(x).sigmoid()  #        (N, 3, 32, 32)

    def forward(self, gray: Tensor) -> Tensor:
        """RGB (N, 3, 32, 32) in [0, 1] from gray (N, 1, 32, 32) in [0, 1]."""
        return self.decode(self.encode(gray))


class Layer(NamedTuple):
    """One row of the paper's tables (figures 8 and 10); the batch is one image."""

    name: str
    output_shape: tuple[int, ...]
    num_parameters: int  # weights and biases
    mult_adds: int  # of the weights; adding a bias does not count


class Cost(NamedTuple):
    """The last lines of the paper's tables. One MB is 2**20 bytes."""

    num_parameters: int
    mult_adds: int
    pass_mb: float  # outputs of all layers with parameters, forward and backward, float32
    parameters_mb: float  # float32


def layer_table(model: nn.Module) -> list[Layer]:
    """Every layer with parameters, in the order one gray image of 32 x 32 passes it."""
    rows = []

    def note(name: str) -> Any:
        def hook(layer: nn.Module, _: Any, output: Tensor) -> None:
            # With stride 1 and padding each weight is used once at every output position.
            positions = math.prod(output.shape[2:])  # 1 for a fully connected layer
            rows.append(
                Layer(
                    name,
                    tuple(output.shape[1:]),
                    sum(p.numel() for p in layer.parameters()),
                    positions * layer.weight.numel(),  # type: ignore[operator]
                )
            )

        return hook

    layers = {
        n: m for n, m in model.named_modules() if isinstance(getattr(m, "weight", None), Tensor)
    }
    hooks = [layer.register_forward_hook(note(name)) for name, layer in layers.items()]
    device = next(model.parameters()).device
    with torch.no_grad():
        model(torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE, device=device))
    for hook in hooks:
        hook.remove()
    return rows


def cost(table: list[Layer]) -> Cost:
    """Sum up a layer table in the paper's convention."""
    num_parameters = sum(layer.num_parameters for layer in table)
    num_outputs = sum(math.prod(layer.output_shape) for layer in table)
    return Cost(
        num_parameters,
        sum(layer.mult_adds for layer in table),
        pass_mb=2 * 4 * num_outputs / 2**20,
        parameters_mb=4 * num_parameters / 2**20,
    )


def pick_device(name: str = "auto") -> torch.device:
    """The device called `name`: "auto" is the GPU where there is one, else the CPU.

    Raises:
        CourseError: a GPU was asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name not in ("cpu", "cuda"):
        raise CourseError(f"There is no device {name!r}; choose one of: auto, cpu, cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise CourseError("PyTorch sees no GPU on this machine; use device='cpu' or 'auto'.")
    return torch.device(name)
