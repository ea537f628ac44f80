"""The forward equations of a document: which formulas they are, and which hold together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbptt.check.documents.formulas import Formula
from symbptt.check.networks.adjoints import adjoints, name_at_step
from symbptt.check.networks.parts import EQUAL, Mention, Part, has_derivative, stepped_letters
from symbptt.check.networks.stacked import apart
from symbptt.check.networks.statements import defines, left_of, name_of
from symbptt.check.networks.steps import in_t, letters_of_steps, unshifted, up_to_T
from symbptt.check.notation.elements import by_vectors
from symbptt.check.notation.ellipsis import is_dots
from symbptt.check.notation.layers import Layers, layers_of
from symbptt.check.notation.namings import is_diagonal
from symbptt.check.notation.scripts import entry_letters, is_at_step, scripts
from symbptt.check.notation.symbols import ERRORS, LOSSES, of_loss_by
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Differential,
    Group,
    Node,
    Number,
    Quotient,
    Relation,
    Subscripted,
    Sum,
    Symbol,
)
from symbptt.model.draft import Source
from symbptt.model.names import Naming
from symbptt.model.outline import Statement
from symbptt.model.terms import Index


@dataclass(frozen=True)
class Given:
    """A forward equation: the number of its formula, the formula, the relation, its name, and its
    left side as it is stated.

    ``written``: what it is of before it was one of vectors (``elements``), or of one layer.
    """

    at: int
    formula: Formula
    statement: Statement
    name: str
    stated: Node
    written: Symbol | None = None
    elements: bool = False

    @property
    def lefts(self) -> tuple[Node, ...]:
        """What it defines, and how the document writes that."""
        written = () if self.written is None else (self.written,)
        return (self.left, self.stated, *written)

    @property
    def left(self) -> Symbol:
        """What it defines."""
        return left_of(self.statement)


def relation(g: Given) -> Relation:
    node = g.statement.node
    assert isinstance(node, Relation)
    return replace(node, sides=node.sides[:2], operators=("=",))


def layers_in(stated: Sequence[list[Part] | Mention]) -> Layers | None:
    """What counts the layers of a document's network."""
    found: list[Node] = []
    for links in stated:
        if isinstance(links, Mention):
            found += [links.formula.tree] if isinstance(links.formula, Formula) else []
        else:
            found += [p.relation for p in links]
    return layers_of(found)


def equations(stated: Sequence[list[Part] | Mention], horizons: frozenset[str]) -> list[Given]:
    found: list[Given] = []
    layers, stepped = layers_in(stated), stepped_letters(stated)
    steps, carried = letters_of_steps(stated), adjoints(stated)
    for at, links in enumerate(stated):
        if isinstance(links, Mention) or not links or not links[0].first:
            continue
        links = _without_sets(links)
        if not links or not {p.sign for p in links} <= EQUAL:
            continue
        if len(links) > 1 and any(p.conditions for p in links):
            continue
        left = links[0].left
        sides = (left, *(p.right for p in links))
        if isinstance(left, Call) and left.function.base in LOSSES:
            sides = tuple(map(_of_steps, sides))
            if isinstance(left := sides[0], Call):
                sides = left.function, *sides[1:]
        if isinstance(left, Symbol) and is_diagonal(left):
            continue
        whole = Relation(sides, tuple("=" for _ in sides[1:]), span=links[0].span)
        for one in apart(whole, at):
            node = up_to_T(unshifted(one), horizons, stepped)
            node = _with_entries(_of_all_steps(in_t(node, steps)))
            if not (_is_forward(node) or _is_start(node)):
                continue
            if name_at_step(node.sides[0], carried) not in carried:
                found += _given(at, links[0], node, layers)
    told = _without_derivatives(found, stated)
    own = _without_code(_without_gradients(_without_doubles(told)))
    return _by_vectors(_without_instances(own))


def _of_all_steps(node: Relation) -> Relation:
    """``L = L_1 + L_2 + L_3`` as ``L = Σ_t L_t``."""
    match node.sides:
        case (Symbol(base) as left, Sum((Symbol(own), *_) as terms, signs), *_) if (
            base in LOSSES and own in LOSSES and {*signs} == {1}
        ):
            steps = [Symbol(own, subscripts=(Number(Fraction(n + 1)),)) for n in range(len(terms))]
            if [*terms] == steps:
                t = Symbol("t")
                total = BigOperator("sum", Symbol(own, subscripts=(t,)), t, Number(Fraction(1)),
                                    Symbol("T"), span=node.sides[1].span)  # fmt: skip
                return replace(node, sides=(left, total), operators=("=",))
    return node


