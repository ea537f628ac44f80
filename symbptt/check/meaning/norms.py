r"""Norms, and what else is a number that depends on a matrix as a whole.

``‖x‖`` of a vector is Euclidean, of a matrix the spectral norm, unless a subscript or the
convention says otherwise; ``|x|`` is that of a number.  Each is a row of ``NORMS``.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from symbptt.check.meaning.entries import extent
from symbptt.check.meaning.tensors import (
    Derivative,
    Matrix,
    ShapeClashError,
    identity,
    matmul,
    number,
)
from symbptt.check.notation.quantities import MissingError
from symbptt.check.notation.scripts import Steps
from symbptt.check.notation.symbols import UnknownError
from symbptt.evidence.residues import P, Residues
from symbptt.formula.tree import Call, Group, Node, Subscripted, Symbol
from symbptt.model.names import Naming

if TYPE_CHECKING:
    from symbptt.check.meaning.meaning import Meaning

Floats = npt.NDArray[np.float64]


def _vector_or(order: float, x: Floats) -> float:
    return float(np.linalg.norm(x.reshape(-1) if 1 in x.shape else x, order))


#: What each is worth in floating point.
NORMS: dict[str, Callable[[Floats], float]] = {
    "absolute value": lambda x: float(abs(x[0, 0])),
    "spectral norm": lambda x: _vector_or(2, x),
    "Frobenius norm": lambda x: float(np.linalg.norm(x)),
    "1-norm": lambda x: _vector_or(1, x),
    "∞-norm": lambda x: _vector_or(np.inf, x),
    "spectral radius": lambda x: float(abs(np.linalg.eigvals(x)).max()),
    "smallest singular value": lambda x: float(np.linalg.svd(x, compute_uv=False).min()),
    "largest": lambda x: float(x.max()),
    "smallest": lambda x: float(x.min()),
}
#: The subscripts of norms.
SUBSCRIPTS = {
    "2": "spectral norm", "op": "spectral norm", "sigma": "spectral norm",
    "F": "Frobenius norm", "Fro": "Frobenius norm", "fro": "Frobenius norm", "1": "1-norm",
    "infinity": "∞-norm",
}  # fmt: skip
#: What a norm without a subscript may be; the first is the standard.
UNNAMED = ("spectral norm", "Frobenius norm", "∞-norm", "1-norm")
#: Functions of matrices, by the names that papers have for them.
SPECTRA = {
    "sigma_max": "spectral norm", "sigma_1": "spectral norm", "s_max": "spectral norm",
    "sigma_min": "smallest singular value", "lambda_max": "spectral radius",
    "lambda_1": "spectral radius", "rho": "spectral radius", "sr": "spectral radius",
}  # fmt: skip
#: The letters that these names begin with.
OF_SPECTRA = frozenset(name.partition("_")[0] for name in SPECTRA)
#: The extremes over steps that a formula takes.
EXTREMES = {"max": "largest", "sup": "largest", "min": "smallest", "inf": "smallest"}


def named(node: Node, functions: frozenset[str]) -> bool:
    """Whether a symbol is the name of a function of matrices: ``σ_max``, ``ρ``."""
    if not isinstance(node, Symbol) or node.primes or node.base in functions:
        return False
    return Naming("").read(node)[0] in SPECTRA


def norms_in(node: Node) -> list[str]:
    """The norms that a formula writes; an empty one has no subscript."""
    found: list[str] = []
    for n in node.walk():
        match n:
            case Subscripted(Group("‖" | "|"), (part,)):
                found.append(SUBSCRIPTS.get(_script(part), "another"))
            case Group("‖"):
                found.append("")
            case Group("|"):
                found.append("absolute value")
            case Call(Symbol() as f) if named(f, frozenset()) or f.base in EXTREMES:
                found.append(SPECTRA.get(Naming("").read(f)[0], EXTREMES["max"]))
    return found


def _script(part: Node) -> str:
    return Naming("").label(part) if not isinstance(part, Symbol) else part.base


def normed(m: Meaning, node: Node, steps: Steps) -> Matrix:
    """The value of a norm."""
    found = _inside(m, node)
    if found is None:
        raise UnknownError("this norm is not read here", node)
    kind, inner = found
    x = m.value(inner, steps)
    if isinstance(x, Derivative) and not x.fits_a_matrix:  # by the entries of W, one by one
        rows, columns = prod(x.of_size), prod(x.by_size)
        return whole(m, kind, Matrix(x.array.reshape(rows, columns)))
    return whole(m, kind, m.laid_out(x))


def squared(m: Meaning, node: Node, steps: Steps) -> Matrix | None:
    """``‖x‖² = xᵀ x`` of a vector, ``|x|²`` of a number; None for what is neither."""
    found = _inside(m, node)
    if found is None:
        return None
    x = m.matrix(found[1], steps)
    euclidean = found[0] in ("spectral norm", "Frobenius norm", "absolute value")
    if not euclidean or (1 not in x.size and found[0] != "Frobenius norm"):
        return None
    column = Matrix(x.array.reshape(-1, 1))
    return matmul(column.T, column)


def _inside(m: Meaning, node: Node) -> tuple[str, Node] | None:
    """Which norm a formula writes, and of what."""
    match node:
        case Group("‖", (inner,)):
            return m.convention.norm, inner
        case Group("|", (inner,)):
            return "absolute value", inner
        case Subscripted(Group("‖" | "|", (inner,)), (part,)):
            kind = SUBSCRIPTS.get(_script(part))
            if kind is None:
                raise UnknownError(f"the norm {_script(part)} is not read here", node)
            return kind, inner
    return None


def whole(m: Meaning, kind: str, x: Matrix) -> Matrix:
    """A norm of a matrix: in exact worlds a free value, equal for equal matrices."""
    if kind == "absolute value" and not x.is_number:
        raise UnknownError("|·| of what is no number is not read here", Symbol(kind))
    if kind == "spectral radius" and x.size[0] != x.size[1]:
        raise ShapeClashError(f"eigenvalues of a matrix that is {x.size[0]}×{x.size[1]}")
    if not x.array.any():
        return number(0)
    multiple = None if kind == "Frobenius norm" else _of_identity(x)
    if multiple is not None:
        kind, x = "absolute value", multiple
    elif 1 in x.size and kind == "Frobenius norm":
        kind = "spectral norm"
    return Matrix(m.world.A.whole_atom(kind, Residues(_canonical(x))).array)


def _of_identity(x: Matrix) -> Matrix | None:
    """The number that a matrix is: 1×1, or a multiple of the identity."""
    n, c = x.size[0], x.array[0, 0]
    if x.size[1] != n or (x.array != identity(n).array * c).any():
        return None
    return number(c)


def _canonical(x: Matrix) -> npt.NDArray[np.object_]:
    """A matrix or its negative, vectors as columns: all have the same norm."""
    array = x.array.reshape(-1, 1) if 1 in x.size else x.array
    first = next((v for v in array.flat if v), 0)
    return array if not isinstance(first, int) or 2 * first < P else -array % P


def extreme_over(function: Symbol) -> str | None:
    """The letter of ``max_k``."""
    match function:
        case Symbol(base, (), (Symbol(letter),)) if base in EXTREMES:
            return letter
    return None


def extreme(m: Meaning, kind: str, letter: str, body: Node, steps: Steps) -> Matrix:
    """``max_k ‖J_k‖``: over the steps, or the entries, that there are."""
    values: list[object] = []
    for at in range(1, (extent(m, letter, body) or m.world.T) + 1):
        try:
            x = m.matrix(body, {**steps, letter: at})
        except MissingError:
            continue
        if not x.is_number:
            raise UnknownError(f"the {kind} of what are no numbers is not read here", body)
        values.append(x.array[0, 0])
    if not values:
        raise MissingError("no steps")
    row = np.empty((1, len(values)), dtype=object)
    row[0, :] = sorted(values, key=float)  # type: ignore[arg-type]
    return Matrix(m.world.A.whole_atom(kind, Residues(row)).array)
