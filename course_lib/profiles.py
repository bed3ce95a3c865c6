"""How much computing a lesson may use. One parameter switches; nothing else is edited."""

from dataclasses import dataclass

from course_lib.files import CourseError


@dataclass(frozen=True)
class Profile:
    """What a profile allows a lesson to use.

    Attributes:
        name: "quick" or "full".
        data: which CIFAR-10 `data.load_cifar10` is asked for, "sample" or "full".
        channels: filters of the three convolutions of a model trained in the lesson itself.
        num_epochs: passes over the data in the lesson's own training; None is the paper's number.
    """

    name: str
    data: str
    channels: tuple[int, int, int]
    num_epochs: int | None


PROFILES = {
    # Two CPU cores, no GPU, no network: enough to see learning happen, in seconds.
    "quick": Profile("quick", data="sample", channels=(16, 32, 64), num_epochs=3),
    # The paper's widths, data and epochs, for a GPU.
    "full": Profile("full", data="full", channels=(64, 128, 256), num_epochs=None),
}

# How products are computed in training; weights and sums are float32 in each of them.
# float32: full precision. tf32: factors rounded to 10 bits, on NVIDIA GPUs that support it;
# elsewhere the same as float32. bfloat16: factors and activations rounded to 7 bits (mixed
# precision).
PRECISIONS = ("float32", "tf32", "bfloat16")


def check_precision(name: str) -> None:
    """Raise CourseError unless `name` is one of PRECISIONS."""
    if name not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise CourseError(f"There is no precision {name!r}; choose one of: {known}.")


def get(name: str) -> Profile:
    """The profile called `name`. Raises CourseError for an unknown one."""
    if name not in PROFILES:
        raise CourseError(f"There is no profile {name!r}; choose one of: {', '.join(PROFILES)}.")
    return PROFILES[name]
