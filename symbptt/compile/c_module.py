"""The backend ``c``: a loop over t as one C99 file and its header, for any T and batch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbptt.calculus import Derivation
from symbptt.compile.called_module import CALLED_WORDS, called_facts, kept_folder
from symbptt.compile.code import dimension_name
from symbptt.compile.function import Arrays, GradientFunction
from symbptt.compile.identifiers import Names, ascii_name, step_label
from symbptt.compile.languages import Language, within_comment
from symbptt.compile.loader import load_module
from symbptt.compile.loop_writer import LoopWriter
from symbptt.compile.numpy_writer import WIDTH
from symbptt.compile.plan import plan
from symbptt.compile.quoting import quoted, quoted_lines
from symbptt.compile.scalar_functions import OWN, c_source
from symbptt.errors import RequestError
from symbptt.files import write_whole
from symbptt.model import Model, Role, initial_key
from symbptt.model.functions import ACTIVATIONS
from symbptt.model.terms import Dim, put_in
from symbptt.templating import fill

#: Words that no symbol may have as its name in C: those of the language, whatever its year, of its
#: library, and of the template.
_WORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void
volatile while asm fortran typeof typeof_unqual alignas alignof bool constexpr false nullptr
static_assert thread_local true unix linux main printf exp tanh log sin cos sqrt pow fabs erf gamma
y0 y1 yn j0 j1 jn memcpy memset size_t NULL INFINITY
max min
real bits lanes sizes given gradients workspace all loss t r i j T B zero start copy transpose load
save row_product block_product panel_product add_product exp_parts series MATH GEMM BYTES LANES ROWS
COLUMNS DEPTH HEIGHT SHIFT EXPONENT BIAS LN2_HIGH LN2_LOW EXP_MAX EXP_MIN TANH_MAX
"""

#: Functions of vectors and of two numbers, as C; what is not called is not printed.
FUNCTIONS: dict[str, str] = {
    "square": "static inline real square_(real z) { return z * z; }",
    "sqrt": "static inline real sqrt_(real z) { return MATH(sqrt)(z); }",
    "power": "static inline real power_(real z, real p) { return MATH(pow)(z, p); }",
    "times_log": """/* a log(p), and 0 where a is 0, whatever p is there. */
static inline real times_log_(real a, real p)
{
    return a == 0 ? 0 : a * MATH(log)(p);
}""",
    "softmax": """static void softmax_(long n, const real *z, real *y)
{
    real largest = z[0], sum = 0;
    for (long i = 1; i < n; i++)
        largest = z[i] > largest ? z[i] : largest;
    for (long i = 0; i < n; i++)
        y[i] = exp_(z[i] - largest);
    for (long i = 0; i < n; i++)
        sum += y[i];
    for (long i = 0; i < n; i++)
        y[i] /= sum;
}""",
    "log_softmax": """static void log_softmax_(long n, const real *z, real *y)
{
    real largest = z[0], sum = 0;
    for (long i = 1; i < n; i++)
        largest = z[i] > largest ? z[i] : largest;
    for (long i = 0; i < n; i++)
        y[i] = exp_(z[i] - largest);
    for (long i = 0; i < n; i++)
        sum += y[i];
    largest += MATH(log)(sum);
    for (long i = 0; i < n; i++)
        y[i] = z[i] - largest;
}""",
}

#: No variable is called as a function of the printed file is, or a word above.
TAKEN_C = (
    *_WORDS.split(),
    *(f"{name}{'_prime' * n}_" for name in {*OWN, *FUNCTIONS, *ACTIVATIONS} for n in range(3)),
)


@dataclass(frozen=True)
class CSource:
    """A header and what it declares; ``prefix`` begins the names of both."""

    prefix: str
    header: str
    code: str
    wrapper: str


def compile_c(derivation: Derivation, T: int | None = None) -> GradientFunction:
    """The derivation as a function that calls compiled C."""
    source = c_module(derivation, T=T)
    folder = kept(source)
    module = load_module(source.wrapper, source.prefix)
    module.__dict__["FOLDER"] = folder

    def called(params: Arrays, inputs: Arrays) -> tuple[Any, dict[str, Any]]:
        try:
            found: tuple[Any, dict[str, Any]] = module.loss_and_gradients(params, inputs)
        except module.LibraryError as error:
            raise RequestError(str(error)) from None
        return found

    return GradientFunction(derivation.model, "c", source.code, T, called, module.ArrayError)


def kept(source: CSource) -> Path:
    """A folder of the user's cache with the source, where its wrapper finds it."""
    folder = kept_folder(source.prefix, source.header + source.code)
    for suffix, text in ((".h", source.header), (".c", source.code)):
        write_whole(folder / f"{source.prefix}{suffix}", text)
    return folder


