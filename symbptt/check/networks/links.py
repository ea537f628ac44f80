"""How a link of a formula is taken: as a claim about the quantities of a model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from symbptt.check.meaning.claims import Claim
from symbptt.check.meaning.norms import OF_SPECTRA, named
from symbptt.check.networks.epoch import Epoch
from symbptt.check.networks.parts import (
    ADDING,
    Mention,
    Part,
    has_derivative,
    links_of,
    stepped_letters,
)
from symbptt.check.notation.factors import with_pairs
from symbptt.check.notation.language import alternatives, said
from symbptt.check.notation.scripts import is_time, is_value, scripts, unbracketed
from symbptt.check.notation.symbols import ACTIVATION_NAMES, ERRORS, LOSSES, PREFIXES, Scope
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Differential,
    Group,
    Node,
    Number,
    Power,
    Primed,
    Product,
    Quotient,
    Span,
    Sum,
    Symbol,
    Text,
    Transpose,
)
from symbptt.model import terms as tm
from symbptt.model.functions import canonical
from symbptt.model.model import Model
from symbptt.model.names import Naming

#: Words, or the formula before, that speak of one step: ``dL/dW (t = 2) = …``.
_ONE_STEP = re.compile(
    rf"\(\s*(at\s+)?t\s*=\s*\w+\s*\)|{alternatives('speaks of one step')}", re.IGNORECASE
)

#: Words before a value that an example begins with.
_SUPPOSES = said("assumes a value")


def claim_of(part: Part, epoch: Epoch) -> Claim:
    """What a link claims, with functions as calls and parts of equations by their names."""
    named = (_by_parts(_with_names(x, epoch), epoch) for x in (part.left, part.right))
    left, right = (called(x, epoch.functions) for x in named)
    share = part.sign in ADDING
    return Claim(
        left, right, part.conditions, share, _ONE_STEP.search(words_before(part)) is not None
    )


def _with_names(node: Node, epoch: Epoch) -> Node:
    """What is differentiated by the name that the model gives it."""
    if not epoch.named:
        return node
    names = dict(epoch.named)

    def change(n: Node) -> Node:
        if isinstance(n, Differential) and n.operand is not None:
            part = unbracketed(n.operand)
            if part in names:
                return replace(n, operand=names[part])
        return n if isinstance(n, Symbol) else n.rebuilt(change)

    return change(node)


def _by_parts(node: Node, epoch: Epoch) -> Node:
    """``δ_{r ⊙ h}`` as the gradient by a part of an equation, ``r_t ⊙ h_{t-1}``."""
    if not epoch.named:
        return node
    if not isinstance(node, Symbol):
        return node.rebuilt(lambda n: _by_parts(n, epoch))
    by = next((name for part, name in epoch.named if names_part(node, part)), None)
    loss = Symbol(epoch.model.loss_name, span=node.span)
    return node if by is None else Quotient(
        Differential("∂", loss, span=node.span), Differential("∂", by, span=node.span),
        span=node.span,
    )  # fmt: skip


def names_part(symbol: Symbol, part: Node) -> bool:
    """Whether a gradient bears, in a script, a part of an equation, with its steps or without."""
    if symbol.base not in ERRORS or symbol.accents or symbol.primes:
        return False
    every = [*map(unbracketed, scripts(symbol))]
    of = [x for x in every if isinstance(x, Product) and {*x.operators} != {""}]
    if len(of) != 1 or any(x not in (of[0], Symbol("t")) for x in every):
        return False
    bare = _without_steps(part)
    return bare != part and of[0] in (part, bare)


def _without_steps(node: Node) -> Node:
    if not isinstance(node, Symbol):
        return node.rebuilt(_without_steps)
    below, above, beside = (
        tuple(x for x in every if not is_time(x))
        for every in (node.subscripts, node.superscripts, node.indices)
    )
    return replace(node, subscripts=below, superscripts=above, indices=beside)


def called(node: Node, functions: frozenset[str]) -> Node:
    """``g (z)`` as a call, where g is a function of the model."""
    bases = {n.base for n in node.walk() if isinstance(n, Symbol)}
    if bases.isdisjoint(functions | OF_SPECTRA):
        return node
    node = node.rebuilt(lambda n: called(n, functions))
    return with_pairs(node, lambda name, f: _call(name, f, functions))


def _call(name: Node, f: Node, functions: frozenset[str]) -> Call | Power | None:
    """``g`` and ``(z)``, or ``(z)'``, as a call of g, or of its derivative."""
    if not isinstance(name, Symbol):
        return None
    if not (name == Symbol(name.base) and name.base in functions) and not named(name, functions):
        return None
    span = Span(name.span.start, f.span.end)
    match f:
        case Power(Group("(", items) as arguments, exponent) if named(name, functions):
            inner = Call(name, items, span=Span(name.span.start, arguments.span.end))
            return Power(inner, exponent, span=span)
        case Group("(", items):
            return Call(name, items, span=span)
        case Primed(Group("(", items), count):
            return Call(replace(name, primes=count), items, span=span)
    return None


