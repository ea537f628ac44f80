"""Where the values of a schedule lie: by step, or as rows of all steps at once."""

from __future__ import annotations

from dataclasses import dataclass

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.hoist import PI, VALUES, expressions, key_of
from symbptt.compile.schedule import Schedule


@dataclass(frozen=True)
class Store:
    """An array of all steps from ``first`` on, and ``beyond`` more than T.

    As ``rows`` it is a matrix with a row for each step and sample; if ``zero``, what is not
    computed is zero.
    """

    first: int = 1
    beyond: int = 0
    rows: bool = False
    zero: bool = False

    @property
    def steps(self) -> str:
        """Source for how many steps it has.

        >>> Store(first=0, beyond=1).steps, Store().steps
        ('T + 2', 'T')
        """
        more = self.beyond - self.first + 1
        return f"T + {more}" if more else "T"

    @property
    def is_exact(self) -> bool:
        """Whether it has the steps of the sequence and no others."""
        return self.rows or (self.first == 1 and not self.beyond)


def stores(schedule: Schedule) -> dict[str, Store]:
    """Where each value lies: as rows, if it is only ever used at its own step for all steps; so do
    gradients by inputs."""
    model = schedule.program.model
    low: dict[str, int] = {}
    high: dict[str, int] = {}
    stepped = {start.name for start in model.initial.values() if start is not None}
    zero: set[str] = set()
    for region in schedule.regions:
        for s in region.statements:
            if region.pace.is_loop:
                stepped.add(key_of(s))
            if s.quantity in VALUES and not s.steps.is_every:
                stepped.add(key_of(s))
                zero.add(key_of(s))
            zero |= {key_of(a) for p in s.parts for a in p.present}
            partly = not s.steps.is_every or any(not p.steps.is_every or p.present for p in s.parts)
            for a in (a for e in expressions(s) for a in al.find(e, nd.At)):
                lag = int(a.index - nd.t) if a.index.has(nd.t) else None
                if lag is None or lag or partly or region.pace.is_loop:
                    stepped.add(key_of(a))
                low[key_of(a)] = min(low.get(key_of(a), 0), lag or 0)
                high[key_of(a)] = max(high.get(key_of(a), 0), lag or 0)
    found: dict[str, Store] = {}
    made = [key_of(s) for s in schedule.statements if s.quantity in VALUES]
    for key in (*made, *(v.name for v in model.given)):
        v = model.variables.get(key)
        starts = v.initial_steps if v is not None else ()
        if key not in stepped and not starts:
            found[key] = Store(rows=True)
            continue
        first = min((s.offset for s in starts if not s.anchor), default=1)
        beyond = max((s.offset for s in starts if s.anchor), default=0)
        if key in zero:  # read where it may not be there
            first, beyond = min(first, 1 + low.get(key, 0)), max(beyond, high.get(key, 0))
        found[key] = Store(first, beyond, zero=key in zero)
    found |= {f"∂{v.name}": Store(rows=True) for v in schedule.program.inputs}
    return found | {key: found[key.removeprefix(f"{PI}^")] for key in made if key.startswith(PI)}
