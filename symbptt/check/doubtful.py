"""When a claim is in doubt: what the rows of the table of doubts ask of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from symbptt.check.bounds.assumptions import BOUNDS, speaks_of_loss
from symbptt.check.meaning.claims import unbound_letters
from symbptt.check.networks.bindings import called_in, difference
from symbptt.check.networks.differentials import has_d, is_of_expression
from symbptt.check.networks.epoch import Epoch
from symbptt.check.networks.guessed import shown
from symbptt.check.networks.links import (
    begins_at_zero,
    claim_of,
    function_defined,
    is_assumed,
    is_chain,
    is_gradient_name,
    is_of_data,
    is_of_loss,
    prefix_of,
    words_before,
)
from symbptt.check.networks.objectives import compares_what_is_computed
from symbptt.check.networks.parts import ADDING, Part, has_derivative
from symbptt.check.networks.statements import left_of, right_of
from symbptt.check.notation.language import alternatives, said
from symbptt.check.notation.meant import Meant
from symbptt.check.notation.prefixes import with_prefixes
from symbptt.check.notation.scripts import (
    entry_letters,
    is_time,
    is_value,
    scripts,
    unbracketed,
)
from symbptt.check.notation.symbols import LOSSES, Scope
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
from symbptt.model import terms as tm
from symbptt.model.functions import canonical
from symbptt.model.model import Role
from symbptt.model.names import Naming, symbols

#: Words between two formulas that say no more than that the one goes on from the other.
_FIRST_VALUE = said("gives a first value")
_GOES_ON = re.compile(rf"(?:{alternatives('goes on from a formula')}|[\W\d_])*", re.IGNORECASE)
_PLAIN = said("names a network without gates")
_CONDITION = said("makes a condition")
_HOLDS = said("holds something constant")
#: What networks are called, a network without gates also without an adjective.
_BARE = re.compile(r"(?<![A-Za-z])RNNs?(?![A-Za-z])")
_NETWORK = re.compile(
    rf"{_PLAIN.pattern}|(?:LSTM|GRU|gated)(?:[\s-]*RNN)?|{_BARE.pattern}", re.IGNORECASE
)


def has_unread_loss(part: Part, epoch: Epoch, scope: Scope) -> bool:
    return epoch.loss_unread and is_of_loss(part, scope)


def speaks_of_part_of_loss(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim is about the loss, of which the model has a part."""
    return epoch.loss_beyond and speaks_of_loss(part.relation, scope)


