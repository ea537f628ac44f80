"""The backend ``numba``: loops over single numbers in Python, which Numba compiles."""

from __future__ import annotations

from symbptt.calculus import Derivation
from symbptt.compile.called_module import CALLED_WORDS, called_facts, kept_folder
from symbptt.compile.extras import needed
from symbptt.compile.function import GradientFunction
from symbptt.compile.loader import load_module
from symbptt.compile.loop_writer import LoopWriter
from symbptt.compile.numba_language import NumbaLanguage, numba_source
from symbptt.compile.numpy_module import TAKEN
from symbptt.compile.plan import plan
from symbptt.compile.scalar_functions import OWN
from symbptt.files import write_whole
from symbptt.model.functions import ACTIVATIONS
from symbptt.templating import fill

#: Variables and functions of the template: no symbol of a model gets these names.
_WORDS = """
r i j B real at one memory computed zero start copy transpose add_product add_row njit
FAST EXACT CALLED ROWS exp_parts exp_parts_32 exp_parts_64 exp_range exps uintp threading
min max abs add_symbol types get_cython_function_address overload gemm external PLACES sgemm dgemm
EXP_RANGE gemm_of exp_parts_of exp_range_of
Workspace workspaces working
"""

#: Functions of vectors and of two numbers; what is not called is not printed.
FUNCTIONS: dict[str, str] = {
    "square": "def square_(real, z):\n    return z * z",
    "sqrt": "def sqrt_(real, z):\n    return math.sqrt(z)",
    "power": "def power_(real, z, p):\n    return z**p",
    "times_log": '''def times_log_(real, a, p):
    """a log(p), and 0 where a is 0, whatever p is there."""
    return real(0) if a == 0 else a * math.log(p)''',
    "softmax": '''def softmax_(memory, n, z, y):
    total = exps(memory, n, z, y)[1]
    for i in range(n):
        memory[at(y + i)] /= total''',
    "log_softmax": '''def log_softmax_(memory, n, z, y):
    largest, total = exps(memory, n, z, y)
    largest += math.log(total)
    for i in range(n):
        memory[at(y + i)] = memory[at(z + i)] - largest''',
    "exps": '''def exps(memory, n, z, y):
    """exp(z_i - max z) to y; the largest z, and the sum."""
    real = memory.dtype.type
    largest, total = memory[z], real(0)
    for i in range(1, n):
        largest = max(largest, memory[at(z + i)])
    for i in range(n):
        memory[at(y + i)] = exp_(real, memory[at(z + i)] - largest)
    for i in range(n):
        total += memory[at(y + i)]
    return largest, total''',
}  # fmt: skip

#: Functions of arrays; what is not called is not printed.
HELPERS = ("zero", "start", "copy", "transpose")

#: What a function calls that is printed with it.
_CALLS = {"softmax": ("exps",), "log_softmax": ("exps",)}

TAKEN_NUMBA = (
    *TAKEN,
    *_WORDS.split(),
    *CALLED_WORDS,
    *(f"{name}{'_prime' * n}_" for name in {*OWN, *FUNCTIONS, *ACTIVATIONS} for n in range(3)),
)


def compile_numba(derivation: Derivation, T: int | None = None) -> GradientFunction:
    """The derivation as a function that Numba compiles at its first call, once for the user."""
    needed("numba", "Numba and SciPy", "numba", "scipy")
    source = numba_module(derivation, T=T)
    path = kept_folder("numba", source) / "gradient.py"
    if not path.exists():  # Numba compiles anew what is newer than what it keeps
        write_whole(path, source)
    module = load_module(source, "numba", path)
    run = module.loss_and_gradients
    return GradientFunction(derivation.model, "numba", source, T, run, module.ArrayError)


def numba_module(derivation: Derivation, version: str = "", T: int | None = None) -> str:
    """The text of a module that computes the loss and its gradients with Numba."""
    found, schedule = plan(derivation)
    writer = LoopWriter(schedule, derivation.model, found.packs, NumbaLanguage(), TAKEN_NUMBA)
    body = list(writer.language.lines(writer.body()))
    workspace = writer.workspace()
    facts, called = called_facts(writer, T, writer.sizes), writer.loops.entries.called
    given = writer.lying(g.key for g in writer.given)
    outs = writer.lying(writer.outputs)
    arrays = {**writer.arrays, **writer.variables}
    names = dict.fromkeys(f for name in called for f in (*_CALLS.get(name, ()), name))
    return fill("compiled/numba.py.j2", {
        **facts, "version": f" {version}" if version else "", "body": body,
        "variables": ["T", "B", *writer.sizes.values()],
        "given": [(arrays[key], writer.count_of_array(key)) for key in given],
        "outs": [(arrays[f"∂{key}"], writer.count_of_array(key)) for key in outs],
        "workspace": list(workspace.items()),
        "helpers": {name for name in HELPERS if any(f"{name}(memory" in line for line in body)},
        "functions": [_function(name) for name in names if name not in OWN],
    })  # fmt: skip


def _function(name: str) -> str:
    return f"@njit(**FAST)\n{FUNCTIONS[name]}" if name in FUNCTIONS else numba_source(name)
