"""From syntax trees to drafts: names resolved, functions looked up, symbols declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

from symbptt.errors import ModelError, Place, did_you_mean, with_article
from symbptt.formula import parse
from symbptt.formula.tree import (
    Call,
    Group,
    Node,
    Number,
    Power,
    Primed,
    Product,
    Quotient,
    Span,
    Subscripted,
    Sum,
    Symbol,
    Transpose,
)
from symbptt.model import terms as tm
from symbptt.model.draft import Draft, Formula, Source
from symbptt.model.drafting import Drafting
from symbptt.model.functions import (
    ACTIVATIONS,
    INSTEAD,
    LOSSES,
    STRUCTURAL,
    VECTOR_FUNCTIONS,
    canonical,
)
from symbptt.model.names import Naming, symbols
from symbptt.model.shapes import Why

#: Signs that multiply entry by entry; they bind looser than the signs of a matrix product.
ENTRYWISE = frozenset(["⊙", "∘", "*"])


#: What a norm may be marked with that is the root of the sum of all squares.
EUCLIDEAN = (Symbol("F"), Number(Fraction(2)))


@dataclass
class Elaborator(Drafting):
    """Drafts for the formulas of one model."""

    naming: Naming
    declared_functions: frozenset[str] = frozenset()
    formulas: Mapping[str, Formula] = field(default_factory=dict)
    symbols: dict[str, Draft] = field(default_factory=dict)
    spelled: dict[str, Symbol] = field(default_factory=dict)
    abstract: dict[str, int] = field(default_factory=dict)
    local: Mapping[str, Draft] = field(default_factory=dict)
    inside: tuple[str, ...] = ()  # the model's own functions whose formula is being read

    # -- drafts ---------------------------------------------------------------------------

    def draft(self, node: Node) -> Draft:
        """The draft of a formula; a :class:`ModelError` at what can't stand in a model."""
        match node:
            case Number(value):
                return self.constant(value, node)
            case Symbol():
                return self._symbol(node)
            case Group("(" | "[" | "{", (inner,)):
                return self.draft(inner)
            case Sum(terms, signs):
                return self.sum([self.draft(t) for t in terms], signs, node)
            case Product(factors, operators):
                return self._product(factors, operators, node)
            case Quotient(numerator, denominator):
                inverse = self.raised(self.draft(denominator), Fraction(-1), denominator)
                return self.times(self.draft(numerator), inverse, node, entrywise=True)
            case Power(Group("‖" | "|" as bars, (inner,)), Number(value)) if value == 2:
                squared = self.raised(self.draft(inner), Fraction(2), node)
                return self.scalar(tm.Total, node, squared) if bars == "‖" else squared
            case Power(Subscripted(Group("‖", (inner,)), (kind,)), Number(value)) if (
                value == 2 and kind in EUCLIDEAN
            ):
                return self.scalar(tm.Total, node, self.raised(self.draft(inner), value, node))
            case Group("‖") | Subscripted(Group("‖")):
                raise self.error(
                    node,
                    "of norms only the squares ‖a‖^2, ‖a‖_2^2, ‖A‖_F^2 are known; "
                    "the Euclidean norm of a vector is sqrt(a^T a)",
                )
            case Group("|", (_,)):
                raise self.error(node, f"bars are not read as a function; {INSTEAD['abs']}")
            case Power(Call(function), exponent) if self._exponent(exponent) < 0:
                raise self.error(
                    node, f"{function.base} to a negative power: its inverse, or one over it? "
                    f"write 1 / {function.base}(…) for the latter"
                )  # fmt: skip
            case Power(Symbol() as base, exponent) if (
                self.naming.read(base)[1] is None
                and self._exponent(exponent) < 0
                and base.base[0].isupper()
            ):
                raise self.error(
                    node, "the inverse of a matrix is not supported; one over its entries is 1 / W"
                )
            case Power(base, exponent):
                return self.raised(self.draft(base), self._exponent(exponent), node)
            case Transpose(operand):
                return self.transposed(self.draft(operand), node)
            case Call(function, arguments):
                return self._call(function, arguments, node)
            case Group("[", items, separators) if items and "|" not in separators:
                return self._stack(items, node, beside="&" in separators)
            case Primed():
                raise self.error(node, "a derivative can't stand in a model's equation")
        raise self.error(node, f"{_called(node)} can't stand in a model's equation")

    def _symbol(self, node: Symbol) -> Draft:
        name, index = self.naming.read(node)
        if node == Symbol("T"):
            return self.scalar(tm.Horizon, node)
        if name in self.local and index is None:
            return self.local[name]
        if node.primes:
            raise self.error(node, f"'{name.replace('_prime', chr(39))}' is a derivative; a "
                             "model's equations hold values only")  # fmt: skip
        known = self.declare(name, node)
        self._check_spelling(name, node)
        return self.new(tm.Ref, node, known.rows, known.cols, data=(name, index))

    def _check_spelling(self, name: str, node: Symbol) -> None:
        """Refuse two symbols that would be one name in code: ``W_{hh}`` and ``W^{hh}``."""
        if self.spelled[name] == Symbol(name):  # declared by name before it was seen
            self.spelled[name] = self.naming.bare(node)
        elif self.naming.bare(node) not in (self.spelled[name], Symbol(name)):
            raise self.error(
                node, f"{name} is spelled in two ways; if these are two symbols, rename one of them"
            )

    def declare(self, name: str, node: Symbol) -> Draft:
        """The draft that stands for a symbol wherever it occurs."""
        if name not in self.symbols:
            self.symbols[name] = self.new(tm.Ref, node, self.dims.fresh(), self.dims.fresh())
            self.spelled[name] = self.naming.bare(node)
        return self.symbols[name]

    def _product(self, factors: tuple[Node, ...], operators: tuple[str, ...], node: Node) -> Draft:
        # Entrywise signs bind looser: A b ⊙ c is (A b) ⊙ c, and each run between them a product.
        runs: list[list[Node]] = [[factors[0]]]
        for operator, factor in zip(operators, factors[1:], strict=True):
            if operator == "⊗":
                raise self.error(node, "write an outer product as a b^T, not with ⊗")
            if operator in ENTRYWISE:
                runs.append([factor])
            else:
                runs[-1].append(factor)
        products = [self._chain(run, entrywise=False) for run in runs]
        result = products[0]
        for run, right in zip(runs[1:], products[1:], strict=True):
            span = Span(factors[0].span.start, run[-1].span.end)
            result = self.times(result, right, Node(span=span), entrywise=True)
        return result

    def _chain(self, factors: list[Node], *, entrywise: bool) -> Draft:
        result = self.draft(factors[0])
        for factor in factors[1:]:
            span = Span(factors[0].span.start, factor.span.end)
            result = self.times(result, self.draft(factor), Node(span=span), entrywise=entrywise)
        return result

    def _stack(self, items: tuple[Node, ...], node: Node, *, beside: bool = False) -> Draft:
        stacked = self.stack([self.draft(item) for item in items], node)
        if beside and stacked.kind is tm.Stack and self.dims.value(stacked.rows) != 1:
            raise self.error(node, r"columns side by side are a matrix; stack them with \\ or ;")
        return stacked

    def _exponent(self, node: Node) -> Fraction:
        value = self.draft(node).number
        if value is None or abs(value) > 100 or value.denominator > 100:
            raise self.error(node, "an exponent must be a number, of at most 100")
        return value

    # -- calls ----------------------------------------------------------------------------

    def _call(self, function: Symbol, nodes: tuple[Node, ...], node: Node) -> Draft:
        spelled, index = self.naming.read(function)
        if function.primes:
            raise self.error(node, "a derivative can't stand in a model's equation")
        name = spelled if spelled in self.declared_functions else canonical(spelled) or spelled
        if name in STRUCTURAL:
            return self._structural(name, nodes, node)
        arguments = tuple(self.draft(n) for n in nodes)
        if spelled in self.formulas:
            return self._defined(spelled, arguments, node)
        if name in self.declared_functions:
            return self._unknown_function(name, index is not None, arguments, node)
        if name in LOSSES:
            return self._named(name, arguments, node)
        if name in ACTIVATIONS or name in VECTOR_FUNCTIONS:
            self._count(name, 1, arguments, node)
            kind = tm.Mapped if name in ACTIVATIONS else tm.VectorMapped
            (z,) = arguments
            if z.number is not None:
                raise self.error(node, f"{name} of a number is a constant; write its value")
            return self.new(kind, node, z.rows, z.cols, z, data=(name,))
        return self._unknown_function(name, index is not None, arguments, node)

    def _count(self, name: str, wanted: int, given: tuple[object, ...], node: Node) -> None:
        if len(given) != wanted:
            plural = "" if wanted == 1 else "s"
            raise self.error(node, f"{name} takes {wanted} argument{plural}, not {len(given)}")

    def _structural(self, name: str, nodes: tuple[Node, ...], node: Node) -> Draft:
        self._count(name, STRUCTURAL[name] or max(1, len(nodes)), nodes, node)
        arguments = [self.draft(n) for n in nodes]
        match name:
            case "concat" | "stack":
                return self._stack(nodes, node)
            case "part":
                return self.part(arguments[0], arguments[1:], node)
            case "transpose":
                return self.transposed(arguments[0], node)
            case "sum":
                return self.scalar(tm.Total, node, arguments[0])
            case "mean":
                return self.mean(arguments[0], node)
            case "squared" | "square":
                return self.raised(arguments[0], Fraction(2), node)
            case "outer":
                right = self.transposed(arguments[1], nodes[1])
                return self.times(arguments[0], right, node, entrywise=False)
        left, right = arguments  # matmul, dot
        return self.times(left, right, node, entrywise=False)

    def _named(self, name: str, arguments: tuple[Draft, ...], node: Node) -> Draft:
        row = LOSSES[name]
        self._count(name, len(row.arguments), arguments, node)
        for other in arguments[1:]:
            if other.number is not None:  # a bare number fills the shape of the first
                other.rows, other.cols = arguments[0].rows, arguments[0].cols
            else:
                self.same_shape(arguments[0], other, Why(self.source.place(node.span)))
        outer = self.local, self.source
        self.local = dict(zip(row.arguments, arguments, strict=True))
        self.source = Source("")
        expansion = self.draft(_definition(row.definition))
        self.local, self.source = outer
        one = self.one()
        return self.new(tm.Named, node, one, one, *arguments, expansion, data=(name,))

    def _defined(self, name: str, arguments: tuple[Draft, ...], node: Node) -> Draft:
        """A function of the model's own: its formula, entry by entry, other symbols scalars."""
        formula = self.formulas[name]
        self._count(name, len(formula.arguments), arguments, node)
        if name in self.inside:
            raise self.error(node, f"{name} is defined by itself")
        why = Why(self.source.place(node.span))
        calls = [part.function for part in formula.body.walk() if isinstance(part, Call)]
        for part in symbols(formula.body):
            own = self.naming.read(part)[0]
            called = any(part is function for function in calls)
            if not called and own not in (*formula.arguments, "T"):
                known = self.declare(own, part)
                for dim in (known.rows, known.cols):
                    self.dims.unify(dim, self.one(), why)
        outer = self.local, self.source, self.inside
        self.local = dict(zip(formula.arguments, arguments, strict=True))
        self.source, self.inside = formula.source, (*self.inside, name)
        expansion = self.draft(formula.body)
        self.local, self.source, self.inside = outer
        shape = expansion.rows, expansion.cols
        return self.new(tm.Named, node, *shape, *arguments, expansion, data=(name,))

    def _unknown_function(
        self, name: str, indexed: bool, arguments: tuple[Draft, ...], node: Node
    ) -> Draft:
        name = f"{name}_t" if indexed else name
        known = self.abstract.setdefault(name, len(arguments))
        self._count(name, known, arguments, node)
        if len(arguments) == 1 and not indexed:  # one argument: entry by entry, f(z_t)
            (z,) = arguments
            return self.new(tm.Mapped, node, z.rows, z.cols, z, data=(name,))
        rows, cols = self.dims.fresh(), self.dims.fresh()
        return self.new(tm.Abstract, node, rows, cols, *arguments, data=(name,))


@cache
def _definition(text: str) -> Node:
    return parse(text)


def _called(node: Node) -> str:
    """What a reader calls this kind of thing."""
    return {
        "BigOperator": "a sum over an index",
        "Differential": "a derivative",
        "Relation": "a second relation sign",
        "Cases": "a case distinction",
        "Text": "text",
        "Subscripted": "an entry of an expression",
        "Group": "a list in brackets",
    }.get(type(node).__name__, with_article(type(node).__name__.lower()))


def unknown_function(name: str, place: Place) -> ModelError:
    """The error for a call of a function that nothing defines."""
    if name in INSTEAD:
        return ModelError(f"no function '{name}'; {INSTEAD[name]}", place)
    names = (*ACTIVATIONS, *VECTOR_FUNCTIONS, *LOSSES, *STRUCTURAL)
    hint = did_you_mean(name, names)
    declare = f'; one without a formula is declared: functions = ["{name}"]'
    return ModelError(f"no function '{name}'{hint}{declare}", place)
