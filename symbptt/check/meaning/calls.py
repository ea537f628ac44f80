"""Functions applied: activations and their slopes, softmax and its Jacobian, ``diag``, ``outer``.

Each function takes first the :class:`Meaning` that says how formulas are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from symbptt.check.meaning import norms
from symbptt.check.meaning.pairs import times
from symbptt.check.meaning.products import transposed
from symbptt.check.meaning.tensors import Matrix, ShapeClashError, Value, identity, odot
from symbptt.check.notation.quantities import Place
from symbptt.check.notation.scripts import Steps
from symbptt.check.notation.symbols import UnknownError
from symbptt.evidence import atoms
from symbptt.evidence.residues import Residues
from symbptt.formula.tree import Node, Symbol
from symbptt.model import terms as tm
from symbptt.model.functions import ACTIVATIONS, VECTOR_FUNCTIONS, canonical
from symbptt.model.names import Naming

if TYPE_CHECKING:
    from symbptt.check.meaning.meaning import Meaning


def called(
    m: Meaning, node: Node, function: Symbol, arguments: Sequence[Node], steps: Steps
) -> Value:
    """``f(x)``; ``f'(x)`` is the slope at each entry, or the Jacobian of a function of vectors."""
    name = Naming("").read(replace(function, primes=0))[0]
    if not function.primes:
        if name in STRUCTURAL:
            count, apply = STRUCTURAL[name]
            if count not in (None, len(arguments)):
                raise UnknownError(f"{name} of {len(arguments)} arguments is not read here", node)
            return apply(m, *(m.value(a, steps) for a in arguments))
        meant = m.scope.meant(function)
        if meant is not None and meant.kind == "loss":
            place = m.place(node, steps)
            assert place is not None
            return m.value_at(place)
        if len(arguments) == 1 and name not in m.world.functions:
            if name in norms.SPECTRA and f"{name}()" not in m.scope.aliases:
                return norms.whole(m, norms.SPECTRA[name], m.matrix(arguments[0], steps))
            letter = norms.extreme_over(function)
            if letter is not None:
                kind = norms.EXTREMES[function.base]
                return norms.extreme(m, kind, letter, arguments[0], steps)
    if len(arguments) != 1 or function.primes > 1:
        raise UnknownError(f"the function {name} is not read here", node)
    known = canonical(name) or name
    inner = _argument_behind(m, known, arguments[0], steps) if function.primes else None
    if function.primes and inner is None:
        inner = _argument_at(m, known, arguments[0], steps)
    z = m.world.value(inner) if inner else Residues(m.matrix(arguments[0], steps).array)
    if known in VECTOR_FUNCTIONS:
        value, change = atoms.VECTOR_FUNCTIONS[known]
        return _jacobian(m, change, z) if function.primes else Matrix(value(m.world.A, z).array)
    f = _activation(m, known, node)
    apply = atoms.derivative if function.primes else atoms.value
    return Matrix(apply(m.world.A, f, z).array)


def _argument_behind(m: Meaning, f: str, x: Node, steps: Steps) -> Place | None:
    """Where f gives what stands there, and ``f'(h_t)`` is its slope: the argument of f."""
    place = m.place(x, steps) if m.convention.slopes_by_value else None
    if place is None or place.name not in m.world.model.order:
        return None
    match m.world.model.equation(place.name).rhs:
        case tm.Mapped(function, tm.Ref(name, tm.Index("t", 0))) if function == f:
            return replace(place, name=name)
    return None


def _argument_at(m: Meaning, f: str, letter: Node, steps: Steps) -> Place | None:
    """The argument of f at the step that ``f'(t)`` names, where one equation alone applies f."""
    if not isinstance(letter, Symbol) or letter != Symbol(letter.base):
        return None
    if letter.base not in steps or m.place(letter, steps) is not None:
        return None
    applied = [
        e.rhs.operand for e in m.world.model.equations
        if isinstance(e.rhs, tm.Mapped) and e.rhs.function == f
    ]  # fmt: skip
    match applied:
        case [tm.Ref(name, tm.Index("t", 0))]:
            return Place(name, steps[letter.base])
    raise UnknownError(f"the slope of {f} at a step is not read here", letter)


def _activation(m: Meaning, name: str, node: Node) -> str:
    """The function that a document means: ``f`` may be the model's one activation."""
    if name in ACTIVATIONS or name in m.world.functions:
        return name
    alias = m.scope.aliases.get(f"{name}()")
    if alias is not None:
        return alias
    raise UnknownError(f"the function {name} is not known", node, f"{name}()")


def _jacobian(m: Meaning, change: Callable[..., Residues], z: Residues) -> Matrix:
    """The Jacobian of a function of vectors, column by column."""
    n = z.array.size
    columns = []
    for i in range(n):
        unit = np.zeros(n, dtype=object)
        unit[i] = 1
        tangent = Residues(unit.reshape(1, *z.array.shape))
        columns.append(change(m.world.A, z, tangent).array.reshape(-1))
    return Matrix(np.array(columns, dtype=object).T)


def _diag(m: Meaning, x: Value) -> Matrix:
    """The diagonal matrix of a vector."""
    v = m.laid_out(x)
    if 1 not in v.size:
        raise ShapeClashError("diag of what is no vector")
    return Matrix(np.diag(v.array.reshape(-1)))


def _vec(m: Meaning, x: Value) -> Matrix:
    """The columns of a matrix, one below another."""
    return Matrix(m.laid_out(x).array.T.reshape(-1, 1))


def _square(m: Meaning, x: Value) -> Matrix:
    return odot(m.laid_out(x), m.laid_out(x))


def _matmul(m: Meaning, a: Value, b: Value) -> Value:
    return times(m, "matrix", a, b)


def _block(m: Meaning, which: Value, weight: Value, *parts: Value) -> Matrix:
    """The columns of W that meet one of the parts of a stacked column, or the rows that meet one
    of a stacked row."""
    k, w = int(m.laid_out(which).array[0, 0]), m.laid_out(weight).array
    sizes = [m.laid_out(x).size for x in parts]
    ends = [sum(max(size) for size in sizes[:i]) for i in (k, k + 1)]
    is_row = any(size[0] == 1 < size[1] for size in sizes)
    return Matrix(w[slice(*ends), :] if is_row else w[:, slice(*ends)])


#: The functions that rearrange and multiply, by the names that programs and papers have for them,
#: each with how many arguments it has; None is any number.
STRUCTURAL: Mapping[str, tuple[int | None, Callable[..., Value]]] = {
    "diag": (1, _diag),
    "vec": (1, _vec),
    "eye": (1, lambda m, x: identity(m.laid_out(x).size[0])),
    "block": (None, _block),
    "Diag": (1, _diag),
    "transpose": (1, lambda m, x: transposed(x)),
    "matmul": (2, _matmul),
    "dot": (2, _matmul),
    "prod": (None, lambda m, *x: reduce(lambda a, b: times(m, "matrix", a, b), x)),
    "outer": (2, lambda m, a, b: times(m, "outer", a, b)),
    "multiply": (2, lambda m, a, b: times(m, "entrywise", a, b)),
    "squared": (1, _square),
    "square": (1, _square),
}
