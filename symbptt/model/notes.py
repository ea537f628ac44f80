"""What a model may not be meant to say, though it can be read: a line for each."""

from __future__ import annotations

from collections.abc import Iterator

from symbptt.model import terms as tm
from symbptt.model.inference import Inference, drafts
from symbptt.model.model import Model, Role, Variable
from symbptt.model.shapes import Why


def notes(found: Inference, model: Model) -> Iterator[str]:
    """Gates that came out as single numbers, for a product sign that may not be meant so.

    In ``(1 - g_t) h_{t-1}`` the bracket is no matrix, so that g_t is read as a number.  Books
    write it for a product entry by entry too.  Where the weights of g_t are nothing but a matrix
    in its equation, only this product makes them a row.
    """
    noted: set[str] = set()
    for product, scalar in found.elaborator.taken:
        if found.elaborator.is_scalar(product):
            continue
        for draft in drafts(scalar):
            name = str(draft.data[0]) if draft.kind is tm.Ref else ""
            if name in found.equations and name not in noted and _from_matrices(model, name):
                noted.add(name)
                yield (
                    f"{name}_t is a single number here, since {Why(product.place)} multiplies a "
                    f'vector by it; write ⊙ for entry by entry, or declare {name} = "1" under '
                    "[shapes] to say that it is one"
                )


def _is_matrix(v: Variable) -> bool:
    """Whether a symbol is a parameter with the name of a matrix."""
    return v.role is Role.PARAMETER and v.spelled.base[0].isupper()


def _from_matrices(model: Model, name: str) -> bool:
    """Whether a number is computed, directly or not, by a product that reads as that of a matrix.

    ``w^T h_t`` and ``w h_t`` don't: they are written as a number.
    """
    names, waiting = {name}, [name]
    while waiting:
        for term in model.equation(waiting.pop()).rhs.walk():
            if isinstance(term, tm.Matmul) and term.shape == tm.SCALAR:
                W = term.factors[-1 if model.row_vectors else 0]
                if isinstance(W, tm.Ref) and _is_matrix(model.variables[W.name]):
                    return True
            if isinstance(term, tm.Ref) and term.name not in names:
                v = model.variables[term.name]
                if v.computed and v.is_scalar and term.index is not None and not term.index.offset:
                    names.add(v.name)
                    waiting.append(v.name)
    return False
