"""What the forward equations of a document lack, so that a claim that fails may be right.

An equation that was not read, a name that is given by none, a quantity that is used by nothing:
they are more doubtful than a claim about what they touch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations

from symbptt.check.networks.guessed import shown
from symbptt.check.networks.prepared import INPUTS
from symbptt.check.notation.namings import namings
from symbptt.check.notation.prefixes import with_prefixes
from symbptt.check.notation.scripts import ENTRY_LETTERS, unbracketed
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import BigOperator, Differential, Node, Product, Quotient, Symbol
from symbptt.model import initial_key
from symbptt.model import terms as tm
from symbptt.model.model import Model, Role

#: The input of a network, by most.
_X = frozenset({"x", "X"})


@dataclass(frozen=True)
class Gaps:
    """What the equations of a model lack.

    ``missing``: what is given although an equation for it was refused, or must be missing, each
    with the names in that equation, None where nobody knows them; ``again``: what has an equation
    by vectors besides one by entries that was refused; ``starts``: the initial values that the
    document computes, by what they are of, each with the names in that; ``besides``: what it gives
    by formulas that the model has no part of.
    """

    model: Model
    missing: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    again: frozenset[str] = frozenset()
    starts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    besides: frozenset[str] = frozenset()

    @cached_property
    def uses(self) -> dict[str, frozenset[str]]:
        """What each equation uses; the loss is a name too."""
        found = {e.name: _refs(e.rhs) for e in self.model.equations}
        loss = frozenset[str]().union(*(_refs(part.term) for part in self.model.loss))
        return {**found, self.model.loss_name: loss}

    def behind(self, name: str, without: frozenset[str] | set[str] = frozenset()) -> frozenset[str]:
        """All that a quantity depends on at some step, and itself; not through what it is to do
        ``without``."""
        seen = {*without}
        wanted = [name]
        while wanted:
            at = wanted.pop()
            if at not in seen:
                seen.add(at)
                wanted += self.uses.get(at, ())
        return frozenset(seen - {*without})

    @cached_property
    def unused(self) -> frozenset[str]:
        """What has no part in the loss."""
        return frozenset(self.model.variables) - self.behind(self.model.loss_name)

    def with_equations_for(self, names: frozenset[str]) -> Gaps:
        """With those of some quantities that are given at each step as lacking an equation."""
        given = (v for v in self.model.with_role(Role.INPUT, Role.TARGET) if v.name in names)
        lacking = {v.name: frozenset({v.name}) for v in given
                   if v.name not in self.missing and v.spelled.base not in INPUTS}  # fmt: skip
        return replace(self, missing={**self.missing, **lacking})

    def with_told(self, told: Mapping[str, frozenset[str]], stepped: frozenset[str]) -> Gaps:
        """With what a document gives in some form, and the model takes as given from outside;
        ``stepped``: what it writes at t."""
        made = {v.name for v in self.model.variables.values() if v.computed}
        given = {v.name for v in self.model.given
                 if v.name in told and v.spelled.base not in INPUTS}  # fmt: skip
        vectors = (v for v in self.model.timeless if v.shape[1] == 1)  # c = h_n, of an encoder
        given |= {v.name for v in (*vectors, *self.model.given)
                  if not made.isdisjoint(told.get(v.name, ()))}  # fmt: skip
        missing = {
            name: told[name] | (self.missing.get(name) or frozenset()) for name in sorted(given)
        }
        starts: dict[str, frozenset[str]] = {}
        for v, step in self.model.initial_values:  # by itself, or by its argument: a_0 = W x_0
            keys = (initial_key(name, step) for name in made & self.behind(v.name) | {v.name})
            given_there = [told[key] for key in keys if key in told]
            if given_there:
                starts[v.name] = frozenset().union(*given_there) - {v.name}
        besides = (frozenset(told) & stepped) - {*self.model.variables}
        return replace(self, missing={**self.missing, **missing}, starts=starts, besides=besides)

    def with_doubtful_inputs(self, lagged: frozenset[str], stepped: frozenset[str]) -> Gaps:
        """With what is given at each step, but goes on from step to step in the document, or takes
        the place of the input x that it speaks of: any quantity may be behind it."""
        given = self.model.with_role(Role.INPUT)
        replaced = (_X & stepped) - {*self.model.variables}
        own = [v for v in given if replaced or v.spelled.base not in INPUTS]
        every = frozenset(self.model.variables)
        missing = {v.name: every for v in own if replaced or v.name in lagged}
        return replace(self, missing={**missing, **self.missing})

    @cached_property
    def _alike(self) -> list[str]:
        """What lacks an equation, and will have one as other gates do: f and i beside ``o_t =
        σ(W x_t + U h_{t-1})``, or the state that they make."""
        behind = (self.behind(s.name) for s in self.model.with_role(Role.STATE))
        of_states = frozenset[str]().union(*behind)
        return [v.name for v in self.model.variables.values()
                if v.name in self.missing and v.name in of_states and not v.timeless
                and not self._is_taken_in(v.name)]  # fmt: skip

    @cached_property
    def _taken_in(self) -> frozenset[str]:
        """What the activations that have equations are of: x and h."""
        maps = (e.rhs.operand for e in self.model.equations if isinstance(e.rhs, tm.Mapped))
        behind = frozenset[str]().union(*(self.behind(n) for a in maps for n in _refs(a)))
        of = (v.name for v in self.model.variables.values() if v.name in behind and not v.timeless)
        return frozenset(n for n in of if n not in self.missing and self._is_taken_in(n))

    def _is_taken_in(self, name: str) -> bool:
        """Whether a matrix multiplies a quantity."""
        products = (p for e in self.model.equations for p in e.rhs.walk()
                    if isinstance(p, tm.Matmul))  # fmt: skip
        return any(name in _refs(p) for p in products)

    @property
    def loose(self) -> frozenset[str]:
        """What an equation gives, and no other one nor the loss uses."""
        used = frozenset[str]().union(*self.uses.values())
        return frozenset(self.uses) - used - {self.model.loss_name}

    def lacking(self, sides: Sequence[Node], scope: Scope) -> str | None:
        """A quantity without an equation that a claim depends on."""
        named, pairs = _about(sides, scope)
        for name, inside in self.missing.items():
            if name in named or any(
                name in self.behind(of) and self._feeds(by, inside) for of, by in pairs
            ):
                return f"it depends on {shown(name)}, for which no forward equation is read"
        for name in sorted(self.besides & named):
            return f"it depends on {shown(name)}, whose forward equation is of no part of the model"
        return self._begins(pairs)

    def _begins(self, pairs: Sequence[tuple[str, str]]) -> str | None:
        """An initial value that the document computes, and a derivative depends on."""
        for name, inside in self.starts.items():
            if any(name in self.behind(of) and self._feeds(by, inside) for of, by in pairs):
                return f"it depends on how {shown(name)} begins, which isn't in the equations read"
        return None

    def depends_on(self, name: str, sides: Sequence[Node], scope: Scope) -> bool:
        """Whether a claim names a quantity, or differentiates what is made of it."""
        named, pairs = _about(sides, scope)
        return name in named or any(name in self.behind(of) for of, _ in pairs)

    def said_again(self, sides: Sequence[Node], scope: Scope) -> str | None:
        """A quantity that a claim depends on, of which another equation was refused."""
        named, pairs = _about(sides, scope)
        behind = frozenset(named).union(*(self.behind(of) for of, _ in pairs))
        for name in sorted(self.again & behind):
            return f"it depends on {shown(name)}, of which another forward equation isn't read"
        return None

    def misnamed(self, sides: Sequence[Node], scope: Scope) -> str | None:
        """Two equations of which a claim depends on one, and whose names differ in case alone:
        ``h_t = tanh(W x_t)`` beside ``a_t = w x_t``."""
        for of, _ in _about(sides, scope)[1]:
            for a, b in combinations(sorted(self.uses), 2):
                one, two = self.uses[a], self.uses[b]
                alike = {*map(str.casefold, one)} == {*map(str.casefold, two)}
                if one != two and alike and len(one) == len(two) and {a, b} & self.behind(of):
                    x, y = (", ".join(map(shown, sorted(s))) for s in (one - two, two - one))
                    return f"it depends on equations that differ in {x} and {y} alone: one name?"
        return None

    def idle(self, sides: Sequence[Node], scope: Scope) -> str | None:
        """A quantity that the loss doesn't depend on, which a claim has the gradient by."""
        for of, by in _about(sides, scope)[1]:
            if of == self.model.loss_name and by in self.unused:
                return self._nothing(f"the loss doesn't depend on {shown(by)}", by)
        return None

    def unproved(self, sides: Sequence[Node], scope: Scope, *, chain: bool) -> str | None:
        """The equation that was refused, of which a derivative in a claim that holds may be.

        A ``chain`` rule holds whatever it is, but where the derivatives in it are of what it gives
        they are zero here, and prove nothing.
        """
        for name, inside in self.missing.items():
            for of, by in _about(sides, scope)[1] if inside is not None else ():
                through = name in self.behind(of) and (by == name or self._feeds(by, inside))
                if of == name or (through and not chain):
                    return f"it may depend on {shown(name)}, whose forward equation isn't read"
        if chain:
            return self._passed_by(sides, scope)
        if not isinstance(unbracketed(sides[-1]), Symbol | Quotient):
            for of, by in _about(sides[:1], scope)[1]:
                for name in self._alike:
                    if by in self._taken_in and name in self.behind(of):
                        return f"it may depend on {shown(name)}, whose forward equation isn't read"
        return None if self._carries(sides, scope) else self._begins(_about(sides, scope)[1])

    def _carries(self, sides: Sequence[Node], scope: Scope) -> bool:
        """Whether a recursion has the derivative of a state by what its left side is by, however
        that begins: ``∂h_t/∂b = σ'(a_t) (1 + w ∂h_{t-1}/∂b)``."""
        if any(isinstance(n, BigOperator) for n in _opened(sides, scope)):
            return False
        left = {by for _, by in _about(sides[:1], scope)[1]}
        return any(of in self.starts and by in left for of, by in _about(sides[1:], scope)[1])

    def _passed_by(self, sides: Sequence[Node], scope: Scope) -> str | None:
        """What lacks its equation on a path that no factor of a chain rule goes along."""
        chained = [pair for side in sides[1:] for pair in _about([side], scope)[1]]
        for of, by in _about(sides[:1], scope)[1]:
            through = {top for top, _ in chained} - {of}
            beside = self.behind(of, through) if through else frozenset()
            for name, inside in self.missing.items() if (of, of) not in chained else ():
                if name in beside and inside is not None and self._feeds(by, inside):
                    return f"{shown(name)} may be on another path; its equation isn't read"
        return None

    def no_path(self, sides: Sequence[Node], scope: Scope) -> str | None:
        """A derivative in a claim that no chain of equations makes anything but zero."""
        for of, by in _about(sides, scope)[1]:
            if of != self.model.loss_name and by not in self.behind(of):
                return self._nothing(f"{shown(of)} doesn't depend on {shown(by)}", by)
        return None

    def _nothing(self, says: str, by: str) -> str:
        return f"by the forward equations {says}{self._hint(by)}"

    def _feeds(self, by: str, inside: frozenset[str] | None) -> bool:
        return inside is None or any(by in self.behind(x) for x in inside)

    def _hint(self, name: str) -> str:
        """The names near one that differ from others in their case alone."""
        near = {name, *self.uses.get(name, ())}
        near |= {x for uses in self.uses.values() if name in uses for x in uses}
        for a in sorted(near):
            for b in self.model.variables:
                if a != b and a.casefold() == b.casefold():
                    return f"; is {shown(a)} meant to be {shown(b)}?"
        return ""