def words_before(part: Part) -> str:
    """The words before a formula."""
    return part.formula.fragment.before[-400:]


def is_assumed(part: Part) -> bool:
    """Whether the words before a formula say that its value is that of an example."""
    return is_value(part.right) and _SUPPOSES.search(words_before(part)) is not None


def given_values(part: Part) -> Iterator[str]:
    """The names of what a formula gives a value, or assumes to be one of a gradient by it."""
    left = part.left
    if not is_value(part.right) or part.right == Number(Fraction(0)):
        return
    match left:
        case Quotient(_, Differential(operand=Symbol() as by)) if is_assumed(part):
            left = by
    if isinstance(left, Symbol):
        yield from (Naming().read(left)[0], *(rest for rest, _ in Naming().steps(left)))


def horizons(stated: Sequence[list[Part] | Mention]) -> frozenset[str]:
    """The letters that stand for the number of steps: T, and what sums over t go up to.

    A document that never writes t sums over k.
    """
    found: set[str] = set()
    running: set[str] = set()  # τ in Σ_{τ=1}^t is no end
    stepped = stepped_letters(stated)
    step = "t" if any(_writes(p, "t") for p in links_of(stated)) else "k"
    for part in links_of(stated):
        for n in (*part.left.walk(), *part.right.walk()):
            if isinstance(n, BigOperator) and isinstance(n.index, Symbol):
                running.add(n.index.base)
            match n:
                case BigOperator("sum", index=Symbol(index), upper=Symbol(letter) as upper):
                    if index == step and upper == Symbol(letter):
                        found.add(letter)
        if isinstance(part.left, Symbol) and not any(map(is_time, scripts(part.left))):
            found |= _last_steps(part.right, stepped)  # y = V h_n
    if "T" in found or any(_writes(p, "T") for p in links_of(stated)):
        return frozenset({"T"}) | (found & {"tau"})
    return frozenset({"T"}) | ({"tau"} - running) | (found & {"tau", *"nNSmKM"})


def _last_steps(right: Node, stepped: frozenset[str] | set[str]) -> set[str]:
    """The letters at which a formula takes states that elsewhere stand at t."""
    states = (n for n in right.walk() if isinstance(n, Symbol) and n.base in stepped)
    return {p.base for s in states for p in scripts(s) if isinstance(p, Symbol) and p.is_bare}


def _writes(part: Part, letter: str) -> bool:
    """Whether a letter is a step somewhere: T in ``δ_T``."""
    return any(n == Symbol(letter) for side in (part.left, part.right) for n in side.walk())


def is_chain(node: Node) -> bool:
    """Whether a side is made of derivatives alone: a chain rule, in products and sums."""
    match node:
        case Quotient(Differential(), Differential()) | Number() | Text():
            return True
        case Product(factors):
            return all(map(is_chain, factors))
        case Sum(terms):
            return all(map(is_chain, terms))
        case Group("(" | "[" | "{", (inner,)) | Transpose(inner):
            return is_chain(inner)
        case BigOperator(body=body):
            return is_chain(body)
    return False


