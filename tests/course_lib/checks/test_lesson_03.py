"""What lesson 03's checks count, held against PyTorch."""

import pytest

from course_lib.checks import CheckFailed, lesson_03


@pytest.mark.parametrize("design", [(64, 128, 256, 256), (16, 32, 64, 256), (8, 8, 8, 1000)])
def test_the_budget_is_counted_as_pytorch_counts(design):
    from course_lib.models_torch import FCLatentAutoencoder

    total = sum(p.numel() for p in FCLatentAutoencoder(design[:3], design[3]).parameters())
    assert lesson_03._fits(design, total)
    with pytest.raises(CheckFailed, match="more parameters than it may"):
        lesson_03._fits(design, total - 1)
