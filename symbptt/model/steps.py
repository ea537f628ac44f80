"""Sets of time steps: where a loss is borne, where an adjoint can differ from zero."""

from __future__ import annotations

from dataclasses import dataclass

from symbptt.model.terms import Index

FIRST = Index("", 1)
LAST = Index("T", 0)


@dataclass(frozen=True)
class Steps:
    """The steps from ``first`` to ``last``, or just the ``members``; always within 1…T.

    ``once`` marks what belongs to no step, a penalty on parameters: it is accounted for at the
    last one, and is there once, however many samples a batch has.

    >>> Steps(members=(Index("", 2), LAST)).at(5), Steps().at(3), Steps().at(0)
    ((2, 5), (1, 2, 3), ())
    """

    first: Index = FIRST
    last: Index = LAST
    members: tuple[Index, ...] | None = None
    once: bool = False

    def at(self, T: int) -> tuple[int, ...]:
        """The steps themselves for a sequence of length ``T``, ascending, each once."""
        if self.members is not None:
            named = {m.at(0, T) for m in self.members}
        else:
            named = set(range(self.first.at(0, T), self.last.at(0, T) + 1))
        return tuple(sorted(t for t in named if 1 <= t <= T))

    def include(self, t: int, T: int) -> bool:
        """Whether step ``t`` of ``T`` is one of them."""
        if not 1 <= t <= T:
            return False
        if self.members is not None:
            return any(m.at(0, T) == t for m in self.members)
        return self.first.at(0, T) <= t <= self.last.at(0, T)

    def numbered(self, t: int, T: int) -> bool:
        """Whether step ``t`` is one of them by its number, not by its distance from the end."""
        if self.members is not None:
            return any(not m.anchor and m.offset == t for m in self.members)
        return not self.last.anchor

    def from_the_end(self, t: int, T: int) -> bool:
        """Whether step ``t`` is one of them by its distance from the end."""
        if self.members is not None:
            return any(m.anchor and m.at(0, T) == t for m in self.members)
        return bool(self.first.anchor)

    @property
    def is_every(self) -> bool:
        return self == EVERY

    @property
    def is_empty(self) -> bool:
        """Whether no sequence has any of them: they would lie before the first or past the last."""
        if self.members is not None:
            return not any(map(_exists, self.members))
        return not (_exists(self.first) and _exists(self.last))

    @property
    def is_last(self) -> bool:
        """Whether the last step is the only one."""
        return self.members == (LAST,)

    def shifted(self, by: int) -> Steps:
        """The steps ``by`` later (earlier, if negative)."""

        def moved(index: Index) -> Index:
            return Index(index.anchor, index.offset + by)

        if self.members is not None:
            return Steps(members=tuple(m for m in map(moved, self.members) if _exists(m)))
        first, last = moved(self.first), moved(self.last)
        first = first if first.anchor or first.offset > 1 else FIRST
        return Steps(first, last if not last.anchor or last.offset < 0 else LAST)

    def filled(self, *, reverse: bool = False) -> Steps:
        """All steps up to the last of these; in ``reverse``, all from the first of them on."""
        return Steps(first=self._first) if reverse else Steps(last=self._last)

    def __or__(self, other: Steps) -> Steps:
        """Steps that include both: exact for sets, else all from the first to the last of both.

        >>> str(Steps(members=(LAST,)) | EVERY), str(EVERY | EVERY.shifted(-1))
        ('t = 1, …, T', 't = 1, …, T')
        """
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        if self.members is not None and other.members is not None:
            return Steps(members=tuple(dict.fromkeys((*self.members, *other.members))))
        if self == other:
            return self
        return Steps(_earliest(self._first, other._first), _latest(self._last, other._last))

    @property
    def _first(self) -> Index:
        return _earliest(*self.members) if self.members else self.first

    @property
    def _last(self) -> Index:
        return _latest(*self.members) if self.members else self.last

    def __str__(self) -> str:
        if self.members is None:
            return f"t = {self.first}, …, {self.last}"
        if len(self.members) == 1:
            return f"t = {self.members[0]}"
        return f"t ∈ {{{', '.join(map(str, self.members))}}}"


def _exists(step: Index) -> bool:
    """Whether some sequence has a step."""
    return step.offset <= 0 if step.anchor else step.offset >= 1


def _earliest(*steps: Index) -> Index:
    """The earliest of steps; 1 where that depends on T, as it does for 4 and T - 3."""
    if len({step.anchor for step in steps}) > 1:
        return FIRST
    return min(steps, key=lambda step: step.offset)


def _latest(*steps: Index) -> Index:
    """The latest of steps; T where that depends on T, as it does for 4 and T - 3."""
    if len({step.anchor for step in steps}) > 1:
        return LAST
    return max(steps, key=lambda step: step.offset)


EVERY = Steps()
ONCE = Steps(members=(LAST,), once=True)