def _without_code(found: Sequence[Given]) -> list[Given]:
    """Equations without those of programs for what the text gives, ``L = cross_entropy(y, d)``, or
    of what no other equation has: ``c_bar = tanh(z_c)``."""
    told = {g.name for g in found if g.formula.fragment.language is None}
    names = {id(g): _names_in(g) for g in found}

    def is_apart(g: Given) -> bool:
        return all(names[id(g)].isdisjoint(names[id(other)]) for other in found if other is not g)

    return [
        g for g in found
        if g.formula.fragment.language is None
        or (g.name not in told and not (told and is_apart(g)))
    ]  # fmt: skip


def _names_in(g: Given) -> set[str]:
    naming = Naming()
    return {naming.read(n)[0] for n in relation(g).walk() if isinstance(n, Symbol)} - {"t"}


def _without_instances(found: Sequence[Given]) -> list[Given]:
    """Equations without those that say one of them for a fixed step: ``h_2 = f(W h_1)``."""
    steps = {name for g in found for name, index in [Naming().read(g.left)] if index is not None}
    naming = Naming(indexed=frozenset(steps))
    general = {_from_step(relation(g), naming) for g in found if Naming().read(g.left)[1]}
    return [
        g for g in found
        if Naming().read(g.left)[1] or _from_step(relation(g), naming) not in general
    ]  # fmt: skip


def _from_step(node: Relation, naming: Naming) -> Node | None:
    """An equation with its steps counted from that of its left side."""
    left = node.sides[0]
    start = naming.read(left)[1] if isinstance(left, Symbol) else None
    if start is None:
        return None

    def change(n: Node) -> Node:
        if not isinstance(n, Symbol):
            result: Node = n.rebuilt(change)
            return result
        name, index = naming.read(n)
        if index is None or index.anchor != start.anchor:
            others = Naming(indexed=frozenset({name for name, _ in naming.steps(n)}))
            name, index = others.read(n)
        if index is None or index.anchor != start.anchor:
            return Symbol(name)
        return Symbol(name, subscripts=(Number(Fraction(index.offset - start.offset)),))

    return change(node)


def _without_sets(links: list[Part]) -> list[Part]:
    """The links of a formula but for the set that its value is in: ``f_t = σ(z_t) ∈ (0, 1)^n``."""
    return links[:-1] if links[-1].sign == "∈" else links


def _without_derivatives(
    found: Sequence[Given], stated: Sequence[list[Part] | Mention]
) -> list[Given]:
    """Equations without those of what an earlier formula names a derivative, or made of it:
    ``J_t = w (1 - h_t²)`` after ``J_t = ∂h_t/∂h_{t-1}``."""
    named: dict[tuple[str, bool], int] = {}
    for at, links in enumerate(stated):
        if isinstance(links, Mention) or not links[0].first:
            continue
        match links[0].left, links[0].right:
            case Symbol() as left, Quotient(Differential(), Differential(operand=by)) if (
                by != Symbol("t")
            ):
                named.setdefault(_name_and_time(left), at)
    return [
        g for g in found
        if all(g.at <= named.get(name, g.at)
               for n in (g.left, *_symbols(relation(g).sides[1]))
               for name in (_name_and_time(n), *_at_the_last(n)))
    ]  # fmt: skip


def _symbols(node: Node) -> Iterator[Symbol]:
    return (n for n in node.walk() if isinstance(n, Symbol))


def _name_and_time(symbol: Symbol) -> tuple[str, bool]:
    name, index = Naming().read(symbol)
    return name, index is not None


def _at_the_last(symbol: Symbol) -> Iterator[tuple[str, bool]]:
    """``λ_T`` as λ at some step."""
    if any(part == Symbol("T") for part in scripts(symbol)):
        yield from ((name, True) for name, _ in Naming().steps(symbol))


