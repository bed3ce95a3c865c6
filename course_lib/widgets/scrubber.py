"""The pictures a network painted after each epoch of its training, under a slider."""

import traitlets

from course_lib import data, grayscale, plots
from course_lib.published import Run
from course_lib.widgets.parts import Widget, as_bytes, says_what_is_wrong


class Scrubber(Widget, script="scrubber.js"):
    """See `scrub_training`."""

    size = traitlets.List(traitlets.Int()).tag(sync=True)  # epochs, images, height, width
    predictions = traitlets.Bytes().tag(sync=True)
    truth = traitlets.Bytes().tag(sync=True)
    gray = traitlets.Bytes().tag(sync=True)
    curves = traitlets.Dict().tag(sync=True)  # name -> loss per epoch
    events = traitlets.List(traitlets.Int()).tag(sync=True)
    unit = traitlets.Unicode().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)


@says_what_is_wrong
def scrub_training(run: Run) -> Widget:
    """An epoch slider over what a published run painted, with a mark on its loss curves.

    Args:
        run: a published run, see `published.load`. Its 16 validation images are shown.

    Returns:
        A widget. If a file of the run is damaged, one that says so and how to mend it.
    """
    predictions, truth = run.predictions, run.truth  # (E, 16, 32, 32, 3), (16, 32, 32, 3)
    gray = grayscale.to_gray(data.as_float(truth))  # (16, 32, 32)
    rows = {"gray": gray, "prediction": data.as_float(predictions[-1]), "truth": truth}
    still = plots.side_by_side({name: images[:8] for name, images in rows.items()})
    alt = f"Eight photographs in gray, as {run.label} paints them at the end, and in truth."
    return Scrubber(
        still,
        alt,
        size=list(predictions.shape[:4]),
        predictions=predictions.tobytes(),
        truth=truth.tobytes(),
        gray=as_bytes(gray).tobytes(),
        curves={
            name: [float(epoch[key]) for epoch in run.history]
            for name, key in (("training", "train_loss"), ("validation", "validation_loss"))
        },
        events=[int(event["epoch"]) for event in run.manifest["events"]],
        unit=run.unit,
        title=run.label,
    )