def compares_smoothed(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim is about a cross-entropy with targets that are computed."""
    return compares_what_is_computed(epoch.model) and speaks_of_loss(part.relation, scope)


def speaks_of_unread_loss(part: Part, epoch: Epoch, scope: Scope) -> bool:
    return epoch.loss_unread and speaks_of_loss(part.relation, scope)


def is_rounded(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim is about nothing but numbers, of which some have decimals."""
    every = [n for side in (part.left, part.right) for n in side.walk()]
    decimals = any(isinstance(n, Number) and n.value.denominator > 1 for n in every)
    functions = [n.function for n in every if isinstance(n, Call)]
    return decimals and all(n in functions for n in every if isinstance(n, Symbol))


def gives_value(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim gives what is no derivative a value, ``h_3 - 1 = -3/4``, ``d_h = 1``, or a
    derivative where the document gives values of what it is of, or assumes this one, or makes a
    condition, or a list of several: those of an example, of a size of its own."""
    sides = part.left, part.right
    values = [s for s in sides if is_value(s)]
    if len(values) == 1 and (is_assumed(part) or _CONDITION.search(words_before(part))):
        return True
    zero = any(isinstance(s, Number) and s.value == 0 for s in values)
    if len(values) != 1 or zero or is_of_data(part, scope):
        return False
    listed = any(isinstance(n, Group) and len(n.items) > 1 for n in values[0].walk())
    some = any(isinstance(n, Number) and n.value != 0 for n in values[0].walk())
    return bool(epoch.valued) or (listed and some) or not any(map(has_derivative, sides))


def is_of_sizes(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim has nothing but d's without steps, and numbers: ``d_c = d_h``, ``d_x = 2
    d_h`` may be of dimensions."""
    symbols = [n for n in part.relation.walk() if isinstance(n, Symbol) and n.base == "d"]
    labels = {id(x) for n in symbols for script in scripts(n) for x in script.walk()}
    return len(symbols) > 1 and not any(
        isinstance(n, Differential | Call | BigOperator)
        or (isinstance(n, Symbol) and (is_time(n) or (n.base != "d" and id(n) not in labels)))
        for n in part.relation.walk()
    )


def was_named_before(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim gives anew what other equations than those here were said to make a name
    for: ``J_t = w (1 - h_t²)``, where ``J_t = ∂h_t/∂h_{t-1}`` stands above them."""
    meant = scope.meant(part.left) if isinstance(part.left, Symbol) else None
    known = None if meant is None else scope.definitions.get(meant.name)
    lines = [e.line for e in epoch.equations if e.line is not None]
    if known is None or known.line is None or not epoch.start or has_derivative(part.right):
        return False
    of_loss = speaks_of_loss(known.given_for, scope)
    return is_chain(known.given_for) and not of_loss and known.line < max(lines, default=0)


def _adds_to_parameter(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether ``+=`` adds to the gradient by a parameter, a step at a time."""
    meant = (scope.meant(n) for n in part.left.walk() if isinstance(n, Symbol))
    variables = epoch.model.variables
    return any(m is not None and m.name in variables and variables[m.name].timeless
               for m in meant)  # fmt: skip


def has_an_indicator(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim has what may be 1 at one class and 0 elsewhere: ``𝕀(target)``, ``e_y``."""
    own = epoch.model.variables
    targets = {v.name for v in own.values() if v.role is Role.TARGET}
    return not {"I", "e"} & {*own} and any(_is_indicator(n, targets) for n in part.right.walk())


def _is_indicator(node: Node, targets: set[str]) -> bool:
    match node:
        case Product(factors):
            return any(a == Symbol("I") and _is_choice(b) for a, b in pairwise(factors))
        case Symbol("e", subscripts=(Symbol(base) as part,)) if base not in targets:
            return len(base) > 1 or bool(scripts(part))
    return False


def _is_choice(node: Node) -> bool:
    return isinstance(node, Group) and isinstance(node.items[0], Symbol | Relation)


def is_empty(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """A derivative in a product that no chain of equations makes anything but zero."""
    if any(isinstance(side, Number) and side.value == 0 for side in (part.left, part.right)):
        return None
    products = [n for n in part.right.walk() if isinstance(n, Product)]
    return None if epoch.gaps is None else epoch.gaps.no_path(products, scope)


def sums_over_later_steps(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a sum runs over steps after one whose quantity is differentiated by theirs, which is
    zero: ``Σ_{k=t}^T ∂h_t/∂h_k``."""

    def step_of(d: Node) -> Node | None:
        operand = d.operand if isinstance(d, Differential) else None
        meant = scope.meant(operand) if isinstance(operand, Symbol) else None
        return None if meant is None or meant.kind not in ("quantity", "loss") else meant.step

    return any(
        isinstance(d, Quotient) and step_of(d.numerator) == s.lower != s.upper
        and s.index is not None and step_of(d.denominator) == s.index
        for s in part.right.walk() if isinstance(s, BigOperator) and s.kind == "sum"
        for d in s.body.walk()
    )  # fmt: skip


def is_in_two_fonts(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim has a letter that is a quantity in one font and may be another in another."""
    return any(isinstance(n, Symbol) and n.base in epoch.in_two_fonts for n in part.relation.walk())


def adds_a_path(part: Part, epoch: Epoch, scope: Scope) -> bool:
    return part.sign in ADDING and not _adds_to_parameter(part, epoch, scope)


def is_step_of_learning(part: Part, epoch: Epoch, scope: Scope) -> bool:
    return any(isinstance(n, Symbol) and n.base.startswith("Delta") for n in part.left.walk())


def is_of_plain_network(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a network without gates is what the words before a formula, or its heading, speak
    of last, and the model has gates; an RNN, where there was another model before."""
    if not any(isinstance(t, tm.Odot) for e in epoch.model.equations for t in e.rhs.walk()):
        return False
    for text in (words_before(part), part.formula.fragment.heading):
        *_, last = ("", *(m[0] for m in _NETWORK.finditer(text)))
        if _PLAIN.fullmatch(last) or (epoch.start > 0 and _BARE.fullmatch(last)):
            return True
    return False


def holds_constant(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether the words before a derivative between states hold something constant: the gates."""
    if any(speaks_of_loss(side, scope) for side in (part.left, part.right)):
        return False
    return has_derivative(part.left) and _HOLDS.search(words_before(part)) is not None


def is_chain_rule(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether both sides are products of derivatives."""
    sides = [s.items[0] if isinstance(s, Group) else s for s in (part.left, part.right)]
    if part.sign in BOUNDS or not has_derivative(sides[1]):
        return False
    return all(is_chain(_with_gradients(s, scope)) for s in sides)


def _with_gradients(node: Node, scope: Scope) -> Node:
    """A formula with the derivatives for which its names of gradients stand."""
    if isinstance(node, Symbol):
        meant = scope.meant(node)
        by = Differential("∂", node)
        is_gradient = meant is not None and meant.kind == "gradient"
        return Quotient(by, by, "frac") if is_gradient else node
    return node if isinstance(node, Quotient) else node.rebuilt(lambda n: _with_gradients(n, scope))


def names_a_derivative(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a formula gives a gradient's name to the derivative of a step's loss by the same:
    ``δC_{t-1} = ∂E_t/∂C_{t-1}``."""
    left = [part.left]
    if isinstance(part.left, Product):
        left, _ = with_prefixes(part.left.factors, part.left.operators, scope)
    match left, part.right:
        case [Symbol() as symbol], Quotient(
            Differential(operand=Symbol() as of), Differential(operand=Symbol() as by)
        ):
            name, loss, what = map(scope.meant, (symbol, of, by))
            if name is None or loss is None or what is None:
                return False
            same = (_by_what(name, scope), name.step) == (what.name, what.step)
            return same and loss.kind == "loss" and loss.step is not None
    return False


def _by_what(meant: Meant, scope: Scope) -> str | None:
    """The name of what a gradient is by, that has a name of its own."""
    if meant.kind != "defined":
        return meant.name if meant.kind == "gradient" else None
    match scope.definitions[meant.name].body:
        case Quotient(Differential(), Differential(operand=Symbol() as by)):
            found = scope.meant(by)
            return None if found is None else found.name
    return None


def begins_nowhere(node: Node) -> bool:
    r"""``\prod_i^k``: a product that says where it ends and not where it begins."""
    match node:
        case BigOperator("prod", index=Symbol(), lower=None, upper=Symbol() | Sum()):
            return True
    return False


def begins_a_sum(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether the gradient by a parameter, ``dh_{next}``, or ``dh`` without a step is said to be
    zero, or any where the words before it speak of first values."""
    if begins_at_zero(part.left, part.right):
        return True
    zero = isinstance(part.right, Number) and part.right.value == 0
    meant = scope.meant(part.left) if isinstance(part.left, Symbol) else None
    handed_on = meant is not None and meant.later
    begins = handed_on or _adds_to_parameter(part, epoch, scope)
    return zero and (begins or _FIRST_VALUE.search(words_before(part)) is not None)


def starts_after_the_loss(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether the loss of the document is summed from step 0 on, and a gradient of it from 1."""
    whole = (right_of(s) for s in epoch.statements if left_of(s).base in LOSSES)
    early = any(_begins_at(n, 0) for loss in whole for n in loss.walk())
    return early and speaks_of_loss(part.left, scope) and any(
        _begins_at(n, 1) for n in part.right.walk()
    )  # fmt: skip


def _begins_at(node: Node, step: int) -> bool:
    match node:
        case BigOperator("sum", lower=Number(first), upper=Symbol("T")):
            return first == step
    return False


def has_any_activation(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim has the slope of σ, and the network that it is of has another activation:
    ``σ'`` stands for the slope of whatever activation there is."""
    called = called_in(epoch.model)
    slopes = (
        n.function for side in (part.left, part.right) for n in side.walk()
        if isinstance(n, Call) and n.function.primes
    )  # fmt: skip
    return "sigmoid" not in called and bool(called) and any(
        canonical(f.base) == "sigmoid" for f in slopes
    )  # fmt: skip


def is_apart(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether words that say something new stand between a formula and its left side: ``= …``
    below "The first half:"; or it is a gradient, and its left side what an equation gives."""
    if part.formula.carried and part.left in epoch.lefts and has_derivative(part.right):
        return True
    return part.first and _GOES_ON.fullmatch(part.formula.between) is None


def lacking(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """What no equation is read for, and a claim depends on."""
    return None if epoch.gaps is None else epoch.gaps.lacking(claim_of(part, epoch).sides, scope)


def is_behind_a_lost_equation(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """The line before a claim that gives what it depends on anew, without a model coming of it."""
    if epoch.gaps is None:
        return None
    sides = claim_of(part, epoch).sides
    for line, name in epoch.lost:
        if line <= part.formula.line and epoch.gaps.depends_on(name, sides, scope):
            return f"line {line} gives {shown(name)} anew, and no model comes of that"
    return None


def said_again(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """What has another equation that isn't read, and a claim depends on."""
    return None if epoch.gaps is None else epoch.gaps.said_again(claim_of(part, epoch).sides, scope)


def misnamed(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """What two equations call by names that differ in case alone, of which a claim needs one."""
    return None if epoch.gaps is None else epoch.gaps.misnamed(claim_of(part, epoch).sides, scope)


def runs_to_a_letter(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a sum runs to a capital, ``Σ_{m=1}^N``, of which nothing is known."""
    free = {*unbound_letters(claim_of(part, epoch), scope)} - {"T", *scope.horizons}
    return any(
        isinstance(n, BigOperator) and isinstance(n.upper, Symbol)
        and n.upper.base.isupper() and n.upper.base in free
        for side in (part.left, part.right) for n in side.walk()
    )  # fmt: skip


def unused(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """What the loss doesn't depend on by the equations, and a claim has the gradient by."""
    return None if epoch.gaps is None else epoch.gaps.idle(claim_of(part, epoch).sides, scope)


def unproved(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """The equation that isn't read, of which a derivative that is no chain rule's may be."""
    if epoch.gaps is None:
        return None
    joins = any(isinstance(n, Product | BigOperator) for n in part.right.walk())
    chain = joins and is_chain(part.right)
    return epoch.gaps.unproved(claim_of(part, epoch).sides, scope, chain=chain)


def without_path(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """A derivative that no chain of equations makes anything but zero."""
    if epoch.gaps is None or part.sign in BOUNDS:
        return None
    return epoch.gaps.no_path(claim_of(part, epoch).sides, scope)


def is_besides(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim names, without a step, what an equation beside the network gives."""
    names = (Naming().read(n) for n in symbols(part.relation)) if epoch.besides else ()
    return any(index is None and name in epoch.besides for name, index in names)


def _bears_step(node: Node) -> bool:
    return isinstance(node, Symbol) and any(map(is_time, scripts(node)))


def is_assigned(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether ``←`` gives a value to what bears no step."""
    return part.left in epoch.assigned and not _bears_step(part.left)


def is_added_to(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether ``+=`` adds to the same gradient, at some step."""
    left = part.left
    return isinstance(left, Symbol) and _bears_step(left) and left.base in epoch.added


def has_bare_ones(part: Part, epoch: Epoch, scope: Scope) -> bool:
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


def has_another_name(part: Part, epoch: Epoch, scope: Scope) -> bool:
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


def speaks_of_differentials(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim has d's, of a document that has differentials, or has that of an
    expression."""
    sides = part.left, part.right
    if any(is_of_expression(x, epoch.model) for x in sides):
        return True
    return epoch.differentials and any(has_d(x, scope) for x in sides)


def is_of_differentials(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether ``dh_t`` is made of ``dh_{t-1}``, as differentials are and gradients are not."""
    step = None if not isinstance(part.left, Symbol) else scope.meant(part.left)
    if step is None or step.step is None or step.kind != "gradient" or prefix_of(part.left) != "d":
        return False
    before = Sum((step.step, Number(Fraction(1))), (1, -1))
    meant = (scope.meant(n) for n in part.right.walk() if isinstance(n, Symbol))
    return any(m is not None and m.kind == "gradient" and m.step == before for m in meant)


def repeats_a_letter(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a letter of entries stands twice on one side, nowhere on the other, and no sum has
    it: ``∂q_l/∂s_m = V_{lb} δ_{bm}``."""
    sides = part.left, part.right
    written = [{n.base for n in side.walk() if isinstance(n, Symbol)} for side in sides]
    counted = [Counter(_counting(side, scope)) for side in sides]
    return any(
        n > 1 and letter not in written[1 - i] | {*counted[1 - i]}
        for i, letters in enumerate(counted)
        for letter, n in letters.items()
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


def defines_a_function(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a formula says what a function of one letter is: ``σ(z) = e^z / Σ_j e^{z_j}``."""
    return function_defined(part) is not None


def has_a_function_given(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether the document gives a function by a formula, ``φ(z) = z``, or as the identity by
    words, which the network has by its name alone."""
    return not epoch.formulas_of.isdisjoint(epoch.model.abstract)


def is_of_given_numbers(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether the document gives a weight a number, so that its network may be one of numbers."""
    return any(p.name in epoch.valued for p in epoch.model.with_role(Role.PARAMETER))


def is_zero_at_the_end(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim says that a gradient by a later state is zero, or what is named as one by
    the last state: a recursion may begin so."""
    if part.right != Number(Fraction(0)):
        return False
    if _is_carried_by_name(part.left, scope):
        return True
    if not speaks_of_loss(part.left, scope):
        return False
    by = [n.operand for n in part.left.walk() if isinstance(n, Differential)][1:]
    steps = (p for x in by if isinstance(x, Symbol) for p in scripts(x) if is_time(p))
    return any(isinstance(n, Sum) and n.signs == (1, 1) for p in steps for n in p.walk())


def _is_carried_by_name(left: Node, scope: Scope) -> bool:
    """Whether ``δh_T`` may be what comes from behind the last step: the text doesn't say that a δ
    is all of a gradient."""
    if isinstance(left, Product):
        found, _ = with_prefixes(left.factors, left.operators, scope)
        left = found[0] if len(found) == 1 else left
    meant = scope.meant(left) if isinstance(left, Symbol) else None
    if meant is None or meant.kind != "gradient" or prefix_of(left) in scope.marks:
        return False
    last = isinstance(meant.step, Symbol) and meant.step.base in scope.horizons
    return last and scope.model.variables[meant.name].role is Role.STATE


def has_capital_step(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim is about a step that a capital counts: L, where T isn't the last one."""
    letters = unbound_letters(claim_of(part, epoch), scope)
    return any(letter.isupper() and letter != "T" for letter in letters)


def steps_what_stands_still(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim has ``f_t`` where the forward equations have the vector ``f``."""
    read = (Naming().read(s) for side in (part.left, part.right) for s in symbols(side))
    still = (epoch.model.variables.get(name) for name, index in read if index is not None)
    return any(v is not None and v.timeless and 1 in v.shape for v in still)


def has_loose_ends(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim is about a loss that no equation gives, where several quantities may be what
    it is of."""
    if epoch.loss_stated or epoch.gaps is None or not epoch.gaps.loose:
        return False
    return any(speaks_of_loss(side, scope) for side in (part.left, part.right))


def is_of_loss_of_arguments(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim sums a loss of arguments at each step, ``Σ_t L(d_t, y_t)``, of which the
    document may give one alone."""
    if part.raw is None or has_derivative(part.relation):
        return False

    def is_at_a_step(node: Node) -> bool:
        match node:
            case Call(Symbol(name), given) | Product((Symbol(name), Group("(", given)), ("",)):
                parts = (p for x in given for n in x.walk() if isinstance(n, Symbol)
                         for p in scripts(n))  # fmt: skip
                return name in LOSSES | scope.losses and any(map(is_time, parts))
        return False

    sums = (n for n in part.raw.walk() if isinstance(n, BigOperator))
    return any(is_at_a_step(n) for big in sums for n in big.body.walk())


def is_of_log_of_softmax(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a claim is about a loss with logarithms of probabilities besides other things, whose
    target may sum to one."""
    terms = [t for piece in epoch.model.loss for t in piece.term.walk()]
    roles = Role.INPUT, Role.TARGET
    given = {v.name for role in roles for v in epoch.model.with_role(role)}
    compared = {t.name for t in terms if isinstance(t, tm.Ref)} & given
    logs = any(isinstance(t, tm.Mapped) and t.function == "log" for t in terms)
    of_loss = any(speaks_of_loss(s, scope) for s in (part.left, part.right))
    return logs and len(compared) > 1 and of_loss


def is_of_any_loss(part: Part, epoch: Epoch, scope: Scope) -> bool:
    """Whether a gradient is given by other things than gradients and errors, ``ŷ - y``, of a loss
    that no equation gives."""
    errors = any(
        difference(n) or (isinstance(n, Symbol) and is_gradient_name(n)) for n in part.right.walk()
    )
    known = epoch.loss_stated or errors or isinstance(part.right, Number)
    of_loss = [speaks_of_loss(side, scope) for side in (part.left, part.right)]
    return not known and of_loss == [True, False]