def function_defined(part: Part) -> str | None:
    """The function of one letter that a formula gives: σ in ``σ(z) = e^z / Σ_j e^{z_j}``."""
    if has_derivative(part.left) or has_derivative(part.right):
        return None
    match part.left:
        case Call(Symbol(name, primes=0), (Symbol() as of,)) | Product(
            (Symbol(name, primes=0), Group("(", (Symbol() as of,))), ("",)
        ):
            return name if of.is_bare else None
    return None


def is_forward_claim(part: Part, scope: Scope) -> bool:
    """Whether a claim is about a value of the forward pass, not about a derivative; of a chain, it
    is if the chain says what the loss is."""
    if has_derivative(part.left) or has_derivative(part.right):
        return False
    if part.origin is not None:
        return _is_loss(part.origin, scope)
    if not isinstance(part.left, Symbol):
        return False
    meant = scope.meant(part.left)
    if meant is None:  # of what no equation of the model gives
        return not any(map(_is_gradient, (part.left, part.right)))
    if meant.kind == "defined":  # a name for a value: A_z = W_z x_t
        body = scope.definitions[meant.name].given_for
        return not (has_derivative(body) or any(map(_is_gradient, (part.left, part.right, body))))
    return meant.kind in ("quantity", "loss")


def _is_loss(node: Node, scope: Scope) -> bool:
    """Whether a side is the loss, ``L`` or ``L(ŷ, y)``."""
    match node:
        case Call(Symbol() as name) | Product((Symbol() as name, Group()), ("",)):
            node = name
    meant = scope.meant(node) if isinstance(node, Symbol) else None
    return meant is not None and meant.kind == "loss"


def _is_gradient(node: Node) -> bool:
    """Whether a symbol in a formula is called as gradients are."""
    return any(isinstance(n, Symbol) and is_gradient_name(n) for n in node.walk())


def is_of_loss(part: Part, scope: Scope) -> bool:
    """Whether a formula names the loss of one step, or the loss outside of derivatives."""
    for side in (part.left, part.right):
        for n in side.walk():
            meant = scope.meant(n) if isinstance(n, Symbol) else None
            if meant is not None and meant.kind == "loss" and meant.step is not None:
                return True
    meant = scope.meant(part.left) if isinstance(part.left, Symbol) else None
    return meant is not None and meant.kind == "loss"


def gives_loss(part: Part) -> bool:
    """Whether a formula gives the loss as a function, by no other: ``L(y_t, d_t) = ½ (y_t - d_t)²``
    and not ``L(y, d) = Σ_t L_t``."""
    match part.left:
        case Call(Symbol(base)) | Product((Symbol(base), Group()), ("",)) if base in LOSSES:
            symbols = (n for n in part.right.walk() if isinstance(n, Symbol))
            named = any(n.base in LOSSES for n in symbols) or has_derivative(part.right)
            return part.first and not named
    return False


#: The letters of losses that cells and Jacobians have too.
_CELLS = frozenset("CJ")


def writes_loss(part: Part) -> bool:
    """Whether a formula writes the loss out, rather than by a name, ``Σ_t CE(ŷ_t, y_t)``."""
    match part.left:
        case Symbol(base) if base in LOSSES - _CELLS and part.first:
            named = any(isinstance(n, Symbol) and n.base in LOSSES for n in part.right.walk())
            return not (named or has_derivative(part.right) or _is_by_name(part.right))
    return gives_loss(part)


def _is_by_name(node: Node) -> bool:
    """Whether a formula is a function of a name, perhaps a sum or a part of it."""
    match node:
        case BigOperator(body=inner) | Group("(" | "[" | "{", (inner,)) | Sum((inner,)):
            return _is_by_name(inner)
        case Product((Quotient() | Number(), inner)):
            return _is_by_name(inner)
        case Call(Symbol(base), arguments):
            named = all(isinstance(a, Symbol) for a in arguments)
            return named and canonical(base) not in ("log", "exp", "sum")
    return isinstance(node, Symbol)


