"""Widgets to explore models and their predictions. Each is one call on arrays or published runs.

They work wherever anywidget does: JupyterLab, Notebook 7, VS Code, Colab. Without a kernel, a still
picture is shown.
"""

from course_lib.widgets.compare import compare_models
from course_lib.widgets.latent import show_feature_maps, walk_latent
from course_lib.widgets.mixer import mix_gray
from course_lib.widgets.rates import explore_schedules
from course_lib.widgets.scrubber import scrub_training

__all__ = [
    "compare_models",
    "explore_schedules",
    "mix_gray",
    "scrub_training",
    "show_feature_maps",
    "walk_latent",
]
