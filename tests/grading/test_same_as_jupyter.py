"""What a check says in a real Jupyter kernel, and what grading says, is the same."""

import pytest
from jupyter_client.manager import start_new_kernel

import classroom
import needs
from course_tools.grading.marking import grade_one, judge
from course_tools.grading.sandbox.protocol import SandboxLimits

pytestmark = needs.sandbox
NUMPY = "import numpy as np\nfrom course_lib import checks"
RIGHT = "0.299 * red + 0.587 * green + 0.114 * blue"


@pytest.fixture(scope="module")
def client():
    """A kernel as JupyterLab starts it."""
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def in_jupyter(client, notebook):
    """Exercise -> whether its check says ok, all cells run in order in a kernel that is empty."""
    said = {}
    client.execute_interactive("%reset -f", timeout=60, output_hook=lambda message: None)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        printed = []

        def keep(message, printed=printed):
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        client.execute_interactive(
            cell.source, timeout=120, output_hook=keep, stop_on_error=False, allow_stdin=False
        )
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if grade_id.startswith("check-"):
            name = grade_id.removeprefix("check-").replace("-", "_")
            said[name] = "".join(printed).startswith("ok ")
    return said


def in_grading(notebook, number="01"):
    content = classroom.content(notebook)
    chosen = classroom.assignment.from_notebook(f"{number}_lesson", classroom.solved(number))
    if number == "01":
        chosen = classroom.quick_assignment()
    task = grade_one.GradingTask(
        "ann", chosen, judge.Tests(number, seed=7), content, limits=SandboxLimits()
    )
    result = grade_one.grade(task)
    assert result.status == "graded", result.remark
    return {each.name: each.outcome == "right" for each in result.exercises}, result


def pixel(*lines, head="def gray_pixel(red, green, blue):"):
    return "\n".join([*lines[:-1], head, f"    {lines[-1]}"])


def notebook(added=(), behind=(), **answers):
    """Our answers, with cells in front of the first exercise and behind the first check."""
    made = classroom.quick(**answers)
    classroom.cell_of(made, "needed").source = "import numpy as np"
    place = made.cells.index(classroom.cell_of(made, "check-gray-pixel"))
    for source in reversed(behind):
        classroom.own_cell(made, source, place + 1)
    for source in reversed(added):
        classroom.own_cell(made, source, 2)
    return made


USES_HELPER = pixel(f"return helper({RIGHT})")
MAGICS = [
    "%matplotlib inline",
    "%matplotlib notebook",
    "%pylab inline",
    "%autosave 120",
    "%clear",
    "%load_ext autoreload\n%autoreload 2",
    "%config InlineBackend.figure_format = 'retina'",
    "%precision 3",
    "!true",
    "%env A=1",
    "?print",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()\ndisplay(figure)",
    "import asyncio\nawait asyncio.sleep(0)",
    "import asyncio\ntask = asyncio.create_task(asyncio.sleep(0))\nawait task",
    "import asyncio\nloop = asyncio.get_running_loop()",
    "from IPython.display import Markdown, clear_output\nclear_output()\ndisplay(Markdown('x'))",
    "from tqdm.auto import tqdm\nfor _ in tqdm(range(2)): pass",
    "import sys\nsys.stdout.flush(); assert sys.stdout.encoding.upper() == 'UTF-8'",
    "assert get_ipython().__class__.__name__ == 'ZMQInteractiveShell'",
    "from course_lib import checks\ndef blank(gray): raise NotImplementedError\n"
    "checks.check('01.to_bytes', blank)",
]
HALF = "\nhalf = 0.5"
CASES = {
    "time": notebook(gray_pixel="%%time\n" + pixel(f"return {RIGHT}")),
    "capture": notebook(gray_pixel="%%capture out\n" + pixel(f"return {RIGHT}")),
    "last-value": notebook(["3"], gray_pixel=pixel("three = _", f"return three / 3 * ({RIGHT})")),
    "numbered": notebook(["x = 3", "x"], gray_pixel=pixel("x = Out.copy()", f"return {RIGHT}")),
    "helper-redefined": notebook(
        ["def helper(x): return x"], ["def helper(x): return 0"], gray_pixel=USES_HELPER
    ),
    "helper-deleted": notebook(["def helper(x): return x"], ["del helper"], gray_pixel=USES_HELPER),
    "changed-in-place": notebook(
        ["weights = [0.299, 0.587, 0.114]"],
        ["weights[0] = 9"],
        gray_pixel=pixel("return weights[0] * red + weights[1] * green + weights[2] * blue"),
    ),
    "name-reused": notebook(behind=["gray_pixel = gray_pixel(0.1, 0.2, 0.3)"]),
    "module-reused": notebook(
        behind=["np = None"],
        gray_pixel=pixel("return np.dot([red, green, blue], W)").replace(
            "def", "W = [0.299, 0.587, 0.114]\ndef"
        ),
        gray_batch="import numpy as np\n"
        + classroom.cell_of(classroom.quick(), "gray_batch").source,
    ),
    "fraction": notebook(
        gray_pixel=pixel("from fractions import Fraction as F", f"return F({RIGHT})")
    ),
    "decimal": notebook(
        gray_pixel=pixel("from decimal import Decimal", f"return Decimal({RIGHT})")
    ),
    "complex": notebook(gray_pixel=pixel(f"return complex({RIGHT})")),
    "text": notebook(gray_pixel=pixel(f"return str({RIGHT})")),
    "tensor": notebook(
        gray_pixel=pixel("import torch", f"return torch.tensor({RIGHT}, requires_grad=True)")
    ),
    "keras": notebook(
        gray_pixel=pixel("from keras import ops", f"return ops.convert_to_tensor({RIGHT})")
    ),
    "one-number-in-a-list": notebook(gray_pixel=pixel(f"return [{RIGHT}]")),
    "generator": notebook(gray_pixel=pixel(f"return (one for one in [{RIGHT}])")),
    "global-numpy": notebook(
        gray_pixel=pixel("W = np.array([0.299, 0.587, 0.114])", "return W @ [red, green, blue]")
    ),
    "lambda": notebook(gray_pixel=f"gray_pixel = lambda red, green, blue: {RIGHT}"),
    "wrong": notebook(gray_pixel=pixel("return red")),
    "raises": notebook(gray_pixel=pixel("return 1 / 0")),
    "syntax": notebook(gray_pixel="def gray_pixel(red"),
    "blank": notebook(gray_pixel=pixel("raise NotImplementedError")),
    "running-loop": notebook(
        gray_pixel=pixel("import asyncio", f"asyncio.get_running_loop(); return {RIGHT}")
    ),
    **{
        magic: notebook([magic + HALF], gray_pixel=pixel(f"return 2 * half * ({RIGHT})"))
        for magic in MAGICS
    },
}


@pytest.mark.parametrize("name", CASES)
def test_grading_says_what_the_check_says(client, name):
    made = CASES[name]
    kernel = classroom.nbformat.from_dict(made)
    kernel.cells[1:1] = [classroom.nbformat.v4.new_code_cell(NUMPY)]
    said = in_jupyter(client, kernel)
    graded, result = in_grading(made)
    assert graded == said, {each.name: each.sentence for each in result.exercises}


def test_a_cell_that_stands_too_late_costs_nothing():
    """A student may have run it first; from top to bottom the check fails."""
    made = notebook(behind=["def helper(x): return x"], gray_pixel=USES_HELPER)
    graded, _ = in_grading(made)
    assert all(graded.values())
