"""The forward equations of a document: which formulas they are, and which hold together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import permutations

from symbptt.check.documents.formulas import Formula
from symbptt.check.networks.adjoints import adjoints, name_at_step
from symbptt.check.networks.given import Given
from symbptt.check.networks.kept import (
    without_code,
    without_derivatives,
    without_doubles,
    without_gradients,
    without_instances,
)
from symbptt.check.networks.parts import EQUAL, Mention, Part, has_derivative, stepped_letters
from symbptt.check.networks.stacked import apart
from symbptt.check.networks.statements import defines, left_of, name_of
from symbptt.check.networks.steps import in_t, letters_of_steps, unshifted, up_to_T
from symbptt.check.notation.elements import by_vectors
from symbptt.check.notation.ellipsis import is_dots
from symbptt.check.notation.layers import Layers, layers_of
from symbptt.check.notation.namings import is_diagonal
from symbptt.check.notation.scripts import entry_letters, is_at_step, is_time, scripts
from symbptt.check.notation.shares import share_given
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
    shares: list[tuple[Given, ...]] = []
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
                both = (_given(at, links[0], n, layers) for n in _with_share(node))
                shares += zip(*both, strict=False)
    told = without_derivatives(_with_shares(found, shares), stated)
    own = without_code(without_gradients(without_doubles(_by_what_is_told(told))))
    return _by_vectors(without_instances(own))


def _with_share(node: Relation) -> Iterator[Relation]:
    """``E = Σ_t E_t`` and ``E_t = z_t`` where a chain says ``E = Σ_t E_t = Σ_t z_t``."""
    if isinstance(left := node.sides[0], Symbol) and left.base in LOSSES:
        for total, same in permutations(node.sides[1:], 2):
            if (share := share_given(total, same)) is not None:
                yield replace(node, sides=(left, total), operators=("=",))
                yield replace(node, sides=share, operators=("=",))
                return


def _with_shares(found: list[Given], shares: Sequence[tuple[Given, ...]]) -> list[Given]:
    """Equations with those that chains give of the loss of a step that has no other."""
    own = {g.name for g in found}
    told = {whole.at: (whole, share) for whole, share in shares if share.name not in own}
    return [one for g in found for one in told.get(g.at, (g,))]


def _by_what_is_told(found: Sequence[Given]) -> list[Given]:
    """Equations by the side of their chain that says most: ``f_t = σ(W_h h_{t-1} + W_x x_t)`` where
    a chain says that of ``f_t = σ(W u_t)``, and nothing else says what u is."""
    defined = {g.name for g in found}
    naming = Naming()

    def stepped(side: Node) -> set[tuple[str, int]]:
        read = (naming.read(n) for n in side.walk() if isinstance(n, Symbol))
        return {(name, at.offset) for name, at in read if at is not None}

    def told(g: Given) -> Given:
        node = g.statement.node
        if not isinstance(node, Relation) or len(node.sides) < 3:
            return g
        left, first, *others = node.sides
        if isinstance(first, Call) and all(isinstance(a, Symbol) for a in first.arguments):
            return g  # h_t = σ(z_t) = σ(W h_{t-1} + …): a name for the argument
        names, goes_back = stepped(first), any(at < 0 for _, at in stepped(first))
        if goes_back or all(name in defined for name, _ in names):
            return g
        better = next((s for s in others if any(at < 0 for _, at in stepped(s))), None)
        if better is None or not names.isdisjoint(stepped(better)):
            return g
        new = replace(node, sides=(left, better), operators=("=",))
        return replace(g, statement=replace(g.statement, node=new))

    return [told(g) for g in found]


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


def _without_sets(links: list[Part]) -> list[Part]:
    """The links of a formula but for the set that its value is in: ``f_t = σ(z_t) ∈ (0, 1)^n``."""
    return links[:-1] if links[-1].sign == "∈" else links


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


#: The steps whose values are given: before the first, and after the last of what runs backwards.
_STARTS = (Number(Fraction(0)), Sum((Symbol("T"), Number(Fraction(1))), (1, 1)))


def _is_start(node: Relation) -> bool:
    """Whether a formula fixes an initial value: ``h_0 = 0``, or ``h_{T+1} = 0``."""
    left, right = node.sides[0], node.sides[1]
    return (
        right == Number(Fraction(0))
        and isinstance(left, Symbol)
        and any(part in _STARTS for part, _ in Naming("").parts(left))
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
            and (
                n.base in ("diag", "delta", "Delta", "nabla")
                or (n.base == "eta" and not any(map(is_time, scripts(n))))  # of learning
                or of_loss_by(n) is not None
            )
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
