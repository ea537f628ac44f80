"""Gates that share an operand as one quantity, so that they share one product.

``i_t = σ(W_i x_t + U_i h_{t-1} + b_i)`` and ``f_t = σ(W_f x_t + U_f h_{t-1} + b_f)`` become the
parts of ``gates_t = W x_t + U h_{t-1} + b``, where W, U and b are those of the gates on top of one
another; a matrix that multiplies a stack, ``W [h_{t-1}; x_t]``, becomes a matrix for each part.
The result is a model like any other: its derivation has one product where there were several,
backward too.  Code puts the matrices together before it starts, and takes their gradients apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from symbptt.compile.activations import with_activations_named
from symbptt.compile.operands import Gathered, Piece, without_stacks
from symbptt.compile.rewriting import (
    equation,
    new_variable,
    rewritten,
    used_once,
    with_equation,
    without,
)
from symbptt.model import Model, Role, Variable
from symbptt.model import terms as tm


@dataclass(frozen=True)
class Affine:
    """``M_1 v_1 + M_2 v_2 + … + b``: a sum of products of parameters with vectors of a step, and
    of parameters that are vectors; what it is added to, and where it stands."""

    term: tm.Plus | tm.Matmul
    products: tuple[tuple[tm.Term, str], ...]  # what is multiplied, by which matrix
    biases: tuple[str, ...]
    others: tuple[tm.Term, ...]
    equation: str

    @property
    def key(self) -> tuple[object, ...]:
        """What gates must have in common to be gathered."""
        return (self.term.shape, tuple(v for v, _ in self.products), len(self.biases))


def gathered(model: Model) -> Gathered:
    """The model with its stacked operands taken apart, its gates gathered, and a name for each
    activation."""
    found = _with_gates(without_stacks(model))
    return replace(found, model=with_activations_named(found.model))


def _with_gates(found: Gathered) -> Gathered:
    """The model with the sums of products that have the same operands on top of one another."""
    while (group := _largest_group(found.model)) is not None:
        found = _with_group(found, group)
    return found


def _largest_group(model: Model) -> list[Affine] | None:
    """The sums that have most in common, or None."""
    groups: dict[tuple[object, ...], list[Affine]] = {}
    for affine in _affines(model):
        groups.setdefault((model.stage_of(affine.equation), *affine.key), []).append(affine)
    largest = max(groups.values(), key=len, default=[])
    return largest if len(largest) > 1 else None


def _affines(model: Model) -> Iterator[Affine]:
    """The sums of products in the equations that can be gathered."""
    once = used_once(model)

    def parameter(term: tm.Term) -> str | None:
        match term:
            case tm.Ref(name, None) if name in once:
                return name
        return None

    def found_in(term: tm.Term, equation: str) -> Iterator[Affine]:
        if term.shape[1] == 1 and isinstance(term, tm.Plus | tm.Matmul):
            products, biases, others = [], [], []
            for part in term.terms if isinstance(term, tm.Plus) else (term,):
                match part:
                    case tm.Matmul((matrix, tm.Ref(_, tm.Index()) as v)) if parameter(matrix):
                        products.append((v, parameter(matrix) or ""))
                    case tm.Ref() if parameter(part):
                        biases.append(part.name)
                    case _:
                        others.append(part)
            if products:
                products.sort(key=lambda product: repr(product[0]))
                yield Affine(term, tuple(products), tuple(biases), tuple(others), equation)
                for other in others:
                    yield from found_in(other, equation)
                return
        for child in term.children():
            yield from found_in(child, equation)

    for name in model.order:
        yield from found_in(model.equation(name).rhs, name)


def _with_group(found: Gathered, group: list[Affine]) -> Gathered:
    """The model with some gates as the parts of one vector."""
    model, packs = found.model, dict(found.packs)
    variables = dict(model.variables)
    group = _by_activation(group, model)
    many, (rows, _) = len(group), group[0].term.shape
    height = _times(many, rows)
    terms: list[tm.Term] = []
    matrices = [[m for _, m in affine.products] for affine in group]
    for names in (*zip(*matrices, strict=True), *zip(*(a.biases for a in group), strict=True)):
        shape = height, variables[names[0]].shape[1]
        new = new_variable(_together(names), shape, variables)
        packs[new.name] = tuple(p for name in names for p in packs.pop(name, (Piece(name),)))
        for name in names:
            variables.pop(name)
        terms.append(tm.Ref(new.name, None, shape=shape))
    whole: tm.Shape = height, 1
    operands = [v for v, _ in group[0].products]
    sums = [
        tm.Matmul((matrix, v), shape=whole) for matrix, v in zip(terms, operands, strict=False)
    ] + terms[len(operands) :]
    rhs = sums[0] if len(sums) == 1 else tm.Plus(tuple(sums), shape=whole)
    gates = new_variable("gates", whole, variables, Role.COMPUTED)
    now = tm.Ref(gates.name, tm.Index("t"), shape=whole)
    parts = {id(a.term): _part(now, i, many, a.term.shape) for i, a in enumerate(group, start=1)}
    others = {id(a.term): a.others for a in group}

    def change(term: tm.Term) -> tm.Term:
        if id(term) not in parts:
            return term.rebuilt(change)
        rest = tuple(map(change, others[id(term)]))
        whole = (parts[id(term)], *rest)
        return tm.Plus(whole, shape=term.shape, span=term.span) if rest else whole[0]

    first = min((a.equation for a in group), key=model.order.index)
    changed = replace(rewritten(model, change), variables=variables)
    parted = _without_names(with_equation(changed, equation(changed, gates.name, rhs), first))
    return Gathered(_without_names(_with_activation(parted, gates)), packs)


def _times(many: int, dim: tm.Dim) -> tm.Dim:
    one = tm.as_sum(dim)
    return tm.summed(((name, many * k) for name, k in one.terms), many * one.number)


def _part(whole: tm.Term, which: int, of: int, shape: tm.Shape) -> tm.Term:
    return tm.Part(whole, which, of, shape=shape)


def _by_activation(group: list[Affine], model: Model) -> list[Affine]:
    """Gates with those of the most frequent activation first, so that it is taken once."""
    taken = {}  # the function that is taken of each name and of each sum
    for term in (term for e in model.equations for term in e.rhs.walk()):
        if isinstance(term, tm.Mapped):
            of = term.operand
            taken[of.name if isinstance(of, tm.Ref) else id(of)] = term.function
    functions = {a.equation: taken.get(id(a.term)) or taken.get(a.equation, "") for a in group}
    times = Counter(functions.values())
    order = [*dict.fromkeys(functions.values())]

    def rank(affine: Affine) -> tuple[int, int]:
        function = functions[affine.equation]
        return -times[function], order.index(function)

    return sorted(group, key=rank)


def _with_activation(model: Model, gates: Variable) -> Model:
    """The model with the activation that several gates have taken of all of them at once."""
    now = tm.Ref(gates.name, tm.Index("t"), shape=gates.shape)
    of: dict[int, tuple[str, tm.Mapped]] = {}
    for e in model.equations:
        match e.rhs:
            case tm.Mapped(_, tm.Part(operand, which, _)) if operand == now:
                of[which] = e.name, e.rhs
    many = 0
    while many + 1 in of and of[many + 1][1].function == of[1][1].function:
        many += 1
    if many < 2:
        return model
    function, (rows, _) = of[1][1].function, of[1][1].shape
    variables = dict(model.variables)
    height = _times(many, rows)
    whole: tm.Shape = height, 1
    active = new_variable(f"active_{gates.name}", whole, variables, Role.COMPUTED)
    # The first parts, which are no equal part of all: those from the beginning on.
    rhs = tm.Mapped(function, _part(now, 1, 1, whole), shape=whole)
    value = tm.Ref(active.name, tm.Index("t"), shape=whole)
    parts = {of[i][0]: _part(value, i, many, (rows, 1)) for i in range(1, many + 1)}
    changed = replace(
        model,
        variables=variables,
        equations=tuple(replace(e, rhs=parts.get(e.name, e.rhs)) for e in model.equations),
    )
    first = min(parts, key=model.order.index)
    return with_equation(changed, equation(changed, active.name, rhs), first)


def _without_names(model: Model) -> Model:
    """The model without names for parts, ``z_t = part(gates_t, 1, 4)``: parts stand for them."""
    named = {
        e.name: e.rhs for e in model.equations
        if isinstance(e.rhs, tm.Part) and not model.variables[e.name].initial_steps
    }  # fmt: skip

    def change(term: tm.Term) -> tm.Term:
        match term:
            case tm.Ref(name, tm.Index("t", 0)) if name in named:
                return named[name]
        return term.rebuilt(change)

    used = {r.name for r in rewritten(model, change).references()}
    gone = named.keys() - used
    return without(rewritten(model, change), gone)


def _together(names: tuple[str, ...]) -> str:
    """``W_ifo`` for ``W_i``, ``W_f`` and ``W_o``."""
    alike = takewhile(lambda letters: len({*letters}) == 1, zip(*names, strict=False))
    start = "".join(letters[0] for letters in alike)
    rest = "".join(name[len(start) :] for name in names)
    return start + rest if len(rest) <= 6 and start else f"{names[0]}_etc"