def _without_gradients(found: Sequence[Given]) -> list[Given]:
    """Equations without those of gradients that are named by a d: ``dc_t = dh_t ⊙ o_t``."""
    gradients = {f"d{g.left.base}" for g in found if isinstance(g.left, Symbol)}
    rest = [
        g for g in found
        if not any(isinstance(n, Symbol) and n.base in gradients for n in g.statement.node.walk())
    ]  # fmt: skip
    used = {n.base for g in rest for n in relation(g).sides[1].walk() if isinstance(n, Symbol)}
    by_parameters = {f"d{base}" for base in used if len(base) > 1 or base.isupper()} - used
    return [g for g in rest if g.left.base not in by_parameters]


def _given(at: int, link: Part, node: Relation, layers: Layers | None) -> Iterator[Given]:
    """The equation of a formula; one for each layer where it speaks of all."""
    f = link.formula
    for one in [node] if layers is None else layers.each(node):
        statement = Statement(one, Source(f.text, f.fragment.file.name))
        name = name_of(statement)
        defined = left_of(statement)
        if defined.base in LOSSES and Naming().read(defined)[1] is None:
            name += " in all"
        general = left_of(replace(statement, node=node)) if one != node else None
        yield Given(at, f, statement, name, link.left, general)


def _without_doubles(found: Sequence[Given]) -> list[Given]:
    """Equations without those of layers that have one of their own."""
    own = {g.name for g in found if g.written is None}
    return [g for g in found if g.written is None or g.name not in own]


def _by_vectors(found: Sequence[Given]) -> list[Given]:
    """Equations by elements as equations of vectors."""
    nodes = [g.statement.node for g in found]
    changed = by_vectors([n for n in nodes if isinstance(n, Relation)])
    return [
        g if new is g.statement.node else _restated(g, new)
        for g, new in zip(found, changed, strict=True)
    ]


def _restated(g: Given, node: Relation) -> Given:
    """A forward equation in other words."""
    statement = replace(g.statement, node=node)
    name = name_of(statement) + g.name.removeprefix(name_of(g.statement))
    return replace(g, statement=statement, name=name, written=g.written or g.left, elements=True)


def _of_steps(node: Node) -> Node:
    """``E(y_t, d_t)`` as the loss of step t, ``E_t``; its own arguments say that it is one."""
    match node:
        case Call(Symbol(base) as loss, arguments) if base in LOSSES and loss == Symbol(base):
            indices = [Naming().read(a)[1] for a in arguments if isinstance(a, Symbol)]
            if len(indices) == len(arguments) > 1 and {*indices} == {Index("t")}:
                return replace(loss, subscripts=(Symbol("t", span=loss.span),))
    return node if isinstance(node, Symbol) else node.rebuilt(_of_steps)


def _with_entries(node: Relation) -> Relation:
    """``(z_t)_i`` as ``z_{t,i}``."""

    def change(n: Node) -> Node:
        match n:
            case Subscripted(Group("(" | "[", (Symbol() as s,)), (part,)) if entry_letters(part):
                return replace(s, subscripts=(*s.subscripts, part), span=n.span)
        if isinstance(n, Call):
            return replace(n, arguments=tuple(map(change, n.arguments)))
        result: Node = n if isinstance(n, Symbol) else n.rebuilt(change)
        return result

    found = change(node)
    assert isinstance(found, Relation)
    return found


def _is_start(node: Relation) -> bool:
    """Whether a formula fixes an initial value: ``h_0 = 0``."""
    left, right = node.sides[0], node.sides[1]
    zero = right == Number(Fraction(0))
    return (
        zero
        and isinstance(left, Symbol)
        and any(part == Number(Fraction(0)) for part, _ in Naming("").parts(left))
    )


def _is_forward(node: Relation) -> bool:
    """Whether a formula looks like a step of the forward pass."""
    sides = defines(node)
    if sides is None:
        return False
    left, right = sides
    if left.base in ERRORS or has_derivative(right):
        return False
    if left.base in LOSSES and any(map(is_at_step, scripts(left))):
        return False
    for prefix in ("delta", "d_", "grad"):
        if left.base.startswith(prefix):
            return False
    return not any(
        is_dots(n)
        or (
            isinstance(n, Symbol)
            and (n.base in ("diag", "delta", "Delta", "nabla", "eta") or of_loss_by(n) is not None)
        )
        for n in right.walk()
    )


def claims(stated: Sequence[list[Part] | Mention]) -> set[int]:
    """The numbers of the formulas that hold derivatives."""
    return {
        at for at, links in enumerate(stated)
        if not isinstance(links, Mention)
        and any(has_derivative(p.left) or has_derivative(p.right) for p in links)
    }  # fmt: skip
