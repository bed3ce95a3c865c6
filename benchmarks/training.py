"""How fast models A, B and C train: the paper's way beside ours, in turns, in one run.

    .venv/bin/python benchmarks/training.py                    # about ten minutes on two cores
    .venv/bin/python benchmarks/training.py --seconds 5 --rounds 1 --models C

The paper's way, written again: B and C from PIL images through a DataLoader with two workers that
turn each image and make it gray; A by `model.fit` on float32 arrays. Ours is what `course train`
runs. Each measurement is a process of its own. Images per processor second are given as well: on a
machine that others use, they are the fairer number, and the share of a matrix product is taken of
them where there is no GPU. The last line is one JSON object.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

NAMES = {"A": "three_layer_constant", "B": "fc_latent", "C": "conv_latent"}
NUM_IMAGES = 50_000  # as many as the paper trains on: the bundled sample, over and over
NUM_WARM_UP = 8  # steps before the clock starts
AIM_RATIO = {"cpu": 1.5, "gpu": 10.0}
AIM_SHARE = 0.75
HERE = Path(__file__).resolve()


# One measurement, in a process of its own


def measure(model: str, way: str, device: str, seconds: float) -> dict:
    """Images per second of one model trained one way, and what belongs to it."""
    if way == "paper" and model != "A":
        import torch  # noqa: F401  (before the course, whose settings the paper does not have)
    sys.path.insert(0, str(HERE.parent.parent))
    from course_lib.results import experiments
    from course_tools.experiments import machine

    recipe = experiments.get(NAMES[model])
    is_keras = recipe.framework == "keras"
    where = (machine.keras_device_name if is_keras else machine.torch_device_name)(device)
    on_gpu = where.split(", Keras")[0] != machine.processor()
    precision = "bfloat16" if way == "bfloat16" else machine.precision_for("auto", on_gpu)
    runs = (keras_paper, keras_ours) if is_keras else (torch_paper, torch_ours)
    run = runs[way != "paper"]
    peak_before = product_flops(is_keras, on_gpu, precision)
    machine.forget_peaks()
    rates = run(recipe, device, precision, seconds)
    memory = {"peak_mb": round(machine.peak_mb()), "peak_gpu_mb": machine.peak_gpu_mb()}
    peak = max(peak_before, product_flops(is_keras, on_gpu, precision))
    flops = flops_per_image(recipe)
    rate = rates["images_per_second" if on_gpu else "images_per_cpu_second"]
    return {
        **rates,
        "precision": precision,
        **memory,
        "product_gflops": peak / 1e9,
        "share_of_product": rate * flops / peak,
        "where": where,
        "on_gpu": on_gpu,
        "versions": machine.versions(),
    }


class Clock:
    """Wall time, and processor time of this process and its workers, from now on."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), self._cpu_seconds()

    def rates(self, num_images: int, seconds: float | None = None) -> dict[str, float]:
        """Images per second and per processor second; `seconds` in place of the wall's."""
        return {
            "images_per_second": num_images / (seconds or self.seconds),
            "images_per_cpu_second": num_images / (self._cpu_seconds() - self.cpu),
        }

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.wall

    def _cpu_seconds(self) -> float:
        me = psutil.Process()
        times = [process.cpu_times() for process in (me, *me.children(recursive=True))]
        return sum(one.user + one.system for one in times)


def flops_per_image(recipe) -> float:
    """Of a training step: forward, and backward to activations and to weights, cost alike."""
    from course_lib import models_keras, models_torch
    from course_lib.results import published

    if recipe.framework == "keras":
        return 6 * models_keras.mult_adds(published.build_model(recipe.name))
    model = published.build_model(recipe.name)
    return 6 * models_torch.cost(models_torch.layer_table(model)).mult_adds


def product_flops(is_keras: bool, on_gpu: bool, precision: str) -> float:
    """Operations a second of a large matrix product in that precision: the best of five.

    On a CPU a processor second is meant, which other programs on the machine do not shorten.
    """
    size = 8192 if on_gpu else 2048
    if is_keras:
        from course_lib.models_keras import keras
        from course_tools.experiments.machine import keras_on

        kind = "bfloat16" if precision == "bfloat16" else "float32"
        with keras_on("auto" if on_gpu else "cpu", precision):
            one = keras.random.uniform((size, size), dtype=kind)

            def product() -> None:
                keras.ops.convert_to_numpy(keras.ops.matmul(one, one)[:1])

            return _best_of_five(product, size, not on_gpu)
    import torch

    from course_lib.training.acceleration import products_in

    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    one = torch.rand(size, size, dtype=kind, device="cuda" if on_gpu else "cpu")
    with products_in(precision):
        return _best_of_five(lambda: (one @ one)[0, 0].item(), size, not on_gpu)