def c_files(derivation: Derivation, version: str, name: str) -> dict[str, str]:
    """The files of the backend by their suffixes; ``name`` is what they are called."""
    source = c_module(derivation, version, name=name)
    return {".c": source.code, ".h": source.header, ".py": source.wrapper}


def c_module(
    derivation: Derivation, version: str = "", T: int | None = None, name: str = ""
) -> CSource:
    """The loss and its gradients as C99; ``name`` is what its files are called."""
    found, schedule = plan(derivation)
    model = derivation.model
    prefix = prefix_of(name or model.name)
    writer = LoopWriter(schedule, model, found.packs, Language(), TAKEN_C)
    body = list(writer.language.lines(writer.body()))
    workspace = writer.workspace()
    said = {
        "title": [within_comment(line) for line in _title(model)],
        "equations": [
            within_comment(line)
            for line in quoted_lines(f"{model.text}\n{model.loss_text}", WIDTH - 8)
        ],
        "name": within_comment(quoted(model.name)),
        "version": f" {version}" if version else "",
        "prefix": prefix,
        "upper": prefix.upper(),
        "penalties": bool(model.penalties),
    }
    used = {w for c in workspace.values() for w in re.findall(r"\w+", c)}
    words = set(re.findall(r"\w+", re.sub(r"/\*.*?\*/", "", "\n".join(body), flags=re.DOTALL)))
    variables = {"T": "T", "B": "B"}
    variables |= {dimension_name(size): v for size, v in writer.sizes.items()}
    fields = field_names(variables)
    sizes = {v: f"const long {v} = sizes->{fields[size]};" for size, v in variables.items()}
    names = [line for v, line in sizes.items() if v in words | used]
    given = writer.given
    outs, arrays = writer.outputs, field_names(g.key for g in given)
    names += [
        f"const real *{g.variable} = given->{arrays[g.key]};" for g in given
        if g.variable in words
    ]  # fmt: skip
    names += [f"real *{v} = gradients->{arrays[key]};" for key, v in outs.items()]
    code = fill("compiled/c.c.j2", {
        **said, "body": body, "workspace": workspace, "names": names,
        "sizes": [line for v, line in sizes.items() if v in used],
        "functions": functions(writer.loops.entries.called),
    })  # fmt: skip
    meanings = {"T": "steps", "B": "samples"}
    dims: dict[str, Dim] = {size: fields[dimension_name(size)] for size in writer.sizes}
    header = fill("compiled/c.h.j2", {
        **said,
        "sizes": [(field, meanings.get(size, "")) for size, field in fields.items()],
        "given": [(arrays[g.key], shape_of(model, g.key, dims)) for g in given],
        "gradients": [(arrays[key], shape_of(model, key, dims)) for key in outs],
    })  # fmt: skip
    return CSource(prefix, header, code, wrapper(writer, said, T))


def wrapper(writer: LoopWriter, said: dict[str, object], T: int | None) -> str:
    """The Python module that calls the library."""
    free = Names(CALLED_WORDS)
    sizes = {d: free.new(dimension_name(d)) for d in writer.public.dimensions}
    return fill("compiled/c_wrapper.py.j2", {**said, **called_facts(writer, T, sizes)})


def functions(called: list[str]) -> list[str]:
    names = [name for name in dict.fromkeys(called) if name not in OWN]
    return [FUNCTIONS.get(name) or c_source(name) for name in names]


def prefix_of(name: str) -> str:
    """What the names of a model's functions and types begin with."""
    text = re.sub(r"\W+", "_", ascii_name(name)).strip("_")
    return text if text and not text[0].isdigit() else f"model_{text}".rstrip("_")


def field_names(keys: Iterable[str]) -> dict[str, str]:
    """Arrays, or sizes, as fields of one struct: no two alike, and none a word of C.

    >>> field_names(["int", "h_-1", "φ", "phi"])
    {'int': 'int_', 'h_-1': 'h_m1', 'φ': 'phi', 'phi': 'phi_'}
    """
    found: dict[str, str] = {}
    taken = {*TAKEN_C} - {"T", "B"}
    for key in keys:
        name = ascii_name(step_label(key))
        while name in taken:
            name += "_"
        taken.add(name)
        found[key] = name
    return found


def shape_of(model: Model, key: str, sizes: Mapping[str, Dim]) -> str:
    """What the array of a key is, in words of its shape, with the field of each size."""
    variables = {initial_key(v.name, s): v for v, s in model.initial_values}
    v = model.variables.get(key) or variables[key]
    lead = ["B"] if key in variables else [] if v.timeless else ["T", "B"]
    shown = [*lead, *(str(put_in(d, sizes)) for d in v.shape if d != 1)] or ["1"]
    return " x ".join(shown) + (", hyperparameter" if v.role is Role.HYPERPARAMETER else "")


def _title(model: Model) -> list[str]:
    return quoted_lines((model.title or f"The model {model.name}").rstrip(".") + ".", WIDTH - 6)
