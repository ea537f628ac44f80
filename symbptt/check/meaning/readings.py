"""The readings: rows of a table.

The judge tries few of them before many, and near ones before far ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache, lru_cache, reduce
from itertools import combinations
from types import MappingProxyType

from symbptt.check.meaning.conventions import STANDARD, Convention, Reading
from symbptt.check.meaning.paths import with_direct_paths
from symbptt.check.meaning.regrouped import begun, lengthened, regroup
from symbptt.check.meaning.shares import Counted, Share, Side
from symbptt.check.meaning.tensors import Layout, Stacking
from symbptt.check.notation.neighbours import is_from_later
from symbptt.check.notation.scripts import scripts
from symbptt.check.notation.symbols import LOSSES
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Differential,
    Group,
    Node,
    Number,
    Product,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Transpose,
)


def _derivatives(node: Node) -> bool:
    return any(isinstance(n, Differential) for n in node.walk())


def _gradients(node: Node) -> bool:
    """Whether a formula has derivatives, or δ for one."""
    return _derivatives(node) or any(isinstance(n, Symbol) and n.base == "delta"
                                     for n in node.walk())  # fmt: skip


def _turned_gradients(node: Node) -> bool:
    """Whether the transpose of what has a gradient stands beside a gradient by another thing."""
    turned = (n for n in node.walk() if isinstance(n, Transpose))
    return _gradients(node) and any(_gradients(n.operand) for n in turned)


def _vectors_by_states(node: Node) -> bool:
    return any(isinstance(n, Quotient) and isinstance(n.denominator, Differential)
               for n in node.walk())  # fmt: skip


def _loose_differences(node: Node) -> bool:
    return any(regroup(n) != n for n in node.walk())


def _is_free(letter: Node | None, node: Node) -> bool:
    """Whether a letter stands in a formula outside of the sums over it."""
    if isinstance(node, BigOperator) and node.index == letter:
        return False
    return node == letter or any(_is_free(letter, n) for n in node.children())


def _short_sums(node: Node) -> bool:
    """Whether a right side has the letter of a sum outside of it, and the left does not."""
    return isinstance(node, Relation) and any(
        isinstance(n, Sum)
        and isinstance(total := lengthened(n), BigOperator)
        and not _is_free(total.index, node.sides[0])
        for n in node.sides[1].walk()
    )


def _hands_back(node: Node) -> bool:
    """Whether the left side is at step t - 1 and the right at t."""
    if not isinstance(node, Relation):
        return False
    earlier = Sum((Symbol("t"), Number(Fraction(1))), (1, -1))
    return any(n == earlier for n in node.sides[0].walk())


def _hands_far_back(node: Node) -> bool:
    """Whether the left side is at step t - k, and the right a product from step t back."""
    if not isinstance(node, Relation) or isinstance(node.sides[1], Sum):
        return False
    return any(
        isinstance(n, Sum) and n.terms[0] == Symbol("t") and n.signs == (1, -1)
        for n in node.sides[0].walk()
    )


def _assigns_from_later(node: Node) -> bool:
    """Whether a formula gives ``dh_{next}`` a value by what stands at the step itself."""
    match node:
        case Relation((Symbol() as left, right), ("=" | "←",)) if is_from_later(left):
            later = Sum((Symbol("t"), Number(Fraction(1))), (1, 1))
            return all(n != later for n in right.walk())
    return False


def _later_steps(node: Node) -> bool:
    """Whether something is taken by what stands at step t + 1."""
    later = Sum((Symbol("t"), Number(Fraction(1))), (1, 1))
    return any(isinstance(n, Quotient) and isinstance(n.denominator, Differential)
               and any(x == later for x in n.denominator.walk()) for n in node.walk())  # fmt: skip


def _by_the_step_before(node: Node) -> bool:
    """Whether what is no loss is differentiated by what stands at step t - 1."""
    earlier = Sum((Symbol("t"), Number(Fraction(1))), (1, -1))
    return any(
        isinstance(of, Symbol) and of.base not in LOSSES and earlier in by.walk()
        for n in node.walk() if isinstance(n, Quotient)
        for of, by in [(_differentiated(n.numerator), n.denominator)]
    )  # fmt: skip


def _differentiated(node: Node) -> Node | None:
    return node.operand if isinstance(node, Differential) else None


def _one_step(node: Node) -> bool:
    """Whether a formula has derivatives, and none by a later step: there, a share is 0."""
    return _derivatives(node) and not _later_steps(node)


def _own_and_later(node: Node) -> bool:
    return isinstance(node, Relation) and _later_steps(node.sides[1])


def _names_last_step(node: Node) -> bool:
    """Whether something stands at the last step: ``h_T``."""
    last = {Symbol("T"), Symbol("tau")}
    return any(isinstance(n, Symbol) and last.intersection(scripts(n)) for n in node.walk())


def _hands_back_a_sum(node: Node) -> bool:
    """Whether ``∂L/∂c_{t-1}`` is a sum."""
    return _hands_back(node) and isinstance(node, Relation) and isinstance(node.sides[1], Sum)


def _adds_its_own_path(node: Node) -> bool:
    """Whether a derivative is one of several paths between the same states in a sum."""
    match node:
        case Relation((left, right)):
            return with_direct_paths(left, right) != right
    return False


def _adds_itself(node: Node) -> bool:
    """Whether the left side is a term of the right: ``∂L/∂h_t = … + ∂L/∂h_t``."""
    match node:
        case Relation((left, Sum(terms))):
            return left in terms
    return False


def _sums_by_parameter(node: Node) -> bool:
    """Whether the right side is a sum with derivatives of several things by one thing."""
    if not (isinstance(node, Relation) and isinstance(node.sides[1], Sum)):
        return False
    by: dict[Node, set[Node]] = {}
    for n in node.sides[1].walk():
        match n:
            case Quotient(Differential(operand=Node() as of), Differential(operand=Node() as x)):
                by.setdefault(x, set()).add(of)
    return any(len(several) > 1 for several in by.values())


def _two_signs(node: Node) -> bool:
    """Whether a formula writes both ∂ and d."""
    signs = {n.sign for n in node.walk() if isinstance(n, Differential)}
    return {"∂", "d"} <= signs


def _of_a_part(node: Node) -> bool:
    """Whether a formula differentiates a part of an equation, by the name it was given."""
    return any(isinstance(n, Differential) and isinstance(n.operand, Symbol)
               and n.operand.base.startswith("part") for n in node.walk())  # fmt: skip


def _stacks(node: Node) -> bool:
    return "⊗" in _signs(node) or any(isinstance(n, Symbol) and n.base == "vec"
                                      for n in node.walk())  # fmt: skip


def _lacks_a_sum(node: Node) -> bool:
    return isinstance(node, Relation) and not any(isinstance(n, BigOperator) for n in node.walk())


def _has(kind: str) -> Callable[[Node], bool]:
    return lambda node: any(isinstance(n, BigOperator) and n.kind == kind for n in node.walk())


def _signs(node: Node) -> set[str]:
    return {o for n in node.walk() if isinstance(n, Product) for o in n.operators}


def _means(sign: str, meaning: str) -> Callable[[Convention], Convention]:
    return lambda c: replace(c, signs=MappingProxyType({**c.signs, sign: meaning}))


def _uses(sign: str) -> Callable[[Node], bool]:
    return lambda node: sign in _signs(node)


def _pairs(node: Node) -> bool:
    return any(isinstance(n, Group) and n.opening == "⟨" and len(n.items) == 2
               for n in node.walk())  # fmt: skip


def _slopes(node: Node) -> bool:
    """Whether a formula has ``f'(x)``."""
    return any(isinstance(n, Call) and n.function.primes == 1 for n in node.walk())