def gaps(model: Model, refused: Mapping[str, frozenset[str]]) -> Gaps:
    """What a model lacks; ``refused``: the equations that were not made, by what they define."""
    given = {name for name, v in model.variables.items() if not v.computed}
    missing: dict[str, frozenset[str] | None] = {n: refused[n] for n in given if n in refused}
    for e in model.equations:
        match e.rhs:  # h_t = tanh(a_t), where a is given by nothing
            case tm.Mapped(operand=tm.Ref(name)) | tm.VectorMapped(operand=tm.Ref(name)):
                if name in given and model.variables[name].spelled.base not in INPUTS:
                    missing.setdefault(name, None)
    known = Gaps(model)
    behind = {x for s in model.with_role(Role.STATE) for x in known.behind(s.name)} - {*missing}
    inputs = [v for v in model.with_role(Role.INPUT) if v.name in behind]  # y_t - d_t has none
    if any(v.spelled.base in INPUTS for v in inputs):
        missing |= {v.name: None for v in inputs if v.spelled.base not in INPUTS}
    missing |= {f"{name}_hat": None for name in outputs_with_hats(model)}
    again = (n for n, v in model.variables.items() if v.computed and any(
             f"{n}_{letter}" in refused for letter in ENTRY_LETTERS))  # fmt: skip
    return Gaps(model, missing, frozenset(again))


