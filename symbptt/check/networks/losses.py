"""The loss of a document's network: its own formula, or one known by name alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbptt.check.notation.scripts import ENTRY_LETTERS, unbracketed
from symbptt.check.notation.shares import Share, share_in
from symbptt.check.notation.symbols import LOSSES
from symbptt.formula import parse
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Group,
    Node,
    Number,
    Power,
    Product,
    Relation,
    Sum,
    Symbol,
    Transpose,
)
from symbptt.model.draft import Source
from symbptt.model.functions import canonical
from symbptt.model.names import Naming
from symbptt.model.outline import Statement

#: What the cross-entropy is called.
_ENTROPY = re.compile(r"cross_?ent(ropy)?(_?loss)?|ce|xent", re.IGNORECASE)
#: What the target is called where a document names none.
UNNAMED_TARGET = "target"


def left_of(s: Statement) -> Symbol:
    """The symbol that a statement defines."""
    assert isinstance(s.node, Relation)
    assert isinstance(s.node.sides[0], Symbol)
    return s.node.sides[0]


def right_of(s: Statement) -> Node:
    """What a statement defines a symbol as."""
    assert isinstance(s.node, Relation)
    return s.node.sides[1]


def name_of(s: Statement) -> str:
    return Naming().read(left_of(s))[0]


def rewritten(s: Statement, right: Node) -> Statement:
    return replace(s, node=Relation((left_of(s), right), ("=",), span=s.node.span))


def is_loss(s: Statement, found: Sequence[Statement]) -> bool:
    """Whether a statement is about the loss: ``C`` is one unless a state is called so, and
    ``C̃`` is not."""
    if left_of(s).base not in LOSSES or left_of(s).accents:
        return False
    name, naming = name_of(s), Naming()
    if any(_is_state(o) for o in found if left_of(o).base == left_of(s).base):
        return False  # C̃_t beside C_t = f_t ⊙ C_{t-1} + …
    for o in found:
        if left_of(o).base in LOSSES and o is not s:
            continue
        for n in right_of(o).walk():
            if not isinstance(n, Symbol):
                continue
            read, index = naming.read(n)
            if read == name and index is not None and (o is not s or index.offset):
                return False
    return True


def _is_state(s: Statement) -> bool:
    """Whether a statement uses what it defines at the step before."""
    name, naming = name_of(s), Naming()
    earlier = (naming.read(n) for n in right_of(s).walk() if isinstance(n, Symbol))
    return any(read == name and index is not None and index.offset < 0 for read, index in earlier)


@dataclass(frozen=True)
class Attempt:
    """Equations with a loss; ``stated``: the loss is as the document has it; ``unread``: the
    document has one that isn't read; ``share``: the loss of a step, where it has a name."""

    equations: list[Statement]
    loss: Statement
    stated: bool = False
    unread: bool = False
    share: Share | None = None


def attempts(found: Sequence[Statement], *, last: bool = False) -> Iterator[Attempt]:
    """Equations with a loss: the document's own, or one known by name alone.

    ``last``: only the last step has an output.
    """
    naming = Naming()
    found = [_with_named_entropy(s, found) if is_loss(s, found) else s for s in found]
    equations = [
        s for s in found if not is_loss(s, found) and (naming.read(left_of(s))[1] or is_start(s))
    ]
    own = [s for s in found if is_loss(s, found)]
    whole = [s for s in own if naming.read(left_of(s))[1] is None]
    of_step = {left_of(s).base: s for s in own if naming.read(left_of(s))[1] is not None}
    output = _output(equations)
    named = {base for s in whole for base in _losses_called(right_of(s))}
    functions = [s for s in whole if left_of(s).base in named and len(whole) > 1]
    whole = [s for s in whole if s not in functions]
    shares = {base: scalar_loss(right_of(s)) for base, s in of_step.items()}
    if output is not None and not shares:
        shares = {base: _abstract_share(output) for base in LOSSES}
    for s in whole:
        said = rewritten(s, _with_one_sign(_from_one(scalar_loss(right_of(s))), shares))
        given = rewritten(s, _with_shares(right_of(said), shares))
        yield Attempt(equations, given, not functions, bool(functions), share_of(said))
    for s in () if whole else of_step.values():
        left = naming.bare(left_of(s))
        body = _sum_over_steps(scalar_loss(right_of(s)))
        given = replace(s, node=Relation((left, body), ("=",), span=s.node.span))
        yield Attempt(equations, given, stated=True)
    for s in whole or of_step.values():
        unknown = _abstracted(right_of(s), {name_of(e) for e in equations})
        if unknown is not None:
            left = naming.bare(left_of(s)) if naming.read(left_of(s))[1] else left_of(s)
            body = _sum_over_steps(unknown) if naming.read(left_of(s))[1] else unknown
            given = replace(s, node=Relation((left, body), ("=",), span=s.node.span))
            yield Attempt(equations, given, unread=True, share=share_of(s))
    if output is not None:
        share = _abstract_share(output)
        body = _at_step(share, Symbol("T")) if last else _sum_over_steps(share)
        default = Statement(Relation((Symbol("L"), body), ("=",)), Source("L = \\sum_t L_t"))
        yield Attempt(equations, default, unread=bool(own))


