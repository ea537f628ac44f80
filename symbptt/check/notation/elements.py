r"""Equations by elements as equations of vectors: ``a_i = Σ_j W_{ij} h_j`` is ``a = W h``.

What an equation says of the element i, for every i, is what the equation of vectors says.  A sum
over a letter is a product with a matrix that bears it, ``Σ_j W_{ji} h_j = (Wᵀ h)_i``, or of two
vectors that do; whatever else stands beside an element is multiplied with it entry by entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symbptt.check.notation.contractions import (
    Letters,
    MixedError,
    Tensor,
    added,
    beside,
    contracted,
)
from symbptt.check.notation.scripts import entry_letters
from symbptt.check.notation.symbols import ACTIVATION_NAMES, LOSSES
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Group,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Relation,
    Subscripted,
    Sum,
    Symbol,
)
from symbptt.model.names import Naming


def by_vectors(equations: Sequence[Relation]) -> list[Relation]:
    """Forward equations, with those by elements as equations of vectors.

    Where one that gives an element can't be taken so, none is: the others speak of elements of
    what would be missing.
    """
    timed = _timed(equations)
    if _is_ambiguous(equations, timed):
        return list(equations)
    found: list[Relation] = []
    for e in equations:
        try:
            found.append(_by_vectors(e, timed))
        except MixedError:
            left = e.sides[0]
            if isinstance(left, Symbol) and left.base in LOSSES:
                found.append(e)
                continue
            return list(equations)
    return found


def _is_ambiguous(equations: Sequence[Relation], timed: frozenset[str]) -> bool:
    """Whether letters tell two vectors of one name apart: ``net_j = …`` and ``net_k = …``."""
    letters: dict[str, set[Letters]] = {}
    for e in equations:
        left = e.sides[0]
        if isinstance(left, Symbol) and (own := _letters_of(left, timed)):
            name = Naming().read(_stripped(left, frozenset(own))[0])[0]
            letters.setdefault(name, set()).add(own)
    return any(len(found) > 1 for found in letters.values())


def _by_vectors(e: Relation, timed: frozenset[str]) -> Relation:
    left, right = e.sides[0], e.sides[1:]
    if not isinstance(left, Symbol):
        return e
    wanted = _letters_of(left, timed)
    inner = {x for side in right for n in side.walk() for x in _summed(n)}
    shared = {x for side in right for n in side.walk() if isinstance(n, Symbol | Subscripted)
              for x in _entries(n, frozenset(wanted))}  # fmt: skip
    if not inner and not (wanted and set(wanted) <= shared):
        return e
    name, letters = _stripped(left, frozenset(wanted))
    reading = _Reading(timed, frozenset(letters))
    sides: list[Node] = [name]
    for side in right:
        try:
            tensor = reading.read(side)
            if set(tensor.letters) != set(letters) and not isinstance(tensor.node, Number):
                raise MixedError
        except MixedError:
            if len(sides) == 1:
                raise
            break  # what else it is said to equal: ``= predicted probability``
        sides.append(tensor.node)
    return replace(e, sides=tuple(sides), operators=e.operators[: len(sides) - 1])


def _timed(equations: Sequence[Relation]) -> frozenset[str]:
    """The names that bear a step somewhere, without what else hangs on them."""
    naming = Naming()
    return frozenset(
        n.base
        for e in equations
        for n in e.walk()
        if isinstance(n, Symbol)
        and (index := naming.read(n)[1]) is not None
        and index.anchor in ("t", "T")
    )


def _letters_of(left: Symbol, timed: frozenset[str]) -> Letters:
    """The letters of the element that an equation gives; none if it gives no element of a
    vector that has steps."""
    if left.base not in timed or left.base in LOSSES:
        return ()
    naming = Naming()
    found = [
        e.base
        for part, _ in naming.parts(left)
        if naming.index(part) is None
        for e in entry_letters(part)
        if isinstance(e, Symbol)
    ]
    return tuple(found) if len(found) == 1 else ()


def _summed(node: Node) -> Letters:
    """The letter of the entries that a sum runs over."""
    match node:
        case BigOperator("sum", index=Symbol(letter) as index) if entry_letters(index):
            inside = (n for n in node.body.walk() if isinstance(n, Symbol))
            if any(_entries(n, frozenset({letter})) for n in inside):
                return (letter,)
    return ()


def _entries(node: Symbol | Subscripted, known: frozenset[str]) -> Letters:
    """Which of the letters count entries of a symbol, or of an expression: ``softmax(z)_k``."""
    if isinstance(node, Symbol):
        return _stripped(node, known)[1]
    found = [
        x.base for part in node.subscripts for x in entry_letters(part) if isinstance(x, Symbol)
    ]
    return tuple(found) if set(found) <= known else ()


def _stripped(symbol: Symbol, known: frozenset[str]) -> tuple[Symbol, Letters]:
    """A symbol without the scripts that are entries, and their letters."""
    found: list[str] = []

    def kept(parts: tuple[Node, ...]) -> tuple[Node, ...]:
        rest: list[Node] = []
        for part in parts:
            letters = [e.base for e in entry_letters(part) if isinstance(e, Symbol)]
            if letters and set(letters) <= known and len(letters) == len(entry_letters(part)):
                found.extend(letters)
            else:
                rest.append(part)
        return tuple(rest)

    bare = replace(
        symbol,
        subscripts=kept(symbol.subscripts),
        superscripts=kept(symbol.superscripts),
        indices=kept(symbol.indices),
    )
    return bare, tuple(found)


@dataclass(frozen=True)
class _Reading:
    """Reads formulas by elements; ``letters`` are those that count entries where it stands."""

    timed: frozenset[str]
    letters: frozenset[str]

    def read(self, node: Node) -> Tensor:
        match node:
            case Number():
                return Tensor(node)
            case Symbol():
                return self._symbol(node)
            case Subscripted(operand, (_,)) if letters := _entries(node, self.letters):
                return Tensor(operand, letters)
            case Group("(" | "[" | "{" as opening, (inner,)):
                x = self.read(inner)
                return Tensor(replace(node, opening="(" if opening == "[" else opening,
                                      items=(x.node,)), x.letters)  # fmt: skip
            case Sum(terms, signs):
                return added([self.read(x) for x in terms], signs, node)
            case Product(factors):
                return beside(self._factors(factors), node)
            case Quotient(a, b):
                above, below = self.read(a), self.read(b)
                if below.letters and set(below.letters) != set(above.letters):
                    raise MixedError
                return Tensor(replace(node, numerator=above.node, denominator=below.node),
                              above.letters)  # fmt: skip
            case Power(Symbol("e") as e, x) if e == Symbol("e"):
                return self.read(Call(Symbol("exp"), (x,), span=node.span))
            case Power(base, Number()):
                x = self.read(base)
                return Tensor(replace(node, base=x.node), x.letters)
            case Call(function, (argument,)) if not function.primes:
                x = self.read(argument)
                return Tensor(replace(node, function=self._function(function),
                                      arguments=(x.node,)), x.letters)  # fmt: skip
            case BigOperator("sum", body, index=Symbol(letter) as index):
                if not entry_letters(index) or not _summed(node):
                    return self._over_steps(node)
                inside = replace(self, letters=self.letters | {letter})
                return inside.summed(body, letter)
        raise MixedError

    def _over_steps(self, node: BigOperator) -> Tensor:
        x = self.read(node.body)
        if x.letters:
            raise MixedError
        return Tensor(replace(node, body=x.node))

    def _symbol(self, node: Symbol) -> Tensor:
        name, letters = _stripped(node, self.letters)
        alone = not letters and node.base in self.timed and node.base not in LOSSES
        if alone or len(letters) > 2 or len(set(letters)) < len(letters):
            raise MixedError
        return Tensor(name, letters)

    def _function(self, name: Symbol) -> Symbol:
        """``f_k``: the function of the element k, which is one for all."""
        return _stripped(name, self.letters)[0]

    def _factors(self, factors: Sequence[Node]) -> list[Tensor]:
        """The factors of a product, where ``f (z_k)`` is a call."""
        found: list[Tensor] = []
        at = 0
        while at < len(factors):
            match factors[at : at + 2]:
                case (Symbol() as f, Group("(", (inner,)) as group) if self._is_function(f, inner):
                    x = self.read(inner)
                    call = Product((self._function(f), replace(group, items=(x.node,))), ("",),
                                   span=f.span)  # fmt: skip
                    found.append(Tensor(call, x.letters))
                    at += 2
                    continue
            found.append(self.read(factors[at]))
            at += 1
        return found

    def _is_function(self, name: Symbol, argument: Node) -> bool:
        plain = self._function(name)
        return (
            plain == Symbol(plain.base)
            and (plain == name or plain.base in ACTIVATION_NAMES)
            and name.base not in self.timed
            and bool(self.read(argument).letters)
        )

    def summed(self, body: Node, letter: str) -> Tensor:
        """The sum of what stands in a body over a letter."""
        match body:
            case Group("(" | "[" | "{", (inner,)):
                return self.summed(inner, letter)
            case Sum(terms, signs):
                return added([self.summed(x, letter) for x in terms], signs, body)
            case Product(factors):
                return contracted(self._factors(factors), letter, body)
            case BigOperator("sum", index=Symbol("t")):
                x = self.summed(body.body, letter)
                return Tensor(replace(body, body=x.node), x.letters)
        return contracted([self.read(body)], letter, body)
