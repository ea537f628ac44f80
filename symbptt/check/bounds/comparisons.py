"""The verdicts on comparisons: bounds, approximations and what is proportional."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product

from symbptt.check.bounds.assumptions import BOUNDS, assumed, is_conditional, scopes
from symbptt.check.bounds.proportion import proportional
from symbptt.check.bounds.search import Search
from symbptt.check.findings import Reading, Verdict
from symbptt.check.judge import Judgement, guessed_settings
from symbptt.check.meaning.claims import Claim
from symbptt.check.meaning.conventions import Reading as Row
from symbptt.check.meaning.norms import norms_in
from symbptt.check.meaning.setting import Setting
from symbptt.check.networks.epoch import Epoch
from symbptt.check.networks.generic import generic
from symbptt.check.networks.links import claim_of
from symbptt.check.networks.parts import Part
from symbptt.check.networks.powers import with_powers

#: Signs that compare: of the last two no more is asked than what they say.
COMPARING = frozenset({*BOUNDS, "≈", "∝"})
#: How many guesses at what the symbols of a bound mean are tried.
MOST_GUESSES = 8
_APPROXIMATE = "an approximation; it is not exact"
_CONDITION = "it can fail, but may be meant as a condition, or under one"


def has_norms(part: Part) -> bool:
    """Whether a link writes a norm, which only floating point can tell from another."""
    return bool(norms_in(part.relation))


def bounded(
    part: Part, others: Sequence[Part], epoch: Epoch, setting: Setting, doubt: str | None
) -> Verdict:
    """The verdict on a bound, or on an equation of norms; ``doubt``: why it may not be wrong."""
    sign = part.sign if part.sign in BOUNDS else "="
    plain = claim_of(part, epoch)
    ways: list[tuple[tuple[Row, ...], Claim]] = [((), plain)]
    ways += [((row,), raised) for row, raised in with_powers(plain, setting.scope)]
    found = Judgement("inconclusive", reason="nothing in it is known")
    unread = False
    for scope in scopes(others, part, setting.scope):
        assumptions, skipped = assumed(others, part, setting.scope, scope)
        unread = unread or skipped
        given = [(c.left, p.sign, c.right) for p in assumptions for c in [claim_of(p, epoch)]]
        any_of = generic(plain.sides, scope)
        inside = list(any_of.of_states.values()) if any_of is not None else [scope]
        for (first, claim), inner in product(ways, inside):
            settings = guessed_settings(claim, setting.of(inner))
            for rows, guessed in islice(settings, MOST_GUESSES):
                found = Search(claim, sign, guessed, given).judged()
                if found.verdict != "wrong":
                    return _verdict(found, *first, *rows)
    if doubt is None and (unread or is_conditional(part, others)):
        doubt = _CONDITION
    if doubt is not None and found.verdict == "wrong":
        return Verdict("inconclusive", reason=doubt, evidence=found.evidence)
    return _verdict(found)


def approximate(part: Part, epoch: Epoch, setting: Setting, equal: Judgement) -> Verdict:
    """The verdict on ``a ≈ b`` and ``a ∝ b``; ``equal`` is that on ``a = b``."""
    if equal.holds:
        return _verdict(equal)
    if part.sign == "∝":
        return _verdict(proportional(claim_of(part, epoch), setting))
    if equal.verdict in ("wrong", "shape-error"):
        return Verdict("inconclusive", reason=_APPROXIMATE, evidence=equal.evidence)
    return _verdict(equal)


def _verdict(found: Judgement, *guesses: Row) -> Verdict:
    rows = (*(g for g in guesses if g.cost), *found.readings)
    readings = tuple(Reading(r.name, r.says) for r in rows)
    return Verdict(
        found.verdict, readings, found.reason, counterexample=found.shown, evidence=found.evidence
    )