def share_of(s: Statement) -> Share | None:
    """The loss of a step in a statement about the whole."""
    return share_in(right_of(s)) if Naming().read(left_of(s))[1] is None else None


def _from_one(node: Node) -> Node:
    """``Σ_{t=0}^{T} L_t`` from the first step that a model computes, where it goes up to T."""
    match node:
        case BigOperator("sum", index=Symbol("t"), lower=Number(first), upper=Symbol("T")):
            return replace(node, lower=Number(Fraction(1))) if first == 0 else node
        case Product() | Sum():
            return node.rebuilt(_from_one)
    return node


def _losses_called(body: Node) -> set[str]:
    """The losses that a formula applies: ℓ in ``Σ_t ℓ(y_t, d_t)``."""
    return {n.function.base for n in body.walk() if isinstance(n, Call)} & LOSSES


def _abstract_share(output: Symbol) -> Node:
    """``L_t(ŷ_t, target_t)``: the loss of a step by name alone."""
    return Call(Symbol("L", subscripts=(Symbol("t"),)), (output, parse(f"{UNNAMED_TARGET}_t")))


def _at_step(node: Node, at: Node) -> Node:
    """What stands at step t at another step."""
    if node == Symbol("t"):
        return at
    return node.rebuilt(lambda n: _at_step(n, at))


def _with_shares(body: Node, shares: Mapping[str, Node]) -> Node:
    """``1/T Σ_t L_t`` with what the loss of a step is put for it."""

    def change(node: Node) -> Node:
        match node:
            case Symbol(base) | Call(Symbol(base), _) if base in shares:
                name = node.function if isinstance(node, Call) else node
                _, index = Naming().read(name)
                abstract = isinstance(node, Call) and bool(_losses_called(shares[base]))
                if index is not None and not abstract:
                    at: Node = Symbol("T") if index.anchor == "T" else Symbol("t")
                    return Group("(", (_at_step(shares[base], at),), span=node.span)
        if isinstance(node, Call):
            return replace(node, arguments=tuple(map(change, node.arguments)))
        return node if isinstance(node, Symbol) else node.rebuilt(change)

    return change(body)


def _with_one_sign(body: Node, shares: Mapping[str, Node]) -> Node:
    """``-Σ_t E_t`` as ``Σ_t E_t``, where ``E_t = -yᵀ log p`` has the sign already."""
    match body:
        case Sum((BigOperator(body=Symbol(base)) as total,), (-1,)):
            share = shares.get(base)
            if isinstance(share, Call) and share.function.base.endswith("cross_entropy"):
                return total
    return body


def is_start(s: Statement) -> bool:
    """Whether a statement fixes an initial value."""
    return isinstance(right_of(s), Number) and any(
        not index.anchor for _, index in Naming().steps(left_of(s))
    )


#: The usual loss of what an activation gives.
_ENTROPIES = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}


def _entropy(p: Node, found: Sequence[Statement]) -> str | None:
    """The cross-entropy of what a softmax or a sigmoid gives."""
    if not isinstance(p, Symbol):
        return None
    names = {Naming().read(p)[0], *(name for name, _ in Naming().steps(p))}
    for s in found:
        body = right_of(s)
        if name_of(s) in names and isinstance(body, Call):
            return _ENTROPIES.get(canonical(body.function.base) or "")
    return None


