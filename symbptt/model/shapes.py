"""Shape inference: dimensions as unknowns, made equal by every place that needs them equal.

A union–find whose links remember why they were made, so that a contradiction can name
both of the places that cause it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from symbptt.errors import ModelError, Place
from symbptt.model.terms import Dim, DimSum

#: What the rule begins with where the user has declared a shape, and the rule that a quantity of
#: each step is a vector where nothing is declared.
DECLARED, VECTOR = "[shapes]", "a vector"


@dataclass(frozen=True)
class Why:
    """The place that makes two dimensions equal."""

    place: Place
    rule: str = ""

    @property
    def text(self) -> str:
        return " ".join(self.place.text[self.place.start : self.place.end].split())

    def __str__(self) -> str:
        return f"'{self.text}' ({self.place.label})" if self.text else self.rule


@dataclass(frozen=True)
class Sum:
    """One dimension is a sum of multiples of others: ``parts`` are (multiple, dimension)."""

    whole: int
    parts: tuple[tuple[int, int], ...]
    why: Why


#: A sum of multiples of dimensions: dimension -> multiple.
Form = dict[int, int]


@dataclass
class Dimensions:
    """Unknown dimensions, numbered; some are known to be an integer or a declared name.

    ``sums`` collects what is to be solved by :mod:`symbptt.model.sums`; ``solved`` maps roots to
    the others that they add up, and a number.
    """

    parent: list[int] = field(default_factory=list)
    known: dict[int, Dim] = field(default_factory=dict)  # root -> what it is
    links: list[list[tuple[int, Why]]] = field(default_factory=list)
    constants: dict[Dim, int] = field(default_factory=dict)
    sums: list[Sum] = field(default_factory=list)
    solved: dict[int, tuple[Form, int]] = field(default_factory=dict)

    def fresh(self) -> int:
        """A new unknown."""
        self.parent.append(len(self.parent))
        self.links.append([])
        return len(self.parent) - 1

    def constant(self, dim: Dim) -> int:
        """The dimension that is ``dim``."""
        if dim not in self.constants:
            self.constants[dim] = self.fresh()
            self.known[self.constants[dim]] = dim
        return self.constants[dim]

    def declared(self, dim: Dim, why: Why) -> int:
        """The dimension that is ``dim``, which may be a sum."""
        if not isinstance(dim, DimSum):
            return self.constant(dim)
        parts = [(k, self.constant(name)) for name, k in dim.terms]
        parts += [(dim.number, self.constant(1))] if dim.number else []
        self.sums.append(Sum(self.fresh(), tuple(parts), why))
        return self.sums[-1].whole

    def root(self, a: int) -> int:
        """The representative of all dimensions equal to ``a``."""
        while self.parent[a] != a:
            self.parent[a] = self.parent[self.parent[a]]
            a = self.parent[a]
        return a

    def value(self, a: int) -> Dim | None:
        """What the dimension is, once known."""
        return self.known.get(self.root(a))

    def same(self, a: int, b: int) -> bool:
        return self.root(a) == self.root(b)

    def unify(self, a: int, b: int, why: Why) -> None:
        """Make two dimensions equal; a :class:`ModelError` if they are known to differ."""
        ra, rb = self.root(a), self.root(b)
        if ra == rb:
            return
        known_a, known_b = self.known.get(ra), self.known.get(rb)
        if known_a is not None and known_b is not None:
            of_a, of_b = self.why(a, self.constants[known_a]), self.why(b, self.constants[known_b])
            taken = next((w for w in (*of_a, *of_b) if w.rule == VECTOR), None)
            if taken is not None and any(w.rule.startswith(DECLARED) for w in (*of_a, *of_b)):
                raise undeclared(why, taken)
            if any(str(w) != str(why) for w in of_b):
                raise clash(why, of_b, known_b, known_a)
            raise clash(why, of_a, known_a, known_b)
        self.links[a].append((b, why))
        self.links[b].append((a, why))
        self.parent[ra] = rb
        if known_a is not None:
            self.known[rb] = self.known.pop(ra)

    def why(self, a: int, b: int) -> list[Why]:
        """The chain of places that make two equal dimensions equal, shortest first."""
        came_from: dict[int, tuple[int, Why] | None] = {a: None}
        queue = deque([a])
        while queue and b not in came_from:
            here = queue.popleft()
            for there, why in self.links[here]:
                if there not in came_from:
                    came_from[there] = (here, why)
                    queue.append(there)
        chain: list[Why] = []
        step = came_from.get(b)
        while step is not None:
            chain.append(step[1])
            step = came_from[step[0]]
        return chain[::-1]


def clash(why: Why, earlier: list[Why], one: Dim, other: Dim) -> ModelError:
    """The error for a dimension that would have to be two things at once."""
    where = next((w for w in reversed(earlier) if str(w) != str(why)), None)
    against = f" but {where} needs {one if where else other}" if where else ""
    return ModelError(
        f"shape conflict: {why} needs a dimension to be {other}{against}"
        f"{'' if where else f', which is {one}'}; is a transpose or ⊙ meant?",
        why.place,
    )


def undeclared(why: Why, taken: Why) -> ModelError:
    """The error for a vector that meets a matrix of declared shape."""
    return ModelError(
        f"shape conflict: {why} has a matrix that is declared under [shapes], but {taken} is taken "
        "for a vector; declare its shape too if it is a matrix",
        why.place,
    )
