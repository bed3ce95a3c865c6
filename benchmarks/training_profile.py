"""What limits training of models A, B and C: how the time of a step is divided.

    .venv/bin/python benchmarks/training_profile.py

B and C by PyTorch's profiler, A by TensorFlow's (or PyTorch's, on Keras' torch backend). The last
line is one JSON object: model -> kind of work -> share of the time.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from course_lib.data import load_cifar10
from course_lib.results import experiments, published

NUM_STEPS = 10
# What a name in a profile has in it -> the kind of work it is. The first that fits counts.
KINDS = {
    "loader": ("our loader",),
    "Adam": ("adam", "Adam"),
    "convolutions": ("conv", "Conv"),
    "matrix products": ("matmul", "MatMul", "aten::mm", "aten::addmm"),
    "activations, bias": ("Relu", "relu", "clamp_min", "threshold", "igmoid", "Bias", "bias"),
    "pooling, upsampling": ("pool", "upsample"),
    "layout, copies": ("copy", "contiguous", "ranspose", "fill_", "zero_"),
}


def kind_of(name: str) -> str:
    return next(
        (kind for kind, parts in KINDS.items() if any(part in name for part in parts)), "other"
    )


def shares(times: Counter) -> dict[str, float]:
    """Name -> seconds, turned into kind of work -> share, the largest first."""
    kinds: Counter = Counter()
    for name, seconds in times.items():
        kinds[kind_of(name)] += seconds
    return {kind: seconds / kinds.total() for kind, seconds in kinds.most_common()}


def profile_torch(letter: str, device: str) -> Counter:
    """Time of every operation in some steps of B or C, the loader's as one."""
    import torch
    from torch.profiler import ProfilerActivity, profile, record_function

    from course_lib.models_torch import pick_device
    from course_lib.training import acceleration, augmentation, torch_loop

    recipe, place = experiments.get(letter), pick_device(device)
    model = published.build_model(recipe.name).to(place, memory_format=torch.channels_last)
    optimizer = acceleration.adam(model, recipe.learning_rate)
    images = torch.from_numpy(load_cifar10("sample").x_train).to(place)

    def step() -> None:
        with record_function("our loader"):
            indices = torch.randint(len(images), (recipe.batch_size,), device=place)
            batch = augmentation.gray_and_rgb(images[indices], rotation=recipe.rotation)
        torch_loop.training_step(model, optimizer, *batch)

    on_gpu = place.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    step()
    with profile(activities=activities) as profiled:
        for _ in range(NUM_STEPS):
            step()
    times: Counter = Counter()
    for event in profiled.events():
        parent = event
        while parent is not None and parent.name != "our loader":
            parent = parent.cpu_parent
        name = "our loader" if parent is not None else event.name
        times[name] += event.self_device_time_total if on_gpu else event.self_cpu_time_total
    return times


def profile_keras() -> Counter:
    """Time of every operation in some steps of A."""
    from course_lib.models_keras import keras
    from course_lib.training import keras_loop

    recipe = experiments.get("A2")
    model = published.build_model(recipe.name)
    model.compile(keras.optimizers.Adam(recipe.learning_rate), loss="mse")
    images = load_cifar10("sample").x_train[: NUM_STEPS * recipe.batch_size]

    def fit() -> None:
        arguments = {"num_epochs": 1, "batch_size": recipe.batch_size, "progress": False}
        keras_loop.fit_keras(model, images, images[:16], **arguments)

    fit()
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_times(fit)
    if keras.backend.backend() == "torch":
        from torch.profiler import profile

        with profile() as profiled:
            fit()
        return Counter({x.key: x.self_cpu_time_total for x in profiled.key_averages()})
    sys.exit("Keras on JAX has no profiler here; use KERAS_BACKEND=tensorflow or torch.")


def _tensorflow_times(fit) -> Counter:
    import tensorflow

    try:
        from tensorflow.tsl.profiler.protobuf import xplane_pb2
    except ImportError:
        sys.exit("This TensorFlow keeps its profiles in another form; use KERAS_BACKEND=torch.")
    with tempfile.TemporaryDirectory() as folder:
        with tensorflow.profiler.experimental.Profile(folder):
            fit()
        path = next(Path(folder).rglob("*.xplane.pb"))
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
    times: Counter = Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                if name.startswith("StatefulPartitionedCall/"):  # an operation of the step
                    operation = name.rpartition(":")[2]
                    times["Adam" if "/adam/" in name else operation] += event.duration_ps
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=list("ABC"), default=list("ABC"))
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    arguments = parser.parse_args()
    found = {}
    for letter in arguments.models:
        times = profile_keras() if letter == "A" else profile_torch(letter, arguments.device)
        found[letter] = shares(times)
        print(f"\nmodel {letter}")
        for kind, share in found[letter].items():
            print(f"  {kind:22}{share:7.1%}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
