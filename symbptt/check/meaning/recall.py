"""What parts of a formula are worth, kept for conventions that agree on all that was asked.

A claim is tried under many conventions, most of which say nothing of most of its parts.  A
*watched* convention notes what is asked of it while a part is evaluated; the same part, at the
same steps, is worth the same under every convention that gives the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, cast

from symbptt.check.meaning.conventions import Convention
from symbptt.check.notation.scripts import Steps
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import Node, Symbol, Text

T = TypeVar("T")

#: What is asked of a convention, with the answers: a field's name, or a product sign in quotes.
Answers = dict[str, Any]


@dataclass(frozen=True)
class _Kept:
    """What one part was worth, or the error that it raised, wherever the answers are these."""

    part: object
    answers: Answers
    found: Any
    error: Exception | None


#: What a part was worth: by what was asked, and then by the answers.
_ByAnswers = dict[tuple[str, ...], dict[tuple[Any, ...], _Kept]]


@dataclass
class Recall:
    """What is kept of one world, where symbols stand for what a scope says.

    ``asked`` are the answers to each part in evaluation, ``named`` the letters of parts.
    """

    scope: Scope
    kept: dict[Hashable, _ByAnswers] = field(default_factory=dict)
    asked: list[Answers] = field(default_factory=list)
    named: dict[int, tuple[Node, frozenset[str] | None]] = field(default_factory=dict)
    conventions: dict[int, tuple[Convention, Watched]] = field(default_factory=dict)

    def steps_of(self, part: Node, steps: Steps) -> tuple[tuple[str, int], ...]:
        """The steps that a part depends on: t, and those of the letters in it."""
        letters = None if self.scope.layers is not None else self.letters(part)
        if letters is None:
            return (*steps.items(),)
        return tuple(x for x in steps.items() if x[0] == "t" or x[0] in letters)

    def letters(self, part: Node) -> frozenset[str] | None:
        """The names in a part, its letters among them; None if it has a name that the document
        defines, which may have any."""
        if id(part) not in self.named:
            self.named[id(part)] = part, self._letters(part)
        return self.named[id(part)][1]

    def _letters(self, part: Node) -> frozenset[str] | None:
        found: set[str] = set()
        below = [*part.children()]
        if isinstance(part, Text):
            found.update(part.words)
        if isinstance(part, Symbol):
            found |= {part.base, *part.base}  # a_{jj} has the letter j
            meant = self.scope.meant(part)
            if meant is not None and meant.kind == "defined":
                return None
            if meant is not None:
                below += [x for x in (meant.step, *meant.entry, meant.power) if x is not None]
        for x in below:
            letters = self.letters(x)
            if letters is None:
                return None
            found |= letters
        return frozenset(found)

    def note(self, name: str, answer: object) -> None:
        """Note what a convention was asked and what it said."""
        if self.asked:
            self.asked[-1][name] = answer

    def watched(self, convention: Convention) -> Watched:
        """The same convention, watched."""
        if id(convention) not in self.conventions:
            found = Watched(**{name: getattr(convention, name) for name in _FIELDS})
            said = {name: getattr(convention, name) for name in _FIELDS}
            said |= {f"'{sign}'": kind for sign, kind in convention.signs.items()}
            said["signs"] = (*convention.signs.items(),)
            object.__setattr__(found, "said", said)
            object.__setattr__(found, "recall", self)
            self.conventions[id(convention)] = convention, found
        return self.conventions[id(convention)][1]

    def once(self, part: object, at: Hashable, convention: Watched, compute: Callable[[], T]) -> T:
        """What ``compute`` gives for a part of a formula ``at`` some steps, from what is kept if
        it is there."""
        known = self.kept.setdefault((id(part), at), {})
        for names, by_answers in known.items():
            kept = by_answers.get(convention.answers(names))
            if kept is not None:
                return cast(T, self._given(kept))
        self.asked.append({})
        found: Any = None
        error: Exception | None = None
        try:
            found = compute()
        except (ArithmeticError, LookupError, ValueError) as raised:
            error = raised
        answers = self.asked.pop()
        names = (*answers,)
        kept = _Kept(part, answers, found, error)
        known.setdefault(names, {})[convention.answers(names)] = kept
        return cast(T, self._given(kept))

    def _given(self, kept: _Kept) -> Any:
        if self.asked:
            self.asked[-1].update(kept.answers)
        if kept.error is not None:
            raise kept.error.with_traceback(None)
        return kept.found


class Watched(Convention):
    """A convention that notes what is asked of it.

    What ``dataclasses.replace`` makes of one is not watched, and has asked for everything.
    """

    recall: Recall | None = None

    def __getattribute__(self, name: str) -> Any:
        answer = object.__getattribute__(self, name)
        if name in _FIELDS and (recall := object.__getattribute__(self, "recall")) is not None:
            recall.note(name, answer)
        return answer

    def means(self, sign: str) -> str:
        kind: str = object.__getattribute__(self, "signs")[sign]
        if (recall := object.__getattribute__(self, "recall")) is not None:
            recall.note(f"'{sign}'", kind)
        return kind

    def answers(self, names: tuple[str, ...]) -> tuple[Any, ...]:
        """What it says of some fields and signs, not noted."""
        said = object.__getattribute__(self, "said")
        return tuple([said[name] for name in names])


_FIELDS = frozenset(f.name for f in fields(Convention))


def once(part: object, at: Hashable, convention: Convention, compute: Callable[[], T]) -> T:
    """What ``compute`` gives, from what is kept if the convention is watched."""
    if isinstance(convention, Watched) and convention.recall is not None:
        return convention.recall.once(part, at, convention, compute)
    return compute()
