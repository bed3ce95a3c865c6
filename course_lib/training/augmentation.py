"""What makes model input and target from stored images, in PyTorch, on the device they are on.

What is done to an image is done before gray is taken, so input and target stay alike.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from course_lib import grayscale
from course_lib.training.record import GrayWeights


@dataclass(frozen=True)
class Augmentation:
    """What is done to the images of an epoch; its numbers are drawn before the first batch.

    Attributes:
        rotation: angles are drawn from [-rotation, rotation] degrees; 0 leaves images as they are.
        flip: whether each image has an even chance to be mirrored, left to right.
        gray_weights: of red, green and blue in the gray image; None: the input is the RGB image.
    """

    rotation: float = 0.0
    flip: bool = False
    gray_weights: GrayWeights | None = grayscale.BT601

    def draw(self, num_images: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """For each image its angle in degrees (N,), and whether it is mirrored, bool (N,).

        Both are drawn even if they are not used, so a run without flips draws the same angles.
        """
        return draw_angles(num_images, self.rotation, device), draw_flips(num_images, device)

    def __call__(self, images: Tensor, degrees: Tensor, flips: Tensor) -> tuple[Tensor, Tensor]:
        """Uint8 images (N, H, W, 3) -> gray (N, 1, H, W), rgb (N, 3, H, W); see `gray_and_rgb`."""
        return gray_and_rgb(
            images,
            self.gray_weights,
            rotation=degrees if self.rotation else 0.0,
            flip=flips if self.flip else False,
        )


def gray_and_rgb(
    images: Tensor,
    weights: GrayWeights | None = grayscale.BT601,
    rotation: float | Tensor = 0.0,
    flip: bool | Tensor = False,
) -> tuple[Tensor, Tensor]:
    """Make model input and target from stored images, on the device they are on.

    Args:
        images: uint8 (N, H, W, 3).
        weights: of red, green and blue in the gray image; None: the input is the RGB image too.
        rotation: each image is rotated by an angle drawn from [-rotation, rotation] degrees, with
            black corners; or the angles themselves, (N,).
        flip: whether each image has an even chance to be mirrored, left to right, before it is
            rotated; or which ones are, bool (N,).

    Returns:
        gray (N, 1, H, W) and rgb (N, 3, H, W), float32 in [0, 1].
    """
    rgb = images.permute(0, 3, 1, 2).float() / 255  # (N, 3, H, W), channels last in memory
    if isinstance(rotation, int | float) and rotation:
        rotation = draw_angles(len(rgb), rotation, rgb.device)
    if flip is True:
        flip = draw_flips(len(rgb), rgb.device)
    if isinstance(flip, Tensor):
        rgb = torch.where(flip.view(-1, 1, 1, 1), rgb.flip(-1), rgb)
    if isinstance(rotation, Tensor):
        rgb = rotate(rgb, rotation)
    if weights is None:
        return rgb, rgb
    red, green, blue = weights
    gray = red * rgb[:, 0:1] + green * rgb[:, 1:2] + blue * rgb[:, 2:3]  # (N, 1, H, W)
    return gray, rgb


def draw_angles(num_images: int, rotation: float, device: torch.device) -> Tensor:
    """An angle in [-rotation, rotation] degrees per image, (N,); the CPU draws, for all devices."""
    return torch.empty(num_images).uniform_(-rotation, rotation).to(device)


def draw_flips(num_images: int, device: torch.device) -> Tensor:
    """For each image whether it is mirrored, bool (N,); the CPU draws, for all devices."""
    return (torch.rand(num_images) < 0.5).to(device)


def rotate(images: Tensor, degrees: Tensor) -> Tensor:
    """Rotate each image counter-clockwise about its centre; nearest neighbour, black corners.

    What `torchvision.transforms.functional.rotate` does to one image, for a batch of angles.

    Args:
        images: float (N, C, H, W), square.
        degrees: (N,).

    Returns:
        float (N, C, H, W).
    """
    angle = torch.deg2rad(degrees)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    # Where in the input each output pixel comes from: the inverse rotation.
    matrix = torch.stack([cos, -sin, zero, sin, cos, zero], dim=1).view(-1, 2, 3)  # (N, 2, 3)
    grid = affine_grid(matrix, list(images.shape), align_corners=False)  #            (N, H, W, 2)
    return grid_sample(images, grid, mode="nearest", align_corners=False)
