"""Whether a formula confirms the equations by which a claim fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symbptt.check.consistent import Held, names_gradients
from symbptt.check.edits.places import is_slope
from symbptt.check.findings import Verdict
from symbptt.check.judge import held_everywhere
from symbptt.check.meaning.claims import Claim
from symbptt.check.meaning.conventions import SHARE_OF_STEP, STANDARD
from symbptt.check.meaning.setting import Setting
from symbptt.check.meaning.tensors import Layout
from symbptt.check.networks.guesses import SIGNALS
from symbptt.check.networks.links import is_chain, is_gradient_name
from symbptt.check.networks.parts import Part, has_derivative
from symbptt.check.networks.signals import activated
from symbptt.check.notation.marks import mark_of
from symbptt.check.notation.meant import Meant
from symbptt.check.notation.namings import namings
from symbptt.check.notation.scripts import scripts, unbracketed
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Differential,
    Group,
    Node,
    Product,
    Quotient,
    Symbol,
    Transpose,
)


@dataclass(frozen=True)
class Failed:
    """A claim that fails by equations that were read in a document; ``mistake``: what an edit
    undoes that makes it hold by them, if one does."""

    claim: Claim
    epoch: int
    setting: Setting
    verdict: Verdict
    mistake: str | None

    @property
    def scope(self) -> Scope:
        return self.setting.scope

    @property
    def uses_names(self) -> bool:
        """Whether it is about gradients that only another formula gives, or nothing at all."""
        return any(
            names <= {_NAMED + n.name for n in namings(symbol)}
            for symbol in (n for side in self.claim.sides for n in side.walk())
            if isinstance(symbol, Symbol)
            and (
                is_gradient_name(symbol)
                or symbol.base in SIGNALS
                or _names_gradient(symbol, self.scope)
            )
            for names in _derived(Claim(symbol, symbol), self.scope)
        )


#: What is prefixed to the names that a document defines.
_NAMED = "defined "
_LOSS = "the loss"
UNCONFIRMED = (
    "it fails by the equations as they are read here, and no other formula confirms the reading"
)
TRANSPOSED = "it is transposed, as other gradients by matrices of this document are"
#: The mistake of an edit that puts the slope of an activation behind a gradient.
MISSING_SLOPE = "activation's derivative missing"
FROM_STEP_ON = "it holds if the loss of a step is that of all from there on; nothing says it isn't"
OF_ROWS = (
    "it holds, transposed, of vectors that are rows, and no other gradient by a matrix says which "
    "they are"
)
OF_ARGUMENT = "it and another one hold if they are of the gradient by the argument of an activation"
#: The conventions of what is written of gates: with σ'(f_t) for the slope where σ gives f_t.
_OF_GATES = [
    replace(c, slopes_by_value=by_value)
    for c in (STANDARD, SHARE_OF_STEP)
    for by_value in (False, True)
]
UNEXPLAINED = (
    "it fails under every reading, but no edit mends it, and not all of the document is "
    "understood: it may be meant otherwise"
)


def doubtful(
    failed: Failed,
    held: Sequence[Held],
    others: Sequence[Failed],
    stated: Sequence[Part],
    *,
    in_doubt: bool,
) -> str | None:
    """Why a claim that fails may have been misread, in a document that is ``in_doubt``: not all of
    it is understood; ``stated`` is all that it states."""
    if is_transposed_as_others(failed, held):
        return TRANSPOSED
    if in_doubt and is_of_rows(failed, held):
        return OF_ROWS
    if is_of_an_argument(failed, others) or has_slope_already(failed, stated):
        return OF_ARGUMENT
    if is_of_what_follows(failed, stated):
        return FROM_STEP_ON
    if in_doubt and failed.mistake is None:
        return UNEXPLAINED
    if in_doubt or (failed.uses_names and failed.mistake is None):
        return unconfirmed(failed, held, others)
    return None


def is_transposed_as_others(failed: Failed, held: Sequence[Held]) -> bool:
    """Whether a gradient by a matrix is the transpose of what it should be, as others of the
    document are: the W of ``∂L/∂W = Σ_t h_{t-1} δ_t^T`` is square, and its V shows the layout."""
    left, right = failed.claim.sides
    if not _is_by_matrix(left, failed.scope):
        return False
    others = (
        h for h in held if h.epoch == failed.epoch and h.convention.layout is Layout.NUMERATOR
    )
    if not any(_is_by_matrix(h.claim.left, h.setting.scope) for h in others):
        return False
    turned = replace(failed.claim, right=Transpose(Group("(", (right,))))
    return held_everywhere(turned, failed.setting, [STANDARD])


def is_of_rows(failed: Failed, held: Sequence[Held]) -> bool:
    """Whether a gradient by a matrix is ``aᵀ δ`` where ``δ aᵀ`` would be right, and none that holds
    shows that vectors are columns."""
    match unbracketed(failed.claim.right):
        case Product((Transpose() as a, delta), signs) if not {*signs} & {"⊙", "⊗"}:
            turned = replace(failed.claim, right=Product((delta, a), signs))
        case _:
            return False
    if not _is_by_matrix(failed.claim.left, failed.scope):
        return False
    if any(h.epoch == failed.epoch and _is_by_matrix(h.claim.left, h.setting.scope) for h in held):
        return False
    return held_everywhere(turned, failed.setting, [STANDARD, SHARE_OF_STEP])


def is_of_an_argument(failed: Failed, others: Sequence[Failed]) -> bool:
    """Whether a claim that gives ``∂L/∂g_t`` and one that uses it fail as they are written, and
    hold of the gradient by the argument of g: ``∂L/∂g_t = … ⊙ (1 - g_t²)``, ``∂L/∂W = ∂L/∂g_t
    x_tᵀ``."""
    alike = [o for o in others if o is not failed and o.epoch == failed.epoch]
    for argument, given in activated(failed.scope.model).items():
        if not _holds_by(argument, given, failed):
            continue
        both = [o for o in alike if _holds_by(argument, given, o)]
        if both and any(_is_by(o.claim.left, given, o.scope) for o in (failed, *both)):
            return True
    return False


def has_slope_already(failed: Failed, stated: Sequence[Part]) -> bool:
    """Whether a claim fails for want of a slope that the document has in what it gives a gradient
    of the claim to be: ``dg = … ⊙ (1 - g²)``, ``db = Σ dg``."""
    if failed.mistake != MISSING_SLOPE:
        return False
    by = {_by(n, failed.scope) for n in failed.claim.right.walk()} - {None}
    for part in stated:
        given = _by(part.origin or part.left, failed.scope) or _by(part.left, failed.scope)
        slopes = (n for n in _factors(part.right) if is_slope(n))
        known = (failed.scope.meant(x) for n in slopes for x in n.walk() if isinstance(x, Symbol))
        if given in by and given in {m.name for m in known if m is not None}:
            return True
    return False


def is_of_what_follows(failed: Failed, stated: Sequence[Part]) -> bool:
    """Whether a recursion in the losses of two steps, ``∂E_t/∂h_t = … + ∂E_{t+1}/∂h_{t+1} …``,
    holds if each is the loss from its step on, and the document says nothing else of ``E_t``."""
    scope = failed.scope

    def is_of_step(node: Node) -> bool:
        what = scope.meant(node) if isinstance(node, Symbol) else None
        return what is not None and what.kind == "loss" and what.step is not None

    def change(node: Node) -> Node:
        if isinstance(node, Symbol):
            return Symbol(node.base, node.accents) if is_of_step(node) else node
        return node.rebuilt(change)

    left, right = failed.claim.sides
    if len({n for side in (left, right) for n in side.walk() if is_of_step(n)}) < 2:
        return False
    for part in stated:
        said = [n.body for n in part.right.walk() if isinstance(n, BigOperator)]
        said += [] if has_derivative(part.left) else [part.left]
        if any(is_of_step(x) for side in said for x in side.walk()):
            return False
    turned = replace(failed.claim, left=change(left), right=change(right))
    return held_everywhere(turned, failed.setting, [STANDARD])


def _factors(node: Node) -> Iterator[Node]:
    """The factors of a product, and of products in brackets in it."""
    match unbracketed(node):
        case Product(factors):
            for factor in factors:
                yield from _factors(factor)
        case _:
            yield node


def _holds_by(argument: str, given: str, failed: Failed) -> bool:
    """Whether a claim has the gradient by what an activation gives, and holds with that by its
    argument instead."""
    scope = failed.scope

    def change(node: Node) -> Node:
        step = _is_by(node, given, scope)
        if step is not None and isinstance(node, Quotient):
            other = Differential("∂", Symbol(argument, subscripts=(step,)))
            return Quotient(node.numerator, other, node.style)
        return node if isinstance(node, Symbol) else node.rebuilt(change)

    left, right = (change(side) for side in failed.claim.sides)
    if (left, right) == failed.claim.sides:
        return False
    turned = replace(failed.claim, left=left, right=right)
    return held_everywhere(turned, failed.setting, _OF_GATES)


def _is_by(node: Node, name: str, scope: Scope) -> Node | None:
    """The step of the quantity that a node is the gradient by, if that is the one of a name."""
    what = _of_loss_by(node, scope) if isinstance(node, Quotient) else None
    return what.step if what is not None and what.name == name and not what.entry else None


def _is_by_matrix(node: Node, scope: Scope) -> bool:
    v = scope.model.variables.get(_by(node, scope) or "")
    return v is not None and 1 not in v.shape


def _by(node: Node, scope: Scope) -> str | None:
    """The name of the quantity that a node is the gradient by."""
    what = _of_loss_by(node, scope)
    return None if what is None else what.name


def _of_loss_by(node: Node, scope: Scope) -> Meant | None:
    """What a node is the loss's derivative by: ``∂L/∂h_t``, ``dh_t``."""
    match node:
        case Symbol():
            named = scope.meant(node)
            return named if named is not None and named.kind == "gradient" else None
        case Quotient(Differential(operand=Symbol() as of), Differential(operand=Symbol() as by)):
            loss = scope.meant(of)
            return scope.meant(by) if loss is not None and loss.kind == "loss" else None
    return None


