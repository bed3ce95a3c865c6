"""What several test modules share."""

import shutil
from pathlib import Path

import nbval.kernel
import pytest

from course_lib import widgets
from course_tools.lessons import kernels
from course_tools.lessons.lesson_source import Lesson

WIDGET_SETUP = """
from course_lib import data, grayscale, published, widgets
cifar = data.load_cifar10("sample")
photos, classes = data.as_float(cifar.x_test[:24]), cifar.y_test[:24]
gray = grayscale.to_gray(photos)
run = published.load("conv_latent")
model = run.model()
recorded = published.load("three_layer_plateau_5k").history
losses = [epoch["validation_loss"] for epoch in recorded]
pictures = {name: photos * part for name, part in {"half as bright": 0.5, "darker": 0.9}.items()}
"""
# A call of every widget, on what ships with the course.
WIDGET_CALLS = {
    "compare_models": "widgets.compare_models(pictures, photos, classes=classes)",
    "explore_schedules": "widgets.explore_schedules(losses)",
    "mix_gray": "widgets.mix_gray(photos[:6])",
    "scrub_training": "widgets.scrub_training(run)",
    "show_feature_maps": "widgets.show_feature_maps({'C': model, 'again': model}, gray)",
    "walk_latent": "widgets.walk_latent(published.load('fc_latent').model(), gray)",
}


def pytest_configure():
    """Workers start kernels at the same time; nbval's, too, must not meet on a port."""
    nbval.kernel.KernelManager = kernels.UnixSocketKernelManager


@pytest.fixture
def tiny(tmp_path: Path) -> Lesson:
    """A whole lesson of a few cells, in a repository of its own, where tests may write."""
    lesson = Lesson("01_tiny", tmp_path)
    lesson.source.parent.mkdir(parents=True)
    (tmp_path / "course_lib").mkdir()
    (tmp_path / "course_lib" / "module.py").write_text("value = 1\n")
    shutil.copy(Path(__file__).parent / "support" / "tiny_lesson.py", lesson.source)
    return lesson


@pytest.fixture(scope="session")
def widget_cells() -> list[str]:
    """Code cells: what widgets are called on, then a call of each in the order of their names."""
    assert set(WIDGET_CALLS) == set(widgets.__all__), "every widget needs an example"
    return [WIDGET_SETUP, *(WIDGET_CALLS[name] for name in widgets.__all__)]
