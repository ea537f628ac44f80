"""The mistakes that one edit undoes: rows of a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symbptt.check.edits import (
    name_rows,
    product_rows,
    range_rows,
    sibling_rows,
    sign_rows,
    slope_rows,
    step_rows,
    term_rows,
)
from symbptt.check.edits.parts import Edited, Hints
from symbptt.check.edits.places import Place


@dataclass(frozen=True)
class Row:
    """A mistake, and how to undo it in one place; the lower the cost, the likelier."""

    mistake: str
    says: str
    cost: int
    make: Callable[[Place, Hints], Edited]


_MISSING = "A transpose is missing."
_ORDER = "The factors stand in the wrong order."
_INDEX = "A time index is off by one."
_SLOPE = "The activation's derivative is taken at the wrong step."
_PIECE = "Another formula of this document has something else here."
_RANGE = "The sum runs over the wrong steps."

#: What people get wrong.
ROWS: tuple[Row, ...] = (
    Row("transpose missing", _MISSING, 1, product_rows.transpose_missing),
    Row("transpose too many", "There is a transpose too many.", 1, product_rows.transpose_too_many),
    Row("time index", _INDEX, 1, step_rows.step_of_one),
    Row("derivative at the wrong step", _SLOPE, 1, step_rows.step_of_slope),
    Row("range of the sum", _RANGE, 1, range_rows.bounds),
    Row("sign", "The difference is the wrong way round.", 1, sign_rows.difference),
    Row("sign", "A term has the wrong sign.", 1, sign_rows.term_sign),
    Row("entries", "The entries are the wrong ones.", 1, step_rows.entries_swapped),
    Row("entries", "The entries are the wrong ones.", 1, step_rows.other_entry),
    Row("term missing", "A term of the sum is missing.", 2, sibling_rows.neighbouring_term),
    Row("term missing", "A term is missing.", 2, sibling_rows.term_of_sibling),
    Row("factor missing", "A factor is missing.", 2, sibling_rows.factor_of_sibling),
    Row("order of factors", _ORDER, 2, product_rows.swapped),
    Row(
        "⊙ at the wrong place",
        "The elementwise product is at the wrong place.",
        2,
        product_rows.regrouped,
    ),
    Row("brackets", "The brackets take in too little or too much.", 2, product_rows.brackets),
    Row(
        "product sign",
        "One product should be elementwise or should not.",
        2,
        product_rows.product_sign,
    ),
    Row("sign", "The whole has the wrong sign.", 2, sign_rows.whole_sign),
    Row(
        "activation's derivative missing",
        "The activation's derivative is missing.",
        2,
        term_rows.slope_missing,
    ),
    Row(
        "activation's derivative missing",
        "The activation's derivative is missing.",
        2,
        slope_rows.slope_behind_gradient,
    ),
    Row(
        "activation's derivative wrong",
        "This is the derivative of another activation.",
        2,
        slope_rows.other_slope,
    ),
    Row(
        "activation's derivative wrong",
        "This is the derivative of another activation.",
        2,
        slope_rows.slope_of_another,
    ),
    Row(
        "activation's derivative wrong",
        "The output stands where its derivative belongs.",
        3,
        slope_rows.slope_for_output,
    ),
    Row(
        "transposed the wrong way",
        "The product is transposed.",
        3,
        product_rows.transposed_wrong_way,
    ),
    Row("wrong piece", _PIECE, 3, sibling_rows.piece_of_sibling),
    Row("term missing", "A term is missing.", 3, term_rows.term_missing),
    Row("term too many", "There is a term too many.", 3, term_rows.term_too_many),
    Row("wrong symbol", "Another quantity belongs here.", 3, name_rows.other_symbol),
    Row("factor missing", "A factor is missing.", 3, term_rows.factor_missing),
    Row("factor missing", "A factor is missing.", 3, term_rows.gate_missing),
    Row("factor missing", "A factor is missing.", 3, term_rows.matrix_missing),
    Row("factor too many", "There is a factor too many.", 3, term_rows.factor_too_many),
    Row("constant factor", "A constant factor is too many.", 3, sign_rows.constant_too_many),
    Row("time index", _INDEX, 3, step_rows.step_of_run),
    Row("derivative at the wrong step", _SLOPE, 3, step_rows.step_of_slopes),
    Row("time index", _INDEX, 3, step_rows.step_of_term),
    Row("sum missing", "The sum over the steps is missing.", 3, range_rows.sum_missing),
    Row("sum too many", "There is a sum too many.", 3, range_rows.sum_too_many),
    Row("order of factors", _ORDER, 4, product_rows.moved_to_end),
    Row("constant factor", "A constant factor is missing.", 4, sign_rows.constant_missing),
    Row("index letter", "The index is the wrong letter.", 4, step_rows.index_letter),
    Row("range of the sum", _RANGE, 4, range_rows.other_bounds),
    Row("transpose missing", _MISSING, 4, product_rows.whole_transpose_missing),
    Row("wrong symbol", "Another quantity belongs here.", 4, name_rows.other_differential),
    Row("wrong symbol", "Another quantity belongs here.", 5, name_rows.other_sort),
    Row("index letter", "The index is the wrong letter.", 5, step_rows.index_letters),
)
#: What may be wrong on the left: tried last.
LEFT: tuple[Row, ...] = (
    Row(
        "another quantity on the left",
        "The right side is the derivative of, or by, another quantity.",
        6,
        name_rows.other_left,
    ),
    Row("transpose on the left", "The left side is transposed.", 7, name_rows.transposed_left),
)
