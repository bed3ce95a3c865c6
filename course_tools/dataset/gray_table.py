"""The bundled gray-level table: `course make-gray-table` makes it from the training images."""

import platform
from pathlib import Path

import numpy as np

from course_lib import baselines, data, files, grayscale
from course_tools.dataset.fetch import fetch_cifar10


def make_gray_level_table(path: Path = baselines.GRAY_LEVEL_TABLE) -> Path:
    """Fit the table on the 45,000 training images; write it, and a JSON beside it that says how.

    Returns:
        The path of the table, float32 of shape (256, 3).

    Raises:
        CourseError: CIFAR-10 is not available, or the files cannot be written.
    """
    cifar = fetch_cifar10()
    train, _ = data.train_validation_split(cifar.y_train)
    rgb = data.as_float(cifar.x_train[train])
    table = baselines.fit_gray_level_table(grayscale.to_gray(rgb), rgb)

    with files.replacing(path) as temporary:
        np.save(temporary, table)
    files.write_json(
        path.with_suffix(".json"),
        {
            "what": "mean RGB in [0, 1] of every gray level, shape (256, 3), float32",
            "command": "course make-gray-table",
            "level": "round(255 * gray), gray = BT.601 in float32",
            "images": f"{len(train)} training images, data.train_validation_split(seed=0)",
            "sha256_table": files.sha256_of_file(path),
            "sha256_x_train": files.sha256_of_array(cifar.x_train),
            "versions": {"python": platform.python_version(), "numpy": np.__version__},
        },
    )
    return path