def _best_of_five(product, size: int, per_cpu_second: bool) -> float:
    product()
    times = []
    for _ in range(5):
        clock = Clock()
        for _ in range(10):  # processor time is counted in hundredths of a second
            product()
        rates = clock.rates(10)
        times.append(rates["images_per_cpu_second" if per_cpu_second else "images_per_second"])
    return 2 * size**3 * max(times)


def many_images():
    """uint8 (50000, 32, 32, 3): the sample's training images, repeated."""
    import numpy as np

    from course_lib.data import load_cifar10

    sample = load_cifar10("sample").x_train
    return np.resize(sample, (NUM_IMAGES, *sample.shape[1:]))


def torch_paper(recipe, device: str, precision: str, seconds: float) -> dict[str, float]:
    """PIL images, two workers, one image at a time; the layout and the Adam one gets by default."""
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms
    from torchvision.transforms.functional import rgb_to_grayscale

    from course_lib.models_torch import pick_device
    from course_lib.results import published

    turn = transforms.Compose([transforms.ToTensor(), transforms.RandomRotation(recipe.rotation)])

    class Pictures(Dataset):
        images = [Image.fromarray(array) for array in many_images()]

        def __len__(self):
            return len(self.images)

        def __getitem__(self, index):
            rgb = turn(self.images[index])
            return rgb_to_grayscale(rgb), rgb

    place = pick_device(device)
    model = published.build_model(recipe.name).to(place)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    criterion = torch.nn.MSELoss()
    count, running = 0, 0.0
    loader = DataLoader(Pictures(), recipe.batch_size, shuffle=True, num_workers=2)
    for number, (gray, rgb) in enumerate(loader):
        if number == NUM_WARM_UP:
            clock = Clock()
        gray, rgb = gray.to(place), rgb.to(place)
        optimizer.zero_grad()
        loss = criterion(model(gray), rgb)
        loss.backward()
        optimizer.step()
        running += loss.item()
        if number >= NUM_WARM_UP:
            count += len(rgb)
            if clock.seconds > seconds:
                return clock.rates(count)
    return clock.rates(count)


def torch_ours(recipe, device: str, precision: str, seconds: float) -> dict[str, float]:
    """`fit`, as `course train` calls it."""
    from course_lib import grayscale
    from course_lib.models_torch import pick_device
    from course_lib.results import published
    from course_lib.training import acceleration, torch_loop
    from course_lib.training.record import Options
    from course_tools.experiments.machine import keep_freed_memory

    keep_freed_memory()
    model = published.build_model(recipe.name).to(pick_device(device))
    images = many_images()

    def fit(num_steps: int) -> float:
        record = torch_loop.fit(
            model,
            torch_loop.training_step,
            images[: num_steps * recipe.batch_size],
            images[:16],
            optimizer=acceleration.adam(model, recipe.learning_rate),
            num_epochs=1,
            batch_size=recipe.batch_size,
            rotation=recipe.rotation,
            progress=False,
            options=Options(getattr(grayscale, recipe.gray_weights), precision),
        )
        return record.history[-1]["seconds"]

    return _steady_rate(fit, recipe.batch_size, seconds)


def keras_paper(recipe, device: str, precision: str, seconds: float) -> dict[str, float]:
    """Float32 arrays given to `model.fit`; gray is made before."""
    from course_lib.models_keras import keras
    from course_lib.results import published
    from course_lib.training import keras_loop
    from course_tools.experiments.machine import keras_on

    gray, rgb = keras_loop.gray_and_rgb(many_images())
    with keras_on(device, precision):
        model = published.build_model(recipe.name)
        model.compile(keras.optimizers.Adam(recipe.learning_rate), loss="mse")

        def fit(num_steps: int) -> float:
            part = slice(num_steps * recipe.batch_size)
            start = time.perf_counter()
            model.fit(gray[part], rgb[part], batch_size=recipe.batch_size, verbose=0)
            return time.perf_counter() - start

        return _steady_rate(fit, recipe.batch_size, seconds)


def keras_ours(recipe, device: str, precision: str, seconds: float) -> dict[str, float]:
    """`fit_keras`, compiled as `course train` does."""
    from course_lib.models_keras import keras
    from course_lib.results import published
    from course_lib.training import keras_loop
    from course_tools.experiments.machine import keep_freed_memory, keras_gpu, keras_on

    keep_freed_memory()
    images = many_images()
    on_gpu = device != "cpu" and keras_gpu() is not None
    at_once = keras_loop.steps_at_once(45_000, recipe.batch_size) if on_gpu else 1
    with keras_on(device, precision):
        model = published.build_model(recipe.name)
        model.compile(
            keras.optimizers.Adam(recipe.learning_rate), loss="mse", steps_per_execution=at_once
        )

        def fit(num_steps: int) -> float:
            record = keras_loop.fit_keras(
                model,
                images[: num_steps * recipe.batch_size],
                images[:16],
                num_epochs=1,
                batch_size=recipe.batch_size,
                progress=False,
            )
            return record.history[-1]["seconds"]

        return _steady_rate(fit, recipe.batch_size, seconds, multiple=at_once)


