"""Claims, and the steps at which they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from symbptt.check.meaning.entries import extent
from symbptt.check.meaning.meaning import Meaning
from symbptt.check.meaning.norms import extreme_over
from symbptt.check.meaning.ranges import range_of, runs_back
from symbptt.check.notation.conditions import holds
from symbptt.check.notation.meant import Meant
from symbptt.check.notation.prefixes import with_prefixes
from symbptt.check.notation.quantities import MissingError, Span
from symbptt.check.notation.scripts import (
    NO_STEPS,
    Steps,
    entry_letters,
    letters,
    scripts,
)
from symbptt.check.notation.symbols import Scope, UnknownError
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
    Subscripted,
    Symbol,
)


@dataclass(frozen=True)
class Claim:
    """Two sides that are said to be equal, and where: the conditions on the steps.

    ``share``: the right side is what one step adds to the left, as in ``dW += …``;
    ``of_one_step``: the text speaks of one step where the claim stands.
    """

    left: Node
    right: Node
    conditions: tuple[Node, ...] = ()
    share: bool = False
    of_one_step: bool = False

    @property
    def sides(self) -> tuple[Node, Node]:
        """Left and right."""
        return self.left, self.right

    @property
    def relation(self) -> Relation:
        """Both sides as one formula."""
        return Relation(self.sides, ("=",))


#: The longest sequence that is tried.
LONGEST = 8


def least_length(claim: Claim) -> int:
    """The largest step that is named by its number."""
    written = [
        part
        for side in claim.sides
        for n in side.walk()
        for part in (
            scripts(n) if isinstance(n, Symbol) else
            (n.lower, n.upper) if isinstance(n, BigOperator) else ()
        )
        if part is not None
    ]  # fmt: skip
    numbers = [
        int(n.value) for part in written for n in part.walk()
        if isinstance(n, Number) and n.value.denominator == 1
    ]  # fmt: skip
    return max([1, *(n for n in numbers if n <= LONGEST)])


#: How many letters a claim may leave free.
MOST_LETTERS = 4
#: How many points are looked at to find one.
MOST_AHEAD = 12


def points(claim: Claim, meaning: Meaning) -> Iterator[dict[str, int]]:
    """The values of the letters that are free in a claim, where its conditions hold."""
    T = meaning.world.T
    free = free_letters(claim, meaning)
    meant = list(_meant(claim, meaning, free))
    backward = _backward(claim, meaning)
    kept = [steps for steps in meant if not backward(steps)]
    counted = [letter for letter, n in free.items() if n is None]
    if kept and all(steps[letter] == T for steps in kept for letter in counted):
        return iter(meant)  # only the last step would be left: it speaks of others too
    return iter(kept)


def a_point(claim: Claim, meaning: Meaning) -> dict[str, int] | None:
    """One of the points, from the middle of all, if it is clear that it is one."""
    meant = list(_meant(claim, meaning, free_letters(claim, meaning)))
    middle = len(meant) // 2
    backward = _backward(claim, meaning)
    ahead = islice((*meant[middle:], *meant[:middle]), MOST_AHEAD)
    return next((steps for steps in ahead if not backward(steps)), None)


def _meant(
    claim: Claim, meaning: Meaning, free: Mapping[str, int | None]
) -> Iterator[dict[str, int]]:
    """The values of free letters at which the conditions of a claim hold."""
    T = meaning.world.T
    if len(free) > MOST_LETTERS:
        raise UnknownError(f"{len(free)} letters are too many to try", claim.left)
    ranges = [range(1, (n or T) + 1) for n in free.values()]
    horizons = dict.fromkeys(meaning.scope.horizons, T)
    every = ({**horizons, **dict(zip(free, values, strict=True))} for values in product(*ranges))
    layers = meaning.scope.layers
    known = {} if layers is None else {layers.top: layers.count}
    return (steps for steps in every if _holds_at(claim, {**known, **steps}))


def _holds_at(claim: Claim, steps: Steps) -> bool:
    """Whether the conditions of a claim hold."""
    for condition in claim.conditions:
        found = holds(condition, steps)
        if found is None:
            raise UnknownError("a condition that is not read", condition)
        if not found:
            return False
    return True


def has_empty_products(claim: Claim, meaning: Meaning, steps: Steps) -> bool:
    """Whether a claim has products over steps, and all of them are empty, ``∏_{i=k+1}^k``."""
    nodes = [n for side in claim.sides for n in side.walk()]
    bound = _bound(nodes)
    over = [
        range_of(meaning, n, n.index.base, steps)
        for n in nodes
        if isinstance(n, BigOperator) and n.kind == "prod" and isinstance(n.index, Symbol)
        and n.lower is not None and n.upper is not None
        and not bound & {*letters(n.lower), *letters(n.upper)}
    ]  # fmt: skip
    return bool(over) and not any(map(len, over))


def _bound(nodes: Sequence[Node]) -> set[str]:
    """The letters of sums and products."""
    return {n.index.base for n in nodes
            if isinstance(n, BigOperator) and isinstance(n.index, Symbol)}  # fmt: skip


def _backward(claim: Claim, meaning: Meaning) -> Callable[[Steps], bool]:
    """Tells of steps whether there a claim speaks of the derivative of something by what comes
    later, or multiplies backwards."""
    if any(isinstance(side, Number) and not side.value for side in claim.sides):
        return lambda steps: False  # it says that a derivative is zero
    nodes = [n for side in claim.sides for n in side.walk()]
    bound, scope = _bound(nodes), meaning.scope
    may_be = [
        n for n in nodes
        if isinstance(n, Quotient | Differential | BigOperator)
        or (isinstance(n, Symbol) and (m := scope.meant(n)) is not None and m.kind == "defined")
    ]  # fmt: skip
    return lambda steps: any(
        _is_backwards(n, meaning, steps) or _runs_back(n, bound, meaning, steps) for n in may_be
    )


def _is_backwards(node: Node, meaning: Meaning, steps: Steps) -> bool:
    """Whether a node is the derivative of something by what comes later: zero, not meant."""
    match node:
        case Quotient(
            Differential(operand=Node() as of), Differential(operand=Node() as by)
        ) | Differential("∇", Node() as of, by=Node() as by):
            try:
                a, b = meaning.place(of, steps), meaning.place(by, steps)
            except (MissingError, UnknownError):
                return False
            if a is None or b is None or a.step is None or b.step is None:
                return False
            if a.span is Span.FROM:
                return False  # the loss from a step on depends on what comes later
            return not meaning.world.is_parameter(b.name) and a.step < b.step
        case Symbol():
            return _is_backwards_by_name(node, meaning, steps)
    return False


def _runs_back(node: Node, bound: set[str], meaning: Meaning, steps: Steps) -> bool:
    """Whether a node is a product that ends before it begins; ``bound``: the letters of sums."""
    match node:
        case BigOperator("prod", lower=Node() as lower, upper=Node() as upper):
            if bound & {*letters(lower), *letters(upper)}:
                return False
            return runs_back(node, steps, meaning.scope.horizons)
    return False


def _is_backwards_by_name(node: Symbol, meaning: Meaning, steps: Steps) -> bool:
    """``δ_{k+1}^{(t)}`` at k = t, where it is ``∂L_t/∂h_{k+1}``."""
    meant = meaning.scope.meant(node)
    if meant is None or meant.kind != "defined":
        return False
    known = meaning.scope.definitions[meant.name]
    try:
        inside = meaning.inside(known, meant, steps)
    except UnknownError:
        return False
    body = known.body
    return isinstance(body, Quotient | Differential) and _is_backwards(body, meaning, inside)


# -- the letters of a claim ---------------------------------------------------------------------


def free_letters(claim: Claim, meaning: Meaning) -> dict[str, int | None]:
    """The letters that steps and entries have in a claim, with how many entries each counts."""
    found: dict[str, int | None] = {}
    for side in claim.sides:
        for letter, node in _letters(side, meaning.scope):
            if letter not in meaning.scope.horizons and found.get(letter) is None:
                found[letter] = _count(meaning, letter, node)
    if claim.share:
        found.setdefault("t", None)
    if not found and any(stands_bare(n, meaning.scope) for s in claim.sides for n in s.walk()):
        found["t"] = None
    return found


def _count(meaning: Meaning, letter: str, node: Node) -> int | None:
    """How many entries, or layers, a letter counts; None if it counts steps."""
    layers = meaning.scope.layers
    if layers is not None and letter == layers.letter:
        return layers.count
    return None if letter == "t" else extent(meaning, letter, node)


def unbound_letters(claim: Claim, scope: Scope) -> set[str]:
    """The letters of a claim that no sum binds."""
    return {letter for side in claim.sides for letter, _ in _letters(side, scope)}


def has_more_letters(claim: Claim, scope: Scope) -> bool:
    """Whether the right side has steps that the left side leaves open: ``∂L/∂W = δ_t x_tᵀ``."""
    left, right = ({letter for letter, _ in _letters(side, scope)} for side in claim.sides)
    return bool(right - left - scope.horizons)


def stands_bare(node: Node, scope: Scope) -> bool:
    """Whether a state stands without a step, which is then t."""
    meant = scope.meant(node) if isinstance(node, Symbol) else None
    if meant is None or meant.step is not None:
        return False
    if meant.kind == "defined":
        return scope.definitions[meant.name].parameter is not None
    return meant.kind in ("quantity", "gradient") and not scope.model.variables[meant.name].timeless


def _letters(
    node: Node, scope: Scope, bound: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Node]]:
    """The letters of steps and entries that no sum binds, each with the symbol it is in."""
    match node:
        case Symbol():
            for part in _counting(scope.meant(node)):
                yield from ((x, node) for x in letters(part) if x not in bound)
            layers = scope.layers
            if layers is not None and layers.counts(node) and layers.letter not in bound:
                yield layers.letter, node
            return
        case BigOperator(index=index, body=body):
            own = {index.base} if isinstance(index, Symbol) else set()
            for end in (node.lower, node.upper):
                if end is not None and not (end == node.upper and _is_of_entries(node, scope)):
                    yield from ((x, end) for x in letters(end) if x not in bound | NO_STEPS)
            if node.domain is not None:
                yield from ((x, node.domain) for x in letters(node.domain) if x not in bound | own)
            bound |= own
            yield from _letters(body, scope, bound)
            return
        case Subscripted(Group("‖" | "|", (inner,))):
            yield from _letters(inner, scope, bound)
            return
        case Subscripted(operand, (part,)):
            for e in entry_letters(part):
                yield from ((x, node) for x in letters(e) if x not in bound)
            yield from _letters(operand, scope, bound)
            return
        case Call(function, arguments) if (letter := extreme_over(function)) is not None:
            for argument in arguments:
                yield from _letters(argument, scope, bound | {letter})
            return
    children = list(node.children())
    if isinstance(node, Product):
        children, _ = with_prefixes(node.factors, node.operators, scope)
    for child in children:
        yield from _letters(child, scope, bound)


def _is_of_entries(node: BigOperator, scope: Scope) -> bool:
    """Whether a sum runs over entries: the letter above the sign says how many there are."""
    if not (isinstance(node.index, Symbol) and isinstance(node.upper, Symbol)):
        return False
    meant = (scope.meant(n) for n in node.body.walk() if isinstance(n, Symbol))
    entries = (e for m in meant if m is not None for e in m.entry)
    return any(node.index.base in letters(e) for e in entries)


def _counting(meant: Meant | None) -> Iterator[Node]:
    """The scripts of a symbol that count."""
    if meant is not None:
        yield from (p for p in (meant.step, *meant.entry, meant.power) if p is not None)
