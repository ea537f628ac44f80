"""Forward equations as people write them, brought to what a model is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from symbptt.check.networks.entropies import likelihood
from symbptt.check.networks.losses import is_loss, is_start
from symbptt.check.networks.statements import defines, left_of, name_of, rewritten, right_of
from symbptt.check.notation.symbols import LOSSES
from symbptt.formula.tree import (
    Call,
    Group,
    Node,
    Number,
    Product,
    Relation,
    Sum,
    Symbol,
    Transpose,
)
from symbptt.model.functions import canonical
from symbptt.model.names import Naming, symbols
from symbptt.model.outline import Statement
from symbptt.model.terms import Index

#: What inputs are called.
INPUTS = frozenset({"x", "u", "X"})


def distinct(statements: Iterable[Statement]) -> Iterator[Statement]:
    """Definitions as single relations, the first of each name."""
    seen: set[str] = set()
    for s in statements:
        for one in _definitions(s):
            name = name_of(one)
            if left_of(one).base in LOSSES and Naming().read(left_of(one))[1] is not None:
                name += " of a step"
            if name not in seen:
                seen.add(name)
                yield one


def _definitions(s: Statement) -> Iterator[Statement]:
    """``h_t = f(W x) = f(z_t)``, or the other way round, defines h_t, and z_t as ``W x``."""
    sides = defines(s.node)
    if sides is None:
        return
    assert isinstance(s.node, Relation)
    if sides[0].base in LOSSES:  # L = Σ_t L_t = -Σ_t y_t log ŷ_t: what it is, not what it's called
        spelled = [x for x in s.node.sides[1:] if any(likelihood(n) for n in x.walk())]
        sides = sides[0], (spelled or [sides[1]])[0]
    yield replace(s, node=Relation(sides, ("=",), span=s.node.span))
    for a, b in zip(s.node.sides[1:], s.node.sides[2:], strict=False):
        match a, b:
            case (Call(f, (inner,)), Call(g, (Symbol() as name,))) | (
                Call(g, (Symbol() as name,)),
                Call(f, (inner,)),
            ) if f == g:
                yield replace(s, node=Relation((name, inner), ("=",), span=s.node.span))


def completed(found: list[Statement]) -> list[Statement]:
    """With ``h_t = f(a_t)`` where only ``a_t = W h_{t-1} + …`` is there: h is its activation."""
    missing, used = _missing(found)
    if len(missing) != 1:
        return found
    ((state, left),) = missing.items()
    unused = [s for s in found if name_of(s) not in used and not is_loss(s, found)]
    of_state = [s for s in unused if any(n == left for n in right_of(s).walk())]
    if len(of_state) != 1 or is_start(of_state[0]) or not all(_uses(s, state) for s in unused):
        return found
    (s,) = of_state  # the others are outputs: o_t = V h_t
    value = Call(Symbol("f"), (left_of(s),), span=left.span)
    return [*found, replace(s, node=Relation((_at_t(left), value), ("=",), span=left.span))]


def _uses(s: Statement, name: str) -> bool:
    return any(Naming().read(n)[0] == name for n in right_of(s).walk() if isinstance(n, Symbol))


def _missing(found: Sequence[Statement]) -> tuple[dict[str, Symbol], set[str]]:
    """What stands at an earlier step and is not defined, and all names that are used."""
    defined = {name_of(s) for s in found}
    earlier: dict[str, Symbol] = {}
    used = set()
    for s in found:
        for n in right_of(s).walk():
            if isinstance(n, Symbol):
                name, index = Naming().read(n)
                used.add(name)
                if index is not None and index.offset < 0 and index.anchor == "t":
                    earlier.setdefault(name, n)
    return {name: n for name, n in earlier.items() if name not in defined}, used


def _at_t(earlier: Symbol) -> Symbol:
    """``h_t`` for ``h_{t-1}``."""
    bare = Naming().bare(earlier)
    return replace(bare, subscripts=(*bare.subscripts, Symbol("t")))


def missing_update(found: Sequence[Statement], *, keeps: bool) -> Statement | None:
    """``h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t``, where a document has z and h̃ alone."""
    missing, _ = _missing(found)
    if len(missing) != 1:
        return None
    (old,) = missing.values()
    used = {Naming().read(n)[0] for s in found for n in symbols(right_of(s))}
    free = [left_of(s) for s in found if name_of(s) not in used and not is_loss(s, found)]
    new = [x for x in free if x.accents and x.base == old.base]
    gates = [x for x in free if x.base in ("z", "u") and not x.accents]
    if len(new) != 1 or len(gates) != 1:
        return None
    lets, holds = gates[0], Group("(", (Sum((Number(Fraction(1)), gates[0]), (1, -1)),))
    first, second = (lets, holds) if keeps else (holds, lets)
    value = Sum((Product((first, old), ("⊙",)), Product((second, new[0]), ("⊙",))), (1, 1))
    source = next(s for s in found if left_of(s) == new[0])
    return replace(source, node=Relation((_at_t(old), value), ("=",), span=source.node.span))


def one_spelling(found: list[Statement]) -> list[Statement]:
    """``z_t = U x_t + W S_{t-1}`` with ``s_{t-1}``, where s is defined and S is not."""
    naming = Naming()
    defined = {name_of(s) for s in found}
    small = {name.swapcase(): name for name in defined if len(name) == 1}

    def change(node: Node) -> Node:
        if not isinstance(node, Symbol):
            return node.rebuilt(change)
        name, index = naming.read(node)
        if name in defined or name not in small or index is None or index.offset >= 0:
            return node
        return replace(node, base=small[name])

    return [rewritten(s, change(right_of(s))) for s in found]


def with_earlier_inputs(found: list[Statement]) -> list[Statement]:
    """With ``x_t = given x_t`` where the input of the step before is used: ``h_{t+1} = f(x_t)``."""
    naming = Naming()
    defined = {name_of(s) for s in found}
    earlier: dict[str, Statement] = {}
    for s in found:
        for n in right_of(s).walk():
            if isinstance(n, Symbol) and n.base in INPUTS:
                name, index = naming.read(n)
                if index is not None and index.anchor == "t" and index.offset < 0:
                    at_t = naming.bare(n)
                    at_t = replace(at_t, subscripts=(*at_t.subscripts, Symbol("t")))
                    given = Symbol("given", subscripts=(Symbol(name), Symbol("t")))
                    whole = Relation((at_t, given), ("=",), span=n.span)
                    earlier.setdefault(name, replace(s, node=whole))
    return [*(s for name, s in earlier.items() if name not in defined), *found]


def _is_matrix(node: Node) -> bool:
    """Whether a factor is a weight by its looks: a capital letter without a step."""
    return isinstance(node, Symbol) and node.base[0] in "WUVA" and Naming().read(node)[1] is None


def gives_gate(s: Statement) -> bool:
    """Whether a quantity of each step is a sigmoid of vectors."""
    right, (_, index) = right_of(s), Naming().read(left_of(s))
    if index is None or not isinstance(right, Call):
        return False
    inside = [n for x in right.arguments for n in x.walk()]
    return canonical(right.function.base) == "sigmoid" and not any(
        isinstance(n, Transpose) for n in inside
    )


def entrywise(s: Statement, gates: frozenset[str]) -> Statement:
    """Product signs as a forward pass means them: ``⊗`` and a gate's entry by entry, ``W * x`` a
    matrix's."""

    def is_gate(node: Node) -> bool:
        match node:
            case Symbol():
                return Naming().read(node)[0] in gates
            case Group(_, (Sum((Number(), Symbol() as x), (1, -1)),)):  # 1 - z_t
                return is_gate(x)
        return False

    def is_timed(node: Node) -> bool:
        """Whether a factor stands at a step, as a gate does."""
        match node:
            case Symbol():
                return Naming().read(node)[1] is not None
            case Call(function, (Symbol() as x,)):
                return canonical(function.base) == "tanh" and is_timed(x)
        return is_gate(node)

    def sign(a: Node, o: str, b: Node) -> str:
        if o == "⊗" or (o in ("", "×", "·") and is_gate(a) and is_timed(b)):
            return "⊙"
        return "·" if o == "*" and _is_matrix(a) else o

    def change(node: Node) -> Node:
        if isinstance(node, Product):
            following = zip(node.factors, node.operators, node.factors[1:], strict=False)
            signs = tuple(sign(a, o, b) for a, o, b in following)
            node = replace(node, operators=signs)
        return node if isinstance(node, Symbol) else node.rebuilt(change)

    return rewritten(s, change(right_of(s)))


