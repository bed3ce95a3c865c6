"""What makes a PyTorch training step fast and leaves the step itself as it is written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from course_lib.profiles import check_precision

NUM_WARM_UP = 3  # calls before a CUDA graph is recorded


class InBfloat16(nn.Module):
    """A model that computes its products in bfloat16. Its weights, input and output are float32."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        """What the model makes of `x`, as float32."""
        with torch.autocast(x.device.type, torch.bfloat16):
            result: Tensor = self.model(x).float()
        return result


@contextmanager
def products_in(precision: str) -> Iterator[None]:
    """Let NVIDIA GPUs round the factors of float32 products to tf32, or not, inside the block.

    cuDNN also tries which way of computing a convolution is fastest here, and takes that one.

    Raises:
        CourseError: the precision is unknown, see `profiles.PRECISIONS`.
    """
    check_precision(precision)
    cudnn = torch.backends.cudnn
    before = torch.get_float32_matmul_precision(), cudnn.allow_tf32, cudnn.benchmark
    torch.set_float32_matmul_precision("highest" if precision == "float32" else "high")
    cudnn.allow_tf32 = precision != "float32"
    cudnn.benchmark = True
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        cudnn.allow_tf32, cudnn.benchmark = before[1:]


def adam(model: nn.Module, learning_rate: float) -> torch.optim.Adam:
    """PyTorch's Adam with all weights updated by one kernel, and on a GPU fit for a CUDA graph.

    It computes what plain `torch.optim.Adam` does, up to rounding.
    """
    on_gpu = next(model.parameters()).is_cuda
    return torch.optim.Adam(model.parameters(), learning_rate, fused=True, capturable=on_gpu)


def fits_a_graph(optimizer: torch.optim.Optimizer) -> bool:
    """Whether the optimizer's step can be recorded as a CUDA graph."""
    groups = optimizer.param_groups
    return all(
        group.get("capturable") and parameter.is_cuda
        for group in groups
        for parameter in group["params"]
    )


def replayed(function: Callable[..., None]) -> Callable[..., None]:
    """`function`, recorded as a CUDA graph in its fourth call, and from then on replayed.

    A step with a small batch spends most of its time launching one kernel after the other. A
    replay launches them all at once. The first calls are plain ones, and so is every call whose
    arguments have other shapes, such as the last batch of an epoch.

    Args:
        function: of CUDA tensors that lie in the same place as long as it is used, but for its
            arguments, which are copied; it must not read numbers back from the GPU.
    """
    stream = torch.cuda.Stream()
    graph = torch.cuda.CUDAGraph()
    static: list[Tensor] = []  # the arguments that the graph reads
    num_calls = 0

    def call(*arguments: Tensor) -> None:
        nonlocal num_calls
        num_calls += 1
        if num_calls <= NUM_WARM_UP:
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                function(*arguments)
            torch.cuda.current_stream().wait_stream(stream)
            return
        if not static:
            static.extend(argument.clone() for argument in arguments)
            with torch.cuda.graph(graph):  # records, and computes nothing
                function(*static)
        if [a.shape for a in arguments] != [s.shape for s in static]:
            function(*arguments)
            return
        for place, argument in zip(static, arguments, strict=True):
            place.copy_(argument)
        graph.replay()

    return call