def _with_named_entropy(s: Statement, found: Sequence[Statement]) -> Statement:
    """``CrossEntropy(y_t, p_t)`` as the function that it names."""

    def change(node: Node) -> Node:
        match node:
            case Call(Symbol(name), (Symbol() as a, Symbol() as b)) if _ENTROPY.fullmatch(name):
                return _as_known(node, a, b, found)
        return node if isinstance(node, Symbol) else node.rebuilt(change)

    return rewritten(s, change(right_of(s)))


def _as_known(node: Node, a: Node, b: Node, found: Sequence[Statement]) -> Node:
    """A loss of an output and a target, in either order, as the entropy of the output."""
    for p, y in ((a, b), (b, a)):
        entropy = _entropy(p, found)
        if entropy is not None:
            return Call(Symbol(entropy), (p, y), span=node.span)
    return node


def with_known_loss(s: Statement, found: Sequence[Statement], name: str) -> Statement:
    """``L_t(ŷ_t, y_t)`` as the cross-entropy, where ŷ is a softmax or a sigmoid, or as the
    squared error."""

    def change(node: Node) -> Node:
        match node:
            case Call(Symbol(base), (a, b)) if base in LOSSES and name == "squared_error":
                return Call(Symbol("squared_error"), (a, b), span=node.span)
            case Call(Symbol(base), (a, b)) if base in LOSSES:
                known = _as_known(node, a, b, found)
                if known is not node:
                    return known
        return node if isinstance(node, Symbol) else node.rebuilt(change)

    return rewritten(s, change(right_of(s)))


def with_softmax(loss: Statement, equations: Sequence[Statement]) -> list[Statement]:
    """Equations in which the output that a loss compares is a softmax, where its function is known
    by name alone: ``ŷ_t = g(o_t)``."""
    compared = {
        Naming().read(a)[0] for n in right_of(loss).walk()
        if isinstance(n, Call) and n.function.base in LOSSES
        for a in n.arguments if isinstance(a, Symbol)
    }  # fmt: skip

    def change(s: Statement) -> Statement:
        match right_of(s):
            case Call(Symbol(g), (o,)) | Product((Symbol(g), Group("(", (o,))), ("",)) if (
                name_of(s) in compared and canonical(g) is None
            ):
                return rewritten(s, Call(Symbol("softmax"), (o,), span=right_of(s).span))
        return s

    return [s if _is_state(s) else change(s) for s in equations]


def _abstracted(body: Node, outputs: set[str]) -> Node | None:
    """A loss that is not read, ``Σ_t ‖ŷ_t - y_t‖``, as one known by name alone."""
    match body:
        case BigOperator(body=inner):
            known = _abstracted(inner, outputs)
            return None if known is None else replace(body, body=known)
    naming = Naming()
    named = {
        next((rest for rest, _ in naming.steps(n)), naming.read(n)[0]): n for n in body.walk()
        if isinstance(n, Symbol) and n.base not in LOSSES and naming.index(n) is None
    }  # fmt: skip
    is_named = isinstance(body, Call) and body.function.base in LOSSES
    if not named.keys() & outputs or is_named or len(named) > 3:
        return None
    return Call(Symbol("ell"), tuple(named.values()), span=body.span)


def _sum_over_steps(body: Node) -> Node:
    return BigOperator("sum", body, Symbol("t"), Number(Fraction(1)), Symbol("T"), span=body.span)


def scalar_loss(body: Node) -> Node:
    """``-y log p`` and ``‖y - d‖²`` as books write them: a cross-entropy, a product."""
    body = _timed_call(_without_norms(_without_entries(body)))
    match body:
        case Sum((inner,), (-1,)):
            replaced = _as_entropy(inner)
            if replaced is not None:
                return replaced
    return body


def _timed_call(node: Node) -> Node:
    """``ℓ(x_t)`` as ``ℓ_t(x_t)``: a loss is one number, whatever it is of."""
    match node:
        case Call(Symbol(base) as f, (_,)) if base in LOSSES and f == Symbol(base):
            return replace(node, function=replace(f, subscripts=(Symbol("t"),)))
    return node if isinstance(node, Symbol) else node.rebuilt(_timed_call)