def timed(found: list[Statement]) -> list[Statement]:
    """Quantities that carry a time elsewhere get it where they stand without: ``c_t = f c_{t-1}``
    is ``c_t = f_t c_{t-1}``."""
    naming = Naming()
    timed = {
        name
        for s in found
        for n in s.node.walk()
        if isinstance(n, Symbol)
        for name, index in [naming.read(n)]
        if index is not None and index.anchor == "t"
    }
    timed |= {
        name_of(s)
        for s in found  # ŷ = softmax(V h_t): it is ŷ_t
        if naming.read(left_of(s))[1] is None and not is_loss(s, found)
        and (left_of(s).accents or _is_argument(s, found) or _is_used_at_t(s, found))
        and any(naming.read(n)[1] == Index("t") for n in symbols(right_of(s)))
    }  # fmt: skip

    def change(node: Node) -> Node:
        if isinstance(node, Symbol):
            name, index = naming.read(node)
            if index is None and name in timed and not node.primes:
                return replace(node, subscripts=(*node.subscripts, Symbol("t")))
            return node
        if isinstance(node, Call):
            return replace(node, arguments=tuple(map(change, node.arguments)))
        return node.rebuilt(change)

    return [s if is_loss(s, found) else replace(s, node=change(s.node)) for s in found]


