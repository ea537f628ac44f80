"""What one side of a claim is worth at a random point, taken as a convention says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache

from symbptt.check.meaning import derivatives, entries, norms, products, ranges
from symbptt.check.meaning.calls import called
from symbptt.check.meaning.conventions import FITTING, STANDARD, Convention
from symbptt.check.meaning.placing import Placing
from symbptt.check.meaning.recall import Watched
from symbptt.check.meaning.tensors import (
    Layout,
    Matrix,
    ShapeClashError,
    Value,
    laid_out,
    number,
    power,
    scaled,
)
from symbptt.check.meaning.weights import weight
from symbptt.check.meaning.work import Seen, Work
from symbptt.check.notation import conditions
from symbptt.check.notation.meant import Definition, Meant
from symbptt.check.notation.quantities import MissingError, Place
from symbptt.check.notation.scripts import Steps, is_time, step_value
from symbptt.check.notation.symbols import UnknownError
from symbptt.evidence.residues import rational
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Cases,
    Differential,
    Group,
    Node,
    Number,
    Power,
    Primed,
    Product,
    Quotient,
    Relation,
    Subscripted,
    Sum,
    Symbol,
    Text,
    Transpose,
)
from symbptt.model import Role

#: Definitions that use definitions are followed so far.
MOST_DEFINITIONS = 40


@dataclass(frozen=True)
class Meaning(Placing):
    """Evaluates formulas in a world, under a convention and the document's definitions.

    ``within_sum``: a term of a sum may be beyond the last step; ``seen``: what the derivatives of
    the formula are to be noted in.
    """

    within_sum: bool = False
    work: Work = field(default_factory=Work)
    seen: Seen | None = None

    def value(self, node: Node, steps: Steps) -> Value:
        """The value of a formula where its letters stand for given steps.

        Raises :class:`ShapeClashError`, :class:`MissingError` and :class:`UnknownError`.
        """
        convention = self.convention
        if self.seen is None and isinstance(convention, Watched) and convention.recall is not None:
            recall = convention.recall
            at = (self.within_sum, self.depth, recall.steps_of(node, steps))
            return recall.once(node, at, convention, lambda: self._counted(node, steps))
        found = self._counted(node, steps)
        if self.seen is not None:
            self.seen.note(node, found, self, steps)
        return found

    def _counted(self, node: Node, steps: Steps) -> Value:
        self.work.spend(node)
        return self._value(node, steps)

    def _value(self, node: Node, steps: Steps) -> Value:
        match node:
            case Number(value):
                return number(rational(value))
            case Symbol():
                return self._symbol(node, steps)
            case Group("[" | "{", (Relation() as condition,)) | Subscripted(
                Number(Fraction(numerator=1, denominator=1)), (Relation() as condition,)
            ):  # [i = j], 1_{i = j}, 1_{i = y_t}
                chosen = self._entry_chosen(condition, steps)
                return chosen or number(int(self.holds(condition, steps)))
            case Group("(" | "[" | "{", (inner,)):
                return self.value(inner, steps)
            case Group("⟨", (_, _) as factors):
                return products.multiplied(self, factors, ("⟨⟩",), steps)
            case Group("[" | "(", items):
                return products.stacked(self, items, steps)
            case Group("‖" | "|", (_,)) | Subscripted(Group("‖" | "|", (_,))):
                return norms.normed(self, node, steps)
            case Sum(terms, signs):
                return products.summed(self, terms, signs, steps)
            case Product(factors, operators):
                return products.multiplied(self, factors, operators, steps)
            case Quotient():
                return derivatives.quotient(self, node, steps)
            case Differential(sign="∇", operand=Node() as of, by=Node() as by):
                return derivatives.derivative(self, of, by, "∇", steps)
            case Transpose(operand):
                return products.transposed(self.value(operand, steps))
            case Power(base, exponent):
                return products.raised(self, base, exponent, steps)
            case Call(function, arguments):
                return called(self, node, function, arguments, steps)
            case BigOperator():
                return ranges.big(self, node, steps)
            case Subscripted(Group("(", (Quotient() as slope,)), (part,)) if is_time(part):
                return derivatives.at_step(self, slope, part, steps)  # (∂L/∂W)^{(t)}
            case Subscripted(Quotient() as slope, (part,)):
                return derivatives.at_step(self, slope, part, steps)
            case Subscripted(operand, (part,)):
                return entries.entry(self, operand, part, steps)
            case Cases():
                return self._case(node, steps)
            case Primed(Call(function, arguments), count):
                primed = replace(function, primes=function.primes + count)
                return called(self, node, primed, arguments, steps)
        raise UnknownError(f"{_kind(node)} is not read here", node)

    def matrix(self, node: Node, steps: Steps) -> Matrix:
        """The value of a formula as the convention lays it out."""
        return self.laid_out(self.value(node, steps))

    def laid_out(self, x: Value) -> Matrix:
        """A value as the convention lays it out."""
        if isinstance(x, Matrix):
            return x
        return laid_out(x, self.convention.layout, self.convention.stacking)

    def _case(self, node: Cases, steps: Steps) -> Value:
        for value, condition in zip(node.values, node.conditions, strict=True):
            if condition is None or self.holds(condition, steps):
                return self.value(value, steps)
        raise MissingError("no case applies")

    def holds(self, condition: Node, steps: Steps) -> bool:
        """Whether a condition on steps holds; :class:`UnknownError` if it is not read."""
        found = conditions.holds(condition, {**steps, "T": self.world.T})
        if found is None:
            raise UnknownError("this condition is not read", condition)
        return found

    def _entry_chosen(self, condition: Relation, steps: Steps) -> Value | None:
        """``i = y_t`` where ``y_t`` is the number of the right class: entry i of the target, which
        as a vector is 1 there and 0 elsewhere."""
        if condition.operators != ("=",):
            return None
        for of, letter in (condition.sides, condition.sides[::-1]):
            if not isinstance(of, Symbol) or step_value(of, steps) is not None:
                continue
            if self.meant(of, steps) is None:
                self._symbol(of, steps)  # says which name means nothing
            at = self.place(of, steps)
            known = None if at is None else self.world.model.variables.get(at.name)
            if known is not None and known.role is Role.TARGET:
                return entries.entry(self, of, letter, steps)
        return None

    # -- names ----------------------------------------------------------------------------------

    def _symbol(self, node: Symbol, steps: Steps) -> Value:
        if node.base in steps and node.is_bare:
            return number(steps[node.base])
        if node.base in self.scope.free and node.is_bare:
            return Matrix(self.world.A.free(("free", node.base), (1, 1)).array)
        meant = self.meant(node, steps)
        if meant is None:
            name = self.scope.unknown(node)
            raise UnknownError(f"{name} is not defined", node, name)
        match meant.kind:
            case "defined":
                found = self._defined(self.scope.definitions[meant.name], meant, steps)
                if meant.power is None:
                    return found
                return self._power(self.laid_out(found), meant.power, steps)
            case "unit":
                row, column = (self._at(e, steps) for e in meant.entry)
                return number(int(row == column))
            case "gradient":
                by = self.place_of(replace(meant, kind="quantity"), steps)
                return derivatives.slope(self, Place(self.world.model.loss_name), by)
        if meant.later:
            raise UnknownError(f"{meant.name} as later steps see it has no value", node)
        if meant.power is not None:
            base = Matrix(self.world.value(Place(meant.name)).array)
            return self._power(base, meant.power, steps)
        return self.value_at(self.place_of(meant, steps))

    def value_at(self, place: Place) -> Value:
        """The value of a quantity."""
        found = Matrix(self.world.value(place.plain).array)
        return scaled(found, weight(self, place, -1)) if place.own else found

    def _power(self, base: Matrix, exponent: Node, steps: Steps) -> Value:
        """``W^{t-k}``: a power of a parameter, or of a constant."""
        count = step_value(exponent, steps)
        if count is None or count < 0:
            raise UnknownError("an exponent that is no number", exponent)
        if base.size[0] != base.size[1]:
            raise ShapeClashError(f"a power of a matrix that is {base.size[0]}×{base.size[1]}")
        return power(base, count)

    # -- definitions ----------------------------------------------------------------------------

    def _defined(self, known: Definition, meant: Meant, steps: Steps) -> Value:
        """What a defined symbol is worth: read without the readings of the claim it stands in."""
        if self.depth > MOST_DEFINITIONS:
            raise UnknownError(f"{meant.name} is defined by itself", known.body, meant.name)
        diagonal = len(set(known.entries)) < len(known.entries)
        if diagonal and len({self._at(e, steps) for e in meant.entry}) > 1:
            return number(0)
        inside = self.inside(known, meant, steps)
        plain = _plain(self.convention.layout, self.convention.undivided)
        own = replace(self, convention=plain, depth=self.depth + 1)
        try:
            return own._body(known, meant, inside)
        except ShapeClashError:  # a definition multiplies what fits
            fitting = replace(own, convention=replace(plain, signs=FITTING))
            return fitting._body(known, meant, inside)

    def _body(self, known: Definition, meant: Meant, steps: Steps) -> Value:
        if known.entries and not meant.entry:
            return entries.assembled(self, known, steps)
        if meant.entry and not known.entries:
            return entries.entry(self, known.body, meant.entry[0], steps)
        return self.value(known.body, steps)


@cache
def _plain(layout: Layout, undivided: bool) -> Convention:
    """The standard convention in another layout."""
    return replace(STANDARD, layout=layout, undivided=undivided)


_KINDS = {
    "Group": "a list", "Text": "text", "Relation": "a relation within a formula",
    "Subscripted": "a subscript here", "Primed": "a prime here", "Differential": "a lone ∂",
}  # fmt: skip


def _kind(node: Node) -> str:
    name = type(node).__name__
    if isinstance(node, Text):
        return f"the text '{node.words[:40]}'"
    return _KINDS.get(name, name.lower())
