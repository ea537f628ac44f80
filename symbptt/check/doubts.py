"""Why a claim may be neither right nor wrong, whatever the equations say of it: doubts.

Doubts are rows of a table.  The first that applies makes a verdict inconclusive.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from symbptt.check.bounds.assumptions import BOUNDS, speaks_of_loss
from symbptt.check.networks.bindings import difference
from symbptt.check.networks.epoch import Epoch
from symbptt.check.networks.links import (
    claim_of,
    is_chain,
    is_forward_claim,
    is_gradient_name,
    is_of_data,
    is_of_loss,
    is_of_two_networks,
    prefix_of,
    words_before,
)
from symbptt.check.networks.parts import ADDING, Part, has_derivative
from symbptt.check.notation.language import said
from symbptt.check.notation.scripts import (
    entry_letters,
    is_time,
    is_value,
    scripts,
    unbracketed,
)
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Differential,
    Group,
    Node,
    Number,
    Product,
    Quotient,
    Sum,
    Symbol,
    Transpose,
)
from symbptt.model import terms as tm
from symbptt.model.names import Naming, symbols

_PLAIN = said("names a network without gates")
_NETWORK = re.compile(rf"{_PLAIN.pattern}|LSTM|GRU|gated", re.IGNORECASE)


class When(Enum):
    """Of which claims a doubt is asked."""

    HOLDS = "those that hold"
    DIFFERS = "those whose sides have the same shape and differ"
    FAILS = "those that fail, before an edit is sought that mends them"
    UNMENDED = "those that fail, where no edit mends them"
    AT_LAST = "those that fail and are no equation of the model"


@dataclass(frozen=True)
class Doubt:
    """A reason to leave a claim undecided: its name, when it applies, and the sentence.

    What ``applies`` may say why itself; the sentence is then how that begins.
    """

    name: str
    when: When
    applies: Callable[[Part, Epoch, Scope], bool | str | None]
    says: str


def doubt(part: Part, epoch: Epoch, scope: Scope, *when: When) -> str | None:
    """What the first doubt says that applies to a claim."""
    for row in DOUBTS:
        found = row.when in when and row.applies(part, epoch, scope)
        if found:
            return found if isinstance(found, str) else row.says
    return None


def _has_unread_loss(part: Part, epoch: Epoch, scope: Scope) -> bool:
    return epoch.loss_unread and is_of_loss(part, scope)


def _speaks_of_unread_loss(part: Part, epoch: Epoch, scope: Scope) -> bool:
    return epoch.loss_unread and speaks_of_loss(part.relation, scope)


def _is_rounded(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim is about nothing but numbers, of which some have decimals."""
    every = [n for side in (part.left, part.right) for n in side.walk()]
    decimals = any(isinstance(n, Number) and n.value.denominator > 1 for n in every)
    functions = [n.function for n in every if isinstance(n, Call)]
    return decimals and all(n in functions for n in every if isinstance(n, Symbol))


