"""The forward equations of a document: which formulas they are, and which hold together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbptt.check.documents.formulas import Formula
from symbptt.check.networks.parts import EQUAL, Mention, Part, has_derivative, stepped_letters
from symbptt.check.networks.statements import defines, left_of, name_of
from symbptt.check.notation.elements import by_vectors
from symbptt.check.notation.ellipsis import is_dots
from symbptt.check.notation.layers import Layers, layers_of
from symbptt.check.notation.namings import is_diagonal
from symbptt.check.notation.scripts import entry_letters, is_at_step, scripts
from symbptt.check.notation.symbols import ERRORS, LOSSES, of_loss_by
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Group,
    Node,
    Number,
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


def _in_T(node: Relation, horizons: frozenset[str], stepped: frozenset[str]) -> Relation:
    """An equation whose letter for the number of steps is T: in ``Σ_{t=1}^n``, and in ``h_n``
    where h stands at t elsewhere."""

    def script(p: Node) -> Node:
        is_last = isinstance(p, Symbol) and p.is_bare and p.base in horizons
        return Symbol("T", span=p.span) if is_last else p

    def change(n: Node) -> Node:
        if isinstance(n, Symbol) and n.base in stepped:
            below, above, behind = (
                tuple(map(script, parts)) for parts in (n.subscripts, n.superscripts, n.indices)
            )
            return replace(n, subscripts=below, superscripts=above, indices=behind)
        if isinstance(n, BigOperator) and isinstance(n.upper, Symbol) and n.upper.base in horizons:
            n = replace(n, upper=Symbol("T", span=n.upper.span))
        result: Node = n.rebuilt(change)
        return result

    found = change(node)
    assert isinstance(found, Relation)
    return found


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
    steps = _step_letters(stated)
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
        node = unshifted(Relation(sides, tuple("=" for _ in sides[1:]), span=links[0].span))
        node = _with_entries(in_t(_in_T(node, horizons, stepped), steps))
        if not (_is_forward(node) or _is_start(node)):
            continue
        if isinstance(left, Symbol) and is_diagonal(left):
            continue
        found += _given(at, links[0], node, layers)
    own = _without_code(_without_gradients(_without_doubles(found)))
    return _by_vectors(_without_instances(own))


def _without_code(found: Sequence[Given]) -> list[Given]:
    """Equations without those of programs for what the text gives: ``L = cross_entropy(y, d)``."""
    told = {g.name for g in found if g.formula.fragment.language is None}
    return [g for g in found if g.formula.fragment.language is None or g.name not in told]


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


def _letters(symbol: Symbol) -> list[str]:
    """The letters that hang on a symbol."""
    parts = (*symbol.subscripts, *symbol.superscripts, *symbol.indices)
    return [p.base for p in parts if isinstance(p, Symbol) and p == Symbol(p.base)]


def _counts_steps(node: Relation) -> str | None:
    """The letter other than t that an equation counts steps by: k in ``s_k = f(s_{k-1})``."""
    left = node.sides[0]
    if not isinstance(left, Symbol) or any(n == Symbol("t") for n in node.walk()):
        return None
    for letter in _letters(left):
        before = Sum((Symbol(letter), Number(Fraction(1))), (1, -1))
        if letter in ("k", "n", "i", "tau", "s") and before in node.sides[1].walk():
            return letter
    return None


def _step_letters(stated: Sequence[list[Part] | Mention]) -> dict[str, str]:
    """What is given at a step that another letter than t counts, and by which letter."""
    found: dict[str, str] = {}
    for links in stated:
        if not isinstance(links, Mention) and links and links[0].first:
            left, letter = links[0].left, _counts_steps(links[0].relation)
            if isinstance(left, Symbol) and letter is not None:
                found[left.base] = letter
    return found


def in_t(node: Relation, steps: Mapping[str, str] = {}) -> Relation:
    """``s_k = f(s_{k-1})`` as an equation in t, and with it ``y_k = V s_k``.

    ``steps``: what is known to be given at steps that other letters count.
    """
    left = node.sides[0]
    if not isinstance(left, Symbol):
        return node
    own = _counts_steps(node)
    earlier = [own] if own is not None else [
        letter for n in node.sides[1].walk() if isinstance(n, Symbol)
        for letter in [steps.get(n.base)]
        if letter in _letters(n) and letter in _letters(left)
        and not any(x == Symbol("t") for x in node.walk())
    ]  # fmt: skip
    if not earlier or earlier[0] is None:
        return node

    def change(n: Node) -> Node:
        if n == Symbol(earlier[0]):
            return Symbol("t", span=n.span)
        result: Node = n.rebuilt(change)
        return result

    found = change(node)
    assert isinstance(found, Relation)
    return found


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


def unshifted(node: Relation) -> Relation:
    """``h_{t+1} = f(h_t)`` as an equation for h_t."""
    left = node.sides[0]
    if not isinstance(left, Symbol):
        return node
    _, index = Naming().read(left)
    if index is None or index.anchor != "t" or not index.offset:
        return node
    offset = index.offset

    def change(n: Node) -> Node:
        match n:
            case Symbol("t") if n == Symbol("t"):
                return _later(-offset, n)
            case Sum(terms) if any(t == Symbol("t") for t in terms):
                index = Naming().index(n)
                if index is not None and index.anchor == "t":
                    return _later(index.offset - offset, n)
        result: Node = n.rebuilt(change)
        return result

    found = change(node)
    assert isinstance(found, Relation)
    return found


def _later(offset: int, at: Node) -> Node:
    t = Symbol("t", span=at.span)
    if not offset:
        return t
    return Sum((t, Number(Fraction(abs(offset)))), (1, 1 if offset > 0 else -1), span=at.span)


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