def _is_used_at_t(own: Statement, found: Sequence[Statement]) -> bool:
    """Whether another equation makes a quantity of step t of one that bears no step:
    ``h_t = σ_o ⊙ tanh(c_t)``."""
    naming = Naming()
    return any(
        naming.read(left_of(s))[1] == Index("t")
        and any(naming.read(n) == (name_of(own), None) for n in symbols(right_of(s)))
        for s in found
    )


def _is_argument(own: Statement, found: Sequence[Statement]) -> bool:
    """Whether what a function gives at t is of a quantity that bears no step: ``y_t = f(z_y)``."""
    naming = Naming()
    for s in found:
        match right_of(s):
            case Call(_, (argument,)) | Product((Symbol(), Group("(", (argument,))), ("",)) if (
                naming.read(left_of(s))[1] == Index("t")
            ):
                same = isinstance(argument, Symbol) and naming.read(argument) == (
                    name_of(own),
                    None,
                )
                if same or argument == right_of(own):
                    return True
    return False


def linked(found: list[Statement]) -> list[Statement]:
    """Where a right side stands in another's, its symbol is put for it: with ``z_t = W x_t``,
    ``h_t = f(W x_t)`` is ``h_t = f(z_t)``, so that h_t depends on z_t."""
    for s in found:
        left, right = left_of(s), right_of(s)
        if isinstance(right, Symbol | Number):
            continue

        def change(node: Node, left: Symbol = left, right: Node = right) -> Node:
            if node == right:
                return replace(left, span=node.span)
            return node if isinstance(node, Symbol) else node.rebuilt(change)

        found = [o if left_of(o) == left else rewritten(o, change(right_of(o))) for o in found]
    return found


def split(found: list[Statement]) -> list[Statement]:
    """``h_t = f(W x_t)`` as two equations, so that derivatives by the argument can be taken."""
    split: list[Statement] = []
    for s in found:
        match right_of(s):
            case Call(f, (inner,)) if not is_loss(s, found) and not isinstance(inner, Symbol):
                name = Symbol("pre", subscripts=(Symbol(name_of(s)), Symbol("t")), span=inner.span)
                split.append(replace(s, node=Relation((name, inner), ("=",), span=inner.span)))
                s = rewritten(s, Call(f, (name,), span=right_of(s).span))
        split.append(s)
    return split
