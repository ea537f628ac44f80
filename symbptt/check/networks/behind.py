"""Definitions that stand behind the formula that they are for: ``σ'(z_t) W``, where ``z_t = …``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symbptt.check.documents.formulas import MATHEMATICS_END, Formula, Unparsed
from symbptt.check.networks.parts import Mention, Part, has_derivative
from symbptt.check.notation.language import alternatives

_PUNCTUATION = r"[\s,;:.，；：。]*"
_BEHIND = re.compile(
    rf"{_PUNCTUATION}(?:(?i:{alternatives('explains what stands before')})"
    rf"|{alternatives('adds to what stands before')})"
)
#: What leads to a list, and the mark of an item in it.
_LIST = re.compile(rf"{_BEHIND.pattern}(?:[^.]*[:：])?")
_ITEM = re.compile(r"[-*+•]|\d+[.)]")


def behind(stated: Sequence[list[Part] | Mention]) -> dict[int, int]:
    """The formulas that say what stands in one before them, each with the number of that one.

    They are the first behind it, if "where" leads to it, and those that go on from there in its
    sentence, or in its list, up to the next derivative.
    """
    found: dict[int, int] = {}
    every = [_formula(links) for links in stated]
    for at in range(1, len(every)):
        f, last = every[at].fragment, every[at - 1].fragment
        if f is last:
            of = found.get(at - 1)
        elif _BEHIND.match(MATHEMATICS_END.split(f.before)[-1]) or (
            _LIST.fullmatch(last.after) and _ITEM.fullmatch(f.before)
        ):
            of = at - 1
        else:
            of = found.get(at - 1) if _goes_on(every[at], every[at - 1]) else None
        if of is not None and not _derives(stated[at]):
            found[at] = of
    return found


def _formula(links: list[Part] | Mention) -> Formula | Unparsed:
    return links.formula if isinstance(links, Mention) else links[0].formula


def _goes_on(f: Formula | Unparsed, last: Formula | Unparsed) -> bool:
    """Whether a formula stands in the sentence of another, or in the list behind it."""
    words = f.fragment.before
    return MATHEMATICS_END.search(words) is not None and " ".join(last.source.split()) in words


def _derives(links: list[Part] | Mention) -> bool:
    return not isinstance(links, Mention) and any(
        has_derivative(p.left) or has_derivative(p.right) for p in links
    )