def is_of_two_networks(part: Part, scope: Scope) -> bool:
    """Whether a formula names quantities that no chain of equations joins."""
    meant = (scope.meant(n) for side in (part.left, part.right) for n in side.walk()
             if isinstance(n, Symbol))  # fmt: skip
    names = {m.name for m in meant if m is not None and m.kind == "quantity"}
    first = next(iter(sorted(names)), None)
    return first is not None and not names <= _joined_to(first, scope.model)


def _joined_to(name: str, model: Model) -> set[str]:
    """What stands in an equation with a quantity, or with what stands in one with it."""
    groups = [
        {e.name, *(x.name for x in e.rhs.walk() if isinstance(x, tm.Ref))} for e in model.equations
    ]
    groups += [{x.name for x in p.term.walk() if isinstance(x, tm.Ref)} for p in model.loss]
    found, grown = {name}, True
    while grown:
        near = set().union(*(g for g in groups if g & found))
        grown = not near <= found
        found |= near
    return found


def is_gradient_name(s: Symbol) -> bool:
    """Whether a name is one of a gradient: δ_t, dWhh, grad_U."""
    if s.base in ERRORS:
        return True
    return re.fullmatch(r"(d_?|grad_?|delta_?)[A-Za-z]\w*", s.base) is not None


def begins_at_zero(left: Node, right: Node) -> bool:
    """Whether the name of a gradient that bears no step is said to be zero, as before a loop."""
    return right == Number(Fraction(0)) and _is_gradient_of_all(left)


def begin_at_zero(links: Sequence[Part]) -> bool:
    """Whether all the names in a chain are: ``dW = db = 0``."""
    return begins_at_zero(links[0].left, links[-1].right) and all(
        p.sign == "=" and (p is links[-1] or _is_gradient_of_all(p.right)) for p in links
    )


def _is_gradient_of_all(node: Node) -> bool:
    """Whether a symbol is the name of a gradient that bears no step."""
    if not isinstance(node, Symbol) or node.base in "dD":
        return False
    return is_gradient_name(node) and not any(map(is_time, scripts(node)))


def prefix_of(node: Node) -> str:
    """What tells that a name is one of a gradient: δ in ``δ_t``, d in ``dWhh``."""
    if not isinstance(node, Symbol) or not is_gradient_name(node):
        return ""
    if node.base in ERRORS:
        return node.base
    return next((p.rstrip("_") for p in PREFIXES if node.base.startswith(p)), "")


def is_dependence(part: Part) -> bool:
    """``u = u(x)``: what a quantity depends on, which is no claim about its value."""
    match part.right:
        case Call(function):
            return function == part.left or _is_activation(part.left, part.right)
        case Product((name, Group("(")), ("",)):
            return name == part.left
    return False


def _is_activation(left: Node, right: Call) -> bool:
    """``σ(x) = 1/(1 + e^{-x})``: what an activation is, of a letter that means any number."""
    match left:
        case Call(Symbol() as f, (x,)) | Product((Symbol() as f, Group("(", (x,))), ("",)):
            known = {"sigmoid": {"sigma", "sigmoid", "logistic"}, "tanh": {"tanh"}}
            names = known.get(right.function.base, set()) | (ACTIVATION_NAMES - {"sigma"})
            bare = f == Symbol(f.base) and f.base in names and right.arguments == (x,)
            return bare and isinstance(x, Symbol) and x == Symbol(x.base)
    return False


def is_of_data(part: Part, scope: Scope) -> bool:
    """Whether a formula is about what is given alone: ``Σ_k y_k = 1``."""
    if has_derivative(part.left) or has_derivative(part.right):
        return False
    symbols = (n for side in (part.left, part.right) for n in outside_ranges(side))
    meant = [m for m in map(scope.meant, symbols) if m is not None]
    given = {v.name for v in scope.model.given}
    return bool(meant) and all(m.kind == "quantity" and m.name in given for m in meant)


def outside_ranges(node: Node) -> Iterator[Symbol]:
    """The symbols of a formula but for what sums run over."""
    if isinstance(node, Symbol):
        yield node
        return
    children = (node.body,) if isinstance(node, BigOperator) else node.children()
    for child in children:
        yield from outside_ranges(child)