def _is_value(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim gives what is no derivative a value, ``h_3 - 1 = -3/4``, ``d_h = 1``, or a
    derivative where the document gives values of what it is of."""
    sides = part.left, part.right
    values = [s for s in sides if is_value(s)]
    zero = any(isinstance(s, Number) and s.value == 0 for s in values)
    if len(values) != 1 or zero or is_of_data(part, scope):
        return False
    return bool(epoch.valued) or not any(map(has_derivative, sides))


def _is_of_sizes(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim has nothing but d's without steps, and numbers: ``d_c = d_h``, ``d_x = 2
    d_h`` may be of dimensions."""
    symbols = [n for n in part.relation.walk() if isinstance(n, Symbol) and n.base == "d"]
    labels = {id(x) for n in symbols for script in scripts(n) for x in script.walk()}
    return len(symbols) > 1 and not any(
        isinstance(n, Differential | Call | BigOperator)
        or (isinstance(n, Symbol) and (is_time(n) or (n.base != "d" and id(n) not in labels)))
        for n in part.relation.walk()
    )


def _was_named_before(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim gives anew what other equations than those here were said to make a name
    for: ``J_t = w (1 - h_t²)``, where ``J_t = ∂h_t/∂h_{t-1}`` stands above them."""
    meant = scope.meant(part.left) if isinstance(part.left, Symbol) else None
    known = None if meant is None else scope.definitions.get(meant.name)
    lines = [e.line for e in epoch.equations if e.line is not None]
    if known is None or known.line is None or not epoch.start or has_derivative(part.right):
        return False
    of_loss = speaks_of_loss(known.body, scope)
    return is_chain(known.body) and not of_loss and known.line < max(lines, default=0)


def _adds_to_parameter(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether ``+=`` adds to the gradient by a parameter, a step at a time."""
    meant = (scope.meant(n) for n in part.left.walk() if isinstance(n, Symbol))
    variables = epoch.model.variables
    return any(m is not None and m.name in variables and variables[m.name].timeless
               for m in meant)  # fmt: skip


def _adds_a_path(part: Part, epoch: Epoch, scope: Scope) -> bool:
    return part.sign in ADDING and not _adds_to_parameter(part, epoch, scope)


def _is_step_of_learning(part: Part, epoch: Epoch, scope: Scope) -> bool:
    return any(isinstance(n, Symbol) and n.base.startswith("Delta") for n in part.left.walk())


def _is_of_plain_network(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a network without gates is what the words before a formula, or its heading, speak
    of last, and the model has gates."""
    if not any(isinstance(t, tm.Odot) for e in epoch.model.equations for t in e.rhs.walk()):
        return False
    for text in (words_before(part), part.formula.fragment.heading):
        *_, last = ("", *(m[0] for m in _NETWORK.finditer(text)))
        if _PLAIN.fullmatch(last):
            return True
    return False


def _is_chain_rule(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether both sides are products of derivatives."""
    sides = [s.items[0] if isinstance(s, Group) else s for s in (part.left, part.right)]
    return part.sign not in BOUNDS and all(is_chain(s) and has_derivative(s) for s in sides)


def _begins_nowhere(node: Node) -> bool:
    r"""``\prod_i^k``: a product that says where it ends and not where it begins."""
    match node:
        case BigOperator("prod", index=Symbol(), lower=None, upper=Symbol() | Sum()):
            return True
    return False


def _begins_a_sum(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether the gradient by a parameter, or ``dh_{next}``, is said to be zero."""
    zero = isinstance(part.right, Number) and part.right.value == 0
    meant = scope.meant(part.left) if isinstance(part.left, Symbol) else None
    handed_on = meant is not None and meant.later
    return zero and (handed_on or _adds_to_parameter(part, epoch, scope))


def _lacking(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """What no equation is read for, and a claim depends on."""
    return None if epoch.gaps is None else epoch.gaps.lacking(claim_of(part, epoch).sides, scope)


def _said_again(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """What has another equation that isn't read, and a claim depends on."""
    return None if epoch.gaps is None else epoch.gaps.said_again(claim_of(part, epoch).sides, scope)


def _unused(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """What the loss doesn't depend on by the equations, and a claim has the gradient by."""
    return None if epoch.gaps is None else epoch.gaps.idle(claim_of(part, epoch).sides, scope)


def _unproved(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """The equation that isn't read, of which a derivative that is no chain rule's may be."""
    if epoch.gaps is None or is_chain(part.right):
        return None
    return epoch.gaps.unproved(claim_of(part, epoch).sides, scope)


def _without_path(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """A derivative that no chain of equations makes anything but zero."""
    if epoch.gaps is None or part.sign in BOUNDS:
        return None
    return epoch.gaps.no_path(claim_of(part, epoch).sides, scope)


def _is_besides(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim names, without a step, what an equation beside the network gives."""
    names = (Naming().read(n) for n in symbols(part.relation)) if epoch.besides else ()
    return any(index is None and name in epoch.besides for name, index in names)


def _bears_step(node: Node) -> bool:
    return isinstance(node, Symbol) and any(map(is_time, scripts(node)))


def _is_assigned(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether ``←`` gives a value to what bears no step."""
    return part.left in epoch.assigned and not _bears_step(part.left)


def _is_added_to(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether ``+=`` adds to the same gradient, at some step."""
    left = part.left
    return isinstance(left, Symbol) and _bears_step(left) and left.base in epoch.added


def _has_bare_ones(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a product begins with a column of ones that has no transpose, ``1 Δ_t``, or ends
    with one where states are rows: of one example it is a number."""
    variables = (v for v in epoch.model.variables.values() if not v.timeless)
    rows = any(v.shape[0] == 1 != v.shape[1] for v in variables)
    return any(_ones(n, ending=rows) for n in part.right.walk())


def _ones(node: Node, *, ending: bool) -> bool:
    """Whether a product has a 1 before a factor, or behind one where that is asked for."""
    match node:
        case Product(factors, operators):
            beside = tuple(zip(factors, factors[1:], operators, strict=False))
            return any(
                sign == "" and (_is_one(a) or (ending and _is_one(b) and not _is_turned(a)))
                for a, b, sign in beside
                if not (isinstance(a, Number) and isinstance(b, Number))
            )
    return False


def _is_one(node: Node) -> bool:
    return isinstance(node, Number) and node.value == 1


def _is_turned(node: Node) -> bool:
    return isinstance(unbracketed(node), Transpose)


def _has_another_name(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a gradient by its name, δ^s, is one that the document calls otherwise: ε^s."""
    called: dict[str, set[str]] = {}
    for name, known in scope.definitions.items():
        match known.body:
            case Quotient(
                Differential(operand=Symbol() as of), Differential(operand=Symbol() as by)
            ):
                loss, meant = scope.meant(of), scope.meant(by)
                if (
                    loss is not None
                    and meant is not None
                    and (loss.kind, loss.step) == ("loss", None)
                ):
                    called.setdefault(meant.name, set()).add(name.partition("_")[0])
    for n in (n for n in part.relation.walk() if isinstance(n, Symbol)):
        meant = scope.meant(n)
        if (
            meant is not None
            and meant.kind == "gradient"
            and called.get(meant.name, set()) - {n.base.partition("_")[0]}
        ):
            return True
    return False


def _is_of_differentials(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether ``dh_t`` is made of ``dh_{t-1}``, as differentials are and gradients are not."""
    step = None if not isinstance(part.left, Symbol) else scope.meant(part.left)
    if step is None or step.step is None or step.kind != "gradient" or prefix_of(part.left) != "d":
        return False
    before = Sum((step.step, Number(Fraction(1))), (1, -1))
    meant = (scope.meant(n) for n in part.right.walk() if isinstance(n, Symbol))
    return any(m is not None and m.kind == "gradient" and m.step == before for m in meant)


def _repeats_a_letter(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a letter of entries stands twice on one side, nowhere on the other, and no sum has
    it: ``∂q_l/∂s_m = V_{lb} δ_{bm}``."""
    sides = part.left, part.right
    return any(
        n > 1 and Symbol(letter) not in other.walk()
        for side, other in (sides, sides[::-1])
        for letter, n in Counter(_counting(side, scope)).items()
    )


def _counting(side: Node, scope: Scope) -> Iterator[str]:
    """The letters of the entries in a formula, each as often as it stands, but those of sums."""
    bound = {n.index for n in side.walk() if isinstance(n, BigOperator)}
    for n in side.walk():
        meant = scope.meant(n) if isinstance(n, Symbol) else None
        entry = () if meant is None else meant.entry
        if isinstance(n, Symbol) and n.base == "delta" and meant is None:
            entry = tuple(x for part in scripts(n) for x in entry_letters(part))
        yield from (x.base for x in entry if isinstance(x, Symbol) and x not in bound)


def _is_of_any_loss(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a gradient is given by other things than gradients and errors, ``ŷ - y``, of a loss
    that no equation gives."""
    errors = any(
        difference(n) or (isinstance(n, Symbol) and is_gradient_name(n)) for n in part.right.walk()
    )
    known = epoch.loss_stated or errors or isinstance(part.right, Number)
    of_loss = [speaks_of_loss(side, scope) for side in (part.left, part.right)]
    return not known and of_loss == [True, False]


_UNREAD = "the document's loss isn't read, so what depends on it isn't decided"
DOUBTS: tuple[Doubt, ...] = (
    Doubt("loss that is not read", When.HOLDS, _has_unread_loss, _UNREAD),
    Doubt("path that is not read", When.HOLDS, _unproved, "it may depend on "),
    Doubt("ones without a transpose", When.HOLDS, _has_bare_ones,
          "it holds for one example; of several, should a column of ones be transposed?"),
    Doubt("rounded numbers", When.DIFFERS, _is_rounded, "numbers that may be rounded"),
    Doubt("one path of several", When.FAILS, _adds_a_path,
          "what one path adds is not told from the whole"),
    Doubt("a value", When.FAILS, _is_value, "it gives a value, of which the equations say nothing"),
    Doubt("sizes", When.FAILS, _is_of_sizes, "it may be about sizes, of which nothing is checked"),
    Doubt("a name for other equations", When.FAILS, _was_named_before,
          "its left side was named where other equations held"),
    Doubt("function beside the network", When.FAILS, _is_besides,
          "it is about what an equation beside the network gives, without steps"),
    Doubt("two networks", When.FAILS, lambda part, epoch, scope: is_of_two_networks(part, scope),
          "it joins quantities that no equation joins; are there two models?"),
    Doubt("equation that is not read", When.FAILS, _lacking, "it depends on "),
    Doubt("quantity of no use", When.FAILS, _unused, "by the forward equations "),
    Doubt("another equation that is not read", When.UNMENDED, _said_again, "it depends on "),
    Doubt("letter that may be summed over", When.FAILS, _repeats_a_letter,
          "a letter stands twice on one side alone, and nothing says that it is summed over"),
    Doubt("gradient of two names", When.FAILS, _has_another_name,
          "the document calls a gradient otherwise; what this name stands for is not clear"),
    Doubt("gradient of a loss that is not read", When.UNMENDED, _speaks_of_unread_loss, _UNREAD),
    Doubt("gradient of a loss that is not stated", When.UNMENDED, _is_of_any_loss,
          "no equation says what the loss is, and it may be one for which this holds"),
    Doubt("step of learning", When.UNMENDED, _is_step_of_learning,
          "a Δ may be a step of learning rather than a gradient"),
    Doubt("differentials", When.UNMENDED, _is_of_differentials,
          "its d may be a differential rather than a gradient"),
    Doubt("derivative without a path", When.UNMENDED, _without_path,
          "by the forward equations "),
    Doubt("assumed equations", When.UNMENDED, lambda part, epoch, scope: bool(epoch.assumed),
          "it doesn't hold for the equations that are assumed here"),
    Doubt("another kind of network", When.UNMENDED, _is_of_plain_network,
          "the words before it speak of a network without gates"),
    Doubt("chain rule", When.UNMENDED, _is_chain_rule,
          "a chain rule that no reading makes hold; are all paths in the equations?"),
    Doubt("product that begins nowhere", When.UNMENDED,
          lambda part, epoch, scope: any(map(_begins_nowhere, part.relation.walk())),
          "nothing says where its product begins"),
    Doubt("another forward equation", When.AT_LAST,
          lambda part, epoch, scope: is_forward_claim(part, scope),
          "it isn't what the forward equations say; is it of another model?"),
    Doubt("first value of a sum", When.AT_LAST, _begins_a_sum,
          "a sum over the steps may begin with it"),
    Doubt("initial value", When.AT_LAST, _is_assigned,
          "an algorithm assigns it anew; this may be its initial value"),
    Doubt("first part of a gradient", When.AT_LAST, _is_added_to,
          "the document adds to it elsewhere; this may be the first part of it"),
    Doubt("data", When.AT_LAST, lambda part, epoch, scope: is_of_data(part, scope),
          "it is about what is given, of which the equations say nothing"),
)  # fmt: skip