def unconfirmed(failed: Failed, held: Sequence[Held], others: Sequence[Failed]) -> str | None:
    """Why a claim that fails may be one of other equations: what it has the derivatives of is in
    no other formula that says more than a chain rule and holds by those that were read, or has a
    slip of another kind than this one, without which it does."""
    slips = (o for o in others if o.mistake not in (None, failed.mistake))
    every = [(h.claim, h.epoch, h.setting.scope) for h in held]
    every += [(o.claim, o.epoch, o.scope) for o in slips]
    said: set[str] = set()
    for claim, epoch, scope in every:
        if epoch == failed.epoch and _tells_more(claim, scope):
            said.update(*_derived(claim, scope))
    needed = _derived(failed.claim, failed.scope)
    if failed.mistake is not None:  # with each weight there is one gradient by it
        needed = {names for names in needed if not _are_parameters(names, failed.scope)}
    return None if all(names & said for names in needed) else UNCONFIRMED


def _derived(claim: Claim, scope: Scope) -> set[frozenset[str]]:
    """What a claim has derivatives of and by, and the gradients in it that have names: each by the
    names that it has."""
    found: set[frozenset[str]] = set()
    for node in (n for side in claim.sides for n in side.walk()):
        match node:
            case Quotient(
                Differential(operand=Symbol() as of), Differential(operand=Symbol() as by)
            ):
                meant = (scope.meant(of), scope.meant(by))
                found |= {
                    frozenset({_LOSS if m.kind == "loss" else m.name})
                    for m in meant
                    if m is not None
                }
            case Symbol():
                known = scope.meant(node)
                if known is None and _names_gradient(node, scope):
                    found.add(frozenset({_NAMED + next(namings(node)).name}))
                elif known is not None and known.kind == "gradient":
                    found |= {frozenset({_LOSS}), frozenset({known.name})}
                elif known is not None and known.kind == "defined":
                    body = scope.definitions[known.name].body
                    of_this = _derived(Claim(body, body), scope) if _is_derivative(body) else ()
                    found.add(frozenset({_NAMED + known.name}).union(*of_this))
    return found


def _are_parameters(names: frozenset[str], scope: Scope) -> bool:
    known = scope.model.variables
    return all(name in known and known[name].timeless for name in names)


def _names_gradient(symbol: Symbol, scope: Scope) -> bool:
    """Whether a symbol is δ at some step, or bears the mark of adjoints."""
    mark = mark_of(next(namings(symbol)).name)
    timed = any(x == Symbol("t") for part in scripts(symbol) for x in part.walk())
    error = symbol.base in ("delta", "epsilon", "varepsilon")
    return (error and timed) or (mark is not None and mark in scope.marks)


def _is_derivative(body: Node) -> bool:
    """Whether a name is said to be a derivative: ``δ_t := -∂L/∂h_t``."""
    return is_chain(body) and has_derivative(body)


def _tells_more(claim: Claim, scope: Scope) -> bool:
    """Whether a claim says of a derivative more than that it has a name or shares."""
    if not any(isinstance(n, Product | Call) for n in claim.right.walk()):
        return False
    return any(map(has_derivative, claim.sides)) or names_gradients(claim, scope)