def _steady_rate(fit, batch_size: int, seconds: float, multiple: int = 1) -> dict[str, float]:
    """Images per second and per processor second, over about `seconds` after the first steps.

    Args:
        fit: trains for a number of steps, at most an epoch, and returns the seconds it took.
        multiple: the number of steps is one of this.
    """
    warm_up = -(-NUM_WARM_UP // multiple) * multiple
    fit(warm_up)
    rate = warm_up / fit(warm_up)  # steps per second, roughly
    most = NUM_IMAGES // batch_size // multiple * multiple
    num_steps = min(max(round(rate * seconds / multiple), 1) * multiple, most)
    spent, done, clock = 0.0, 0, Clock()
    while spent < 0.9 * seconds:
        spent += fit(num_steps)
        done += num_steps
    return clock.rates(done * batch_size, spent)


# All of them, in turns


def measure_in_turns(arguments: argparse.Namespace) -> dict[str, dict[str, list[dict]]]:
    """Model -> way -> one result per round. Each measurement starts a fresh process."""
    results: dict[str, dict[str, list[dict]]] = {}
    ways = ["paper", "ours", *(["bfloat16"] if arguments.bfloat16 else [])]
    for number in range(1, arguments.rounds + 1):
        for model in arguments.models:
            for way in ways:
                found = _in_a_process(model, way, arguments)
                results.setdefault(model, {}).setdefault(way, []).append(found)
                print(
                    f"round {number}  {model}  {way:9}{found['images_per_second']:10,.1f} images/s"
                    f"{found['product_gflops']:10,.0f} GFLOP/s in a product  {found['where']}",
                    flush=True,
                )
    return results


def _in_a_process(model: str, way: str, arguments: argparse.Namespace) -> dict:
    command = [sys.executable, str(HERE), "--measure", model, way]
    command += ["--device", arguments.device, "--seconds", str(arguments.seconds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{model}, {way} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def summarise(ways: dict[str, list[dict]]) -> dict[str, dict]:
    """Way -> medians over the rounds; the ratio is taken round by round, of neighbours in time."""
    summary = {}
    for way, found in ways.items():
        ratios = [
            one["images_per_second"] / paper["images_per_second"]
            for one, paper in zip(found, ways["paper"], strict=True)
        ]
        summary[way] = {
            "images_per_second": statistics.median(x["images_per_second"] for x in found),
            "images_per_cpu_second": statistics.median(x["images_per_cpu_second"] for x in found),
            "ratio": statistics.median(ratios),
            "share_of_product": statistics.median(x["share_of_product"] for x in found),
            "product_gflops": statistics.median(x["product_gflops"] for x in found),
            "peak_mb": max(x["peak_mb"] for x in found),
            "peak_gpu_mb": max((x["peak_gpu_mb"] or 0 for x in found), default=0) or None,
            "precision": found[0]["precision"],
        }
    return summary


def aims(summary: dict, on_gpu: bool) -> list[str]:
    """Which of the aims a way of training meets."""
    least = AIM_RATIO["gpu" if on_gpu else "cpu"]
    met = [f"{least:g} times the paper's way"] if summary["ratio"] >= least else []
    share = summary["share_of_product"] >= AIM_SHARE
    return met + ([f"{AIM_SHARE:.0%} of a matrix product"] if share else [])


def table(models: dict[str, dict[str, dict]], on_gpu: bool) -> str:
    header = f"{'model':6}{'way':10}{'precision':11}{'images/s':>10}{'ratio':>7}{'per CPU s':>11}"
    lines = [f"{header}{'of product':>12}{'peak MB':>9}  aims met"]
    for model, ways in models.items():
        for way, x in ways.items():
            met = "" if way == "paper" else ", ".join(aims(x, on_gpu)) or "none"
            lines.append(
                f"{model:6}{way:10}{x['precision']:11}{x['images_per_second']:10,.1f}"
                f"{x['ratio']:7.2f}{x['images_per_cpu_second']:11,.1f}{x['share_of_product']:12.0%}"
                f"{x['peak_mb']:9,.0f}  {met}"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=list(NAMES), default=list(NAMES))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--no-bfloat16", dest="bfloat16", action="store_false")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure, arguments.device, arguments.seconds)))
        return
    results = measure_in_turns(arguments)
    first = next(iter(results.values()))["ours"][0]
    models = {model: summarise(ways) for model, ways in results.items()}
    print(f"\n{table(models, first['on_gpu'])}\n")
    if "tensorflow" not in first["versions"]:
        print("TensorFlow is not installed; A ran on the other backend of Keras that is named.")
    for ways in models.values():
        for x in ways.values():
            x["aims_met"] = aims(x, first["on_gpu"])
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": sorted({found["ours"][0]["where"] for found in results.values()}),
        "load_average": os.getloadavg()[0],
        "versions": first["versions"],
        "rounds": arguments.rounds,
        "models": models,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
