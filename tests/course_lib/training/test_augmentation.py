"""Rotation, flips and gray in PyTorch: what is done to an image before a model sees it."""

import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import hflip as torchvision_hflip
from torchvision.transforms.functional import rotate as torchvision_rotate

from course_lib.training import augmentation
from course_lib.training.augmentation import Augmentation

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)


def turned_one_by_one(images, degrees):
    """What the paper does: torchvision turns one image after the other."""
    turned = [
        torchvision_rotate(image, float(angle), InterpolationMode.NEAREST, fill=[0.0])
        for image, angle in zip(images, degrees, strict=True)
    ]
    return torch.stack(turned)


@pytest.mark.parametrize("size", [1, 2, 5, 17, 31, 32, 33])
def test_rotation_is_torchvisions(size):
    """Angle, nearest neighbour and fill, at angles in general and at every fifteenth degree."""
    torch.manual_seed(size)
    degrees = torch.cat([torch.empty(200).uniform_(-180, 180), torch.arange(-180.0, 181.0, 15.0)])
    images = torch.rand(len(degrees), 3, size, size) + 0.5  # nothing but the fill is 0
    ours, theirs = augmentation.rotate(images, degrees), turned_one_by_one(images, degrees)
    # A pixel may come from a point exactly between two pixels, or on the rim of the image. Then
    # the last bit of the sine decides, and the two compute it on different ways.
    differ = (ours != theirs).any(dim=1)  # (N, H, W)
    assert not differ[:200].any()
    assert differ[200:].float().mean() <= 0.02
    assert set(torch.unique(ours[0]).tolist()) <= {0.0, *torch.unique(images[0]).tolist()}


def test_flip_mirrors_left_to_right_before_turning():
    images = torch.from_numpy(IMAGES[:4])
    flips, degrees = torch.tensor([True, False, True, False]), torch.tensor([0.0, 0.0, 90.0, 90.0])
    _, rgb = augmentation.gray_and_rgb(images, rotation=degrees, flip=flips)
    plain = images.permute(0, 3, 1, 2).float() / 255
    torch.testing.assert_close(rgb[0], torchvision_hflip(plain[0]))
    torch.testing.assert_close(rgb[1], plain[1])
    expected = torch.rot90(torchvision_hflip(plain[2]), 1, (1, 2))
    torch.testing.assert_close(rgb[2], expected)
    torch.manual_seed(0)
    _, drawn = augmentation.gray_and_rgb(torch.from_numpy(IMAGES), flip=True)
    same = (drawn == torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 255).flatten(1).all(dim=1)
    assert 10 < same.sum() < 30


def test_gray_is_taken_after_rotation_so_corners_are_black_in_both():
    white = torch.full((8, 32, 32, 3), 255, dtype=torch.uint8)
    torch.manual_seed(0)
    gray, rgb = augmentation.gray_and_rgb(white, rotation=15.0)
    assert gray.shape == (8, 1, 32, 32) and rgb.shape == (8, 3, 32, 32)
    assert (rgb[:, :, 0, 0] == 0).any()
    torch.testing.assert_close(gray[:, 0], rgb[:, 0])


def test_without_gray_weights_the_input_is_the_rgb_image():
    given, target = augmentation.gray_and_rgb(torch.from_numpy(IMAGES), weights=None)
    assert torch.equal(given, target) and given.shape == (40, 3, 32, 32)


def test_an_epoch_is_augmented_as_images_are_one_by_one():
    """What is drawn for an epoch goes by the image, whatever batch the image falls into."""
    images, augment = torch.from_numpy(IMAGES), Augmentation(rotation=15.0, flip=True)
    torch.manual_seed(0)
    degrees, flips = augment.draw(len(images), images.device)
    assert degrees.abs().max() <= 15 and flips.dtype == torch.bool
    gray, rgb = augment(images, degrees, flips)
    for part in torch.arange(len(images)).split(7):
        some_gray, some_rgb = augment(images[part], degrees[part], flips[part])
        torch.testing.assert_close(some_gray, gray[part])
        torch.testing.assert_close(some_rgb, rgb[part])
    plain, _ = Augmentation()(images, degrees, flips)  # neither is asked for
    assert torch.equal(plain, augmentation.gray_and_rgb(images)[0])
