"""The order in which a model is computed: passes over time, and an order within a step.

Symbols that need one another, around a loop, are computed in one pass: forward if they look
back (``h_{t-1}``), in reverse if they look ahead (``b_{t+1}``).  All others join the first
forward pass in which what they need is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from symbptt.errors import ModelError, Place
from symbptt.model.model import Stage

#: For each symbol, the computed symbols that its equation uses, each at an offset from t.
Needs = Mapping[str, Sequence[tuple[str, int]]]


def stages(
    needs: Needs, finished: Mapping[str, str], places: Mapping[str, Place]
) -> tuple[Stage, ...]:
    """The passes over time; ``finished`` maps a symbol to one whose last value it starts from.

    A :class:`ModelError` for a cycle within a step, and for one that runs both ways through time.
    """
    order = _order(needs, places)
    last = {user: [(name, 0)] for user, name in finished.items()}
    every = {user: [*used, *last.get(user, [])] for user, used in needs.items()}
    passes: list[_Pass] = []
    for loop in _by_need(_loops(every), every, order):
        late = next((u for u in loop if finished.get(u) in loop), None)
        if late is not None:
            raise ModelError(
                f"{late} starts from the last value of {finished[late]}, which needs {late} first",
                places[late],
            )
        inside = [(u, n, o) for u in loop for n, o in needs[u] if n in loop]
        ahead = any(o > 0 for *_, o in inside)
        if ahead and any(o < 0 for *_, o in inside):
            user, name, _ = next(use for use in inside if use[2] > 0)
            raise ModelError(
                f"a recurrence runs one way through time, but {user} is linked with {name} at "
                "earlier and at later steps; give each direction symbols of its own",
                places[user],
            )
        outside = [(n, o) for u in loop for n, o in needs[u] if n not in loop]
        done = {finished[u] for u in loop if u in finished}
        chosen = next((p for p in passes if p.takes(outside, done, passes, reverse=ahead)), None)
        if chosen is None:
            passes.append(chosen := _Pass(ahead))
        chosen.names |= loop
    return tuple(Stage(tuple(name for name in order if name in p.names), p.reverse) for p in passes)


@dataclass(eq=False)
class _Pass:
    """A pass over time while it is being put together."""

    reverse: bool
    names: set[str] = field(default_factory=set)

    def takes(
        self,
        needed: Sequence[tuple[str, int]],
        finished: set[str],
        passes: list[_Pass],
        *,
        reverse: bool,
    ) -> bool:
        """Whether symbols that need all this can be computed in this pass."""
        earlier = set().union(*(p.names for p in passes[: passes.index(self)]))
        if reverse is not self.reverse or not finished <= earlier:
            return False
        return all(
            name in earlier or (name in self.names and (o >= 0 if reverse else o <= 0))
            for name, o in needed
        )


def _order(needs: Needs, places: Mapping[str, Place]) -> list[str]:
    """The symbols so that each uses, within a step, only what stands before it."""
    done: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        if name in path:
            cycle = " → ".join(f"{n}_t" for n in [*path[path.index(name) :], name][::-1])
            raise ModelError(
                f"a cycle within one step: {cycle}; is {name}_{{t-1}} meant somewhere?",
                places[name],
            )
        path.append(name)
        for need, offset in needs[name]:
            if offset == 0:
                visit(need)
        path.pop()
        done.append(name)

    for name in needs:
        visit(name)
    return done


def _loops(needs: Needs) -> list[set[str]]:
    """The symbols in groups that need one another; a symbol in no loop is a group of its own."""
    reached = {name: _reached(name, needs) for name in needs}
    found: list[set[str]] = []
    for name in needs:
        if not any(name in group for group in found):
            found.append({name} | {n for n in reached[name] if name in reached[n]})
    return found


def _reached(start: str, needs: Needs) -> set[str]:
    seen: set[str] = set()
    queue = [start]
    while queue:
        for name, _ in needs[queue.pop()]:
            if name not in seen:
                seen.add(name)
                queue.append(name)
    return seen


def _by_need(loops: list[set[str]], needs: Needs, order: list[str]) -> list[set[str]]:
    """The groups so that each needs only those before it, at whatever step."""
    waiting = sorted(loops, key=lambda loop: min(map(order.index, loop)))
    sorted_: list[set[str]] = []
    while waiting:
        there = set().union(*sorted_)
        ready = next(
            loop for loop in waiting if all(n in there | loop for u in loop for n, _ in needs[u])
        )
        waiting.remove(ready)
        sorted_.append(ready)
    return sorted_