def outputs_with_hats(model: Model) -> list[str]:
    """The outputs that the loss has with a hat too, which nothing gives: ``L_t = -y_t log ŷ_t``
    beside ``y_t = softmax(z_t)``."""
    compared = frozenset[str]().union(*(_refs(part.term) for part in model.loss))
    computed = {name for name, v in model.variables.items() if v.computed}
    return sorted(
        name for name in compared & computed
        if f"{name}_hat" in compared - computed
    )  # fmt: skip


def _refs(term: tm.Term) -> frozenset[str]:
    return frozenset(x.name for x in term.walk() if isinstance(x, tm.Ref))


def _about(sides: Sequence[Node], scope: Scope) -> tuple[set[str], list[tuple[str, str]]]:
    """The quantities that a claim names, and what it differentiates by what."""
    named: set[str] = set()
    pairs: list[tuple[str, str]] = []
    loss = scope.model.loss_name
    for node in _opened(sides, scope):
        match node:
            case Quotient(Differential(operand=Node() as of), Differential(operand=Node() as by)):
                a, b = _meant(of, scope), _meant(by, scope)
                if a is not None and b is not None:
                    pairs.append((a, b))
            case Symbol():
                meant = scope.meant(node)
                if meant is None:
                    named |= {n.name for n in namings(node)}
                elif meant.kind == "gradient":
                    pairs.append((loss, meant.name))
                elif meant.kind == "quantity":
                    named.add(meant.name)
    return named, pairs


def _opened(sides: Sequence[Node], scope: Scope) -> Iterator[Node]:
    """All that a claim is made of, with what the document lets its names stand for."""
    seen: set[str] = set()
    wanted = [*sides]
    while wanted:
        for node in wanted.pop().walk():
            yield node
            if isinstance(node, Product):  # δ h_t
                yield from with_prefixes(node.factors, node.operators, scope)[0]
            meant = scope.meant(node) if isinstance(node, Symbol) else None
            if meant is not None and meant.kind == "defined" and meant.name not in seen:
                seen.add(meant.name)
                wanted.append(scope.definitions[meant.name].body)


def _meant(node: Node, scope: Scope) -> str | None:
    inner = unbracketed(node)
    meant = scope.meant(inner) if isinstance(inner, Symbol) else None
    if meant is None or meant.kind not in ("quantity", "loss"):
        return None
    return scope.model.loss_name if meant.kind == "loss" else meant.name
