"""Training loops for both frameworks, and what they share: record, checkpoint, schedules.

The functions that lessons call are handed on from here. Their module, and with it its framework,
is imported when one of them is asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course_lib.training.augmentation import gray_and_rgb
    from course_lib.training.keras_loop import fit_keras
    from course_lib.training.torch_loop import fit, predict, training_step

__all__ = ["fit", "fit_keras", "gray_and_rgb", "predict", "training_step"]

MODULES = {"fit_keras": "keras_loop", "gray_and_rgb": "augmentation"}  # the rest: torch_loop


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{MODULES.get(name, 'torch_loop')}")
    return getattr(module, name)