def _as_entropy(node: Node) -> Node | None:
    """A log-likelihood as the cross-entropy that it is the negative of: all of it, or nothing."""
    known = likelihood(node)
    if known is not None:
        before, y, p = known
        return _scaled(before, Call(Symbol("cross_entropy"), (p, y), span=node.span))
    match node:
        case Sum((first, second), (1, 1)) if (of := likelihood(first)) is not None:
            before, y, p = of
            if before or not _is_other_half(second, p):
                return None
            return Call(Symbol("binary_cross_entropy"), (p, y), span=node.span)
        case BigOperator(body=body) if (inner := _as_entropy(body)) is not None:
            return replace(node, body=inner)
        case Group(_, (item,)) if (inner := _as_entropy(item)) is not None:
            return replace(node, items=(inner,))
        case Product((*factors, last)) if (inner := _as_entropy(last)) is not None:
            return replace(node, factors=(*factors, inner))
    return None


def _scaled(before: tuple[Node, ...], loss: Node) -> Node:
    if not before:
        return loss
    return Product((*before, loss), ("",) * len(before), span=loss.span)


def _is_other_half(node: Node, p: Node) -> bool:
    """``(1 - y)ᵀ log(1 - p)``, beside ``yᵀ log p``."""
    rest = Sum((Number(Fraction(1)), p), (1, -1))
    logs = (n.arguments[0] for n in node.walk()
            if isinstance(n, Call) and n.function.base in ("log", "ln"))  # fmt: skip
    return any(unbracketed(arg) == rest for arg in logs)


def _without_entries(node: Node) -> Node:
    """``Σ_k y_k log p_k`` and ``Σ_k (y_k - d_k)²`` as formulas of vectors."""
    if isinstance(node, Symbol):
        return node
    node = node.rebuilt(_without_entries)
    match node:
        case BigOperator("sum", body, index=Symbol(letter)) if letter in ENTRY_LETTERS:
            whole = _without_entry(body, letter)
            squared = any(isinstance(n, Power) for n in whole.walk())
            if squared or any(likelihood(n) is not None for n in whole.walk()):
                return whole
    return node


def _without_entry(node: Node, letter: str) -> Node:
    """A formula without the letter of an entry: ``y_{t,k}`` is ``y_t``."""
    if isinstance(node, Symbol):
        below, above, behind = (
            tuple(p for p in parts if p != Symbol(letter))
            for parts in (node.subscripts, node.superscripts, node.indices)
        )
        return replace(node, subscripts=below, superscripts=above, indices=behind)
    return node.rebuilt(lambda n: _without_entry(n, letter))


def _without_norms(node: Node) -> Node:
    """``‖v‖²`` as ``vᵀ v``."""
    if isinstance(node, Symbol):
        return node
    node = node.rebuilt(_without_norms)
    match node:
        case Power(Group("‖" | "|" | "(", (inner,)), Number(value)) if value == 2 and (
            node.base != Group("(", (inner,)) or isinstance(inner, Sum)
        ):
            v = Group("(", (inner,), span=node.span)
            return Product((Transpose(v), v), ("",), span=node.span)
    return node


def likelihood(node: Node) -> tuple[tuple[Node, ...], Node, Node] | None:
    """``… yᵀ log p``: what stands before it, y and p."""
    match node:
        case Product((*before, y, Call(Symbol("log" | "ln"), (p,))), _):
            plain = y.operand if isinstance(y, Transpose) else y
            if isinstance(plain, Group) and len(plain.items) == 1:
                plain = plain.items[0]
            if isinstance(plain, Symbol):
                return tuple(before), plain, p
    return None


def _output(equations: Sequence[Statement]) -> Symbol | None:
    """The last quantity that no other equation of the same step uses."""
    naming = Naming()
    used = Counter(
        name
        for s in equations
        for n in right_of(s).walk()
        if isinstance(n, Symbol)
        for name, index in [naming.read(n)]
        if index is not None and not index.offset
    )
    free = [left_of(s) for s in equations if not used[name_of(s)] and not is_start(s)]
    answers = [s for s in free if "hat" in s.accents or s.base in ("y", "yhat", "p", "o")]
    return (answers or free)[-1] if free else None