def _counts(share: Share, side: Side, *, at_t: bool = False) -> Callable[[Convention], Convention]:
    return lambda c: replace(c, counted=(*c.counted, Counted(share, side, at_t)))


def _mixed(node: Node) -> bool:
    entrywise = {"⊙", "∘", "*", "⊗"}
    return any(
        isinstance(n, Product) and {*n.operators} & entrywise and {*n.operators} - entrywise
        for n in node.walk()
    )


READINGS: tuple[Reading, ...] = (
    Reading("numerator layout", "gradients are rows, and ∂a/∂b has the rows of a", 1,
            lambda c: replace(c, layout=Layout.NUMERATOR), _gradients, "layout"),
    Reading("denominator layout", "∂a/∂b has the rows of b", 1,
            lambda c: replace(c, layout=Layout.DENOMINATOR), _derivatives, "layout"),
    Reading("rows by vectors alone", "gradients by vectors are rows, and a gradient by a matrix "
            "has its shape", 2, lambda c: replace(c, layout=Layout.ROWS), _turned_gradients,
            "layout"),
    Reading("transposed gradient", "one side is a row where the other is a column", 2,
            lambda c: replace(c, turned=True), lambda node: True, "turned"),
    Reading("∂ is immediate", "d is the total derivative and ∂ the immediate one", 1,
            lambda c: replace(c, partial_immediate=True), _two_signs, "immediate"),
    Reading("other states held", "a derivative by a state of the step before is along every path "
            "but those through other states of that step", 3,
            lambda c: replace(c, partial_immediate=True), _by_the_step_before, "immediate"),
    Reading("immediate by parameters", "∂h/∂W is the immediate derivative: earlier states are "
            "held fixed", 2, lambda c: replace(c, immediate_parameters=True),
            _vectors_by_states, "immediate"),
    Reading("direct path", "a derivative takes the direct path alone: whatever else stands in the "
            "equation is held fixed", 3,
            lambda c: replace(c, immediate_parameters=True, immediate_states=True),
            _vectors_by_states, "immediate"),
    Reading("immediate on the right", "by parameters, the derivatives on the right are immediate "
            "ones (earlier states held fixed), that on the left is total", 2,
            lambda c: replace(c, immediate_parameters=True, left_total=True),
            _vectors_by_states, "immediate"),
    Reading("immediate at the latest step", "on the right, the derivative of the latest step by a "
            "parameter is the immediate one, those of earlier steps are total", 3,
            lambda c: replace(c, latest_immediate=True), _sums_by_parameter, "immediate"),
    Reading("immediate where a sum begins", "∂h/∂W beside ∂h/∂h' ∂h'/∂W is the immediate "
            "derivative, what the other terms leave", 3,
            lambda c: replace(c, begun=True), lambda node: begun(node) != node, "immediate"),
    Reading("grouping of 1 - h²", "1 - h² is one factor of the product that it stands in", 2,
            lambda c: replace(c, regrouped=True), _loose_differences, "regrouped"),
    Reading("Σ goes over all that follows", "the terms behind a sum that have its letter are in it",
            1, lambda c: replace(c, lengthened=True), _short_sums, "lengthened"),
    Reading("share of one step", "the left side is what one step adds to the gradient", 3,
            _counts(Share.STEP, Side.LEFT), _lacks_a_sum, "share"),
    Reading("for the step before", "the left side, what later steps hand back, is assigned: so it "
            "stands at the step before, which comes next", 2,
            lambda c: replace(c, left_before=True), _assigns_from_later, "assigned"),
    Reading("carry to the step before", "the left side is what the state hands to its own step "
            "before, or to one further back, not the whole derivative", 3,
            lambda c: replace(_counts(Share.NEXT, Side.LEFT)(c), immediate_states=True),
            lambda node: _hands_back(node) or _hands_far_back(node), "share"),
    Reading("carry with other states held", "the left side is what the state hands to its own step "
            "before along every path but those through other states, not the whole derivative", 3,
            _counts(Share.NEXT, Side.LEFT), _hands_back, "share"),
    Reading("carry along every path", "the left side is what later steps hand back, without what "
            "its own step adds to the loss", 3, _counts(Share.LATER, Side.LEFT),
            _hands_back, "share"),
    Reading("carry on the right", "what stands on both sides is on the right what comes from later "
            "steps alone", 3, _counts(Share.LATER, Side.RIGHT), _adds_itself, "share"),
    Reading("direct path on the right", "a derivative on the right is the path that no other term "
            "of its sum goes along", 2, lambda c: replace(c, own_path=True),
            _adds_its_own_path, "share"),
    Reading("carry on both sides", "the derivative by the state is what comes from later steps "
            "alone", 4, _counts(Share.LATER, Side.BOTH), _hands_back_a_sum, "share"),
    Reading("descending product", "the factors of ∏ stand in descending order of the index", 2,
            lambda c: replace(c, descending=True), _has("prod"), "order"),
    Reading("slope by the value", "σ'(h_t) is the slope where σ gives h_t, h_t (1 - h_t)", 3,
            lambda c: replace(c, slopes_by_value=True), _slopes, "slopes"),
    Reading("⊙ binds tighter", "the entrywise product is taken before the matrix product", 3,
            lambda c: replace(c, entrywise_first=True), _mixed, "grouping"),
    Reading("diag of a vector", "a vector stands for the diagonal matrix of its entries", 2,
            lambda c: replace(c, diagonals=True), lambda node: True, "diagonals"),
    Reading("expression held", "the derivative of an expression is by what stands in it alone: "
            "states are held fixed", 1, lambda c: replace(c, expressions_held=True),
            _of_a_part, "expressions"),
    Reading("columns of W stacked", "∂a/∂W has a column for each entry of W, one column of W after "
            "another", 2, lambda c: replace(c, stacking=Stacking.COLUMNS), _stacks, "stacking"),
    Reading("rows of W stacked", "∂a/∂W has a column for each entry of W, one row of W after "
            "another", 2, lambda c: replace(c, stacking=Stacking.ROWS), _stacks, "stacking"),
    Reading("factor of an outer product", "a derivative by a matrix is named by the factor that "
            "the gradient is multiplied by", 3,
            lambda c: replace(c, factors=True, immediate_parameters=True),
            _vectors_by_states, "immediate"),
    Reading("loss of one step", "the loss is that of step t alone", 4,
            lambda c: replace(c, of_one_step=True), _one_step, "loss"),
    Reading("own share on the right", "∂L/∂h_t on the right is what the loss of step t adds; what "
            "later steps add stands in another term", 3,
            _counts(Share.OWN, Side.RIGHT, at_t=True), _own_and_later, "own"),
    Reading("loss of the last step", "the loss is that of the last step alone", 3,
            lambda c: replace(c, of_last_step=True),
            lambda node: _derivatives(node) and _names_last_step(node), "loss"),
    Reading("missing terms left out", "terms at steps that do not exist are left out of the sum", 2,
            lambda c: replace(c, missing_left_out=True), _has("sum"), "missing"),
    *(Reading(f"'{sign or 'juxtaposition'}' multiplies what fits",
              "two vectors are multiplied entry by entry or as an outer product, whichever fits",
              2, _means(sign, "fitting"), _uses(sign), f"sign {sign}")
      for sign in ("", "·", "×", "@")),
    *(Reading(f"'{sign or 'juxtaposition'}' of two vectors is their outer product",
              "a b of two columns is a bᵀ", 3, _means(sign, "outer where vectors"), _uses(sign),
              f"sign {sign}") for sign in ("", "·", "×", "*", "@", "⊗")),
    *(Reading(f"'{sign}' broadcasts",
              "entries are multiplied one by one, and a column goes with every column of a matrix",
              3, _means(sign, "broadcast"), _uses(sign), f"sign {sign}")
      for sign in ("·", "×", "*")),
    *(Reading(f"'{sign}' is the matrix product", "as the sizes demand", 2, _means(sign, "matrix"),
              _uses(sign), f"sign {sign}") for sign in ("⊙", "∘", "⊗", "*")),
    Reading("'⟨a, b⟩' is the outer product", "of two columns it is a bᵀ", 2,
            _means("⟨⟩", "outer"), _pairs, "sign ⟨⟩"),
    Reading("'⊗' is the Kronecker product", "also of two vectors", 2, _means("⊗", "kronecker"),
            _uses("⊗"), "sign ⊗"),
    Reading("'⊗' multiplies entry by entry", "not the outer product", 2, _means("⊗", "entrywise"),
            _uses("⊗"), "sign ⊗"),
)  # fmt: skip

#: Tried where the loss is a mean, beside any of the others.
UNDIVIDED = Reading(
    "mean taken at the end", "gradients by what has steps are those of the sum of the losses, and "
    "those by parameters are divided by T", 3, lambda c: replace(c, undivided=True), _gradients,
    "mean",
)  # fmt: skip

#: How many readings one formula may need.
MOST = 3
#: How many sets of them are tried.
MOST_SETS = 256


def conventions(node: Node) -> Iterator[tuple[tuple[Reading, ...], Convention]]:
    """The conventions under which a formula may be read, the nearest to the standard first."""
    yield from _combined(_applying(node))


@lru_cache(maxsize=1000)
def _applying(node: Node) -> tuple[int, ...]:
    """The places of the rows that may matter to a formula."""
    return tuple(i for i, r in enumerate(READINGS) if r.applies(node))


@cache
def _combined(which: tuple[int, ...]) -> tuple[tuple[tuple[Reading, ...], Convention], ...]:
    """The sets of rows that go together, the cheapest first, as many as are tried."""
    rows = [READINGS[i] for i in which]
    sets = [
        chosen
        for many in range(MOST + 1)
        for chosen in combinations(rows, many)
        if len({r.group for r in chosen}) == many
    ]
    sets.sort(key=lambda c: (sum(r.cost for r in c), len(c)))
    nearest = sets[:MOST_SETS]
    return tuple((chosen, reduce(lambda c, r: r.change(c), chosen, STANDARD)) for chosen in nearest)
