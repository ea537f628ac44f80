"""What a claim that fails may be meant of: less than it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from symbptt.check.bounds.assumptions import speaks_of_loss
from symbptt.check.consistent import Held
from symbptt.check.judge import held_everywhere, judge
from symbptt.check.meaning.claims import Claim
from symbptt.check.meaning.comparison import says_zero
from symbptt.check.meaning.conventions import STANDARD
from symbptt.check.meaning.setting import Setting
from symbptt.check.meaning.tensors import Layout
from symbptt.check.networks.guessed import shown
from symbptt.check.networks.links import words_before
from symbptt.check.networks.parts import Part
from symbptt.check.notation.language import said
from symbptt.formula.tree import Differential, Node, Number, Quotient, Symbol

OF_NUMBERS = "it holds where all are numbers, of which the text speaks"
NO_PATH = "it holds along direct paths, of which there is none; is it about all paths?"
SHARE = "it holds of what step t adds to the gradient by the whole loss; is its loss meant so?"
SIGNAL = "it holds if {} is by the whole loss; the document lets it be by that of a step"
ROWS = "it holds if gradients by vectors are rows, of which the document says nothing"

_ONE = Number(Fraction(1))
_OF_NUMBERS = said("speaks of numbers")
_DIRECT = replace(STANDARD, immediate_parameters=True, immediate_states=True, gaps_zero=True)
_DIRECT_PATHS = (_DIRECT, replace(_DIRECT, diagonals=True))


def meant_of_less(
    part: Part, claim: Claim, setting: Setting, others: Sequence[Held], *, of_numbers: bool
) -> str | None:
    """Why a claim that fails may be no fault: it holds of numbers, of which the words before it
    speak, or the document; of direct paths between states, of which there is none; of what a step
    adds to the gradient by the whole loss, ``∂L_t/∂W = δ_t h_{t-1}^T``; of gradients that are rows,
    where none of the ``others`` that hold says that they are columns."""
    words = f"{part.formula.fragment.heading}\n{words_before(part)}"
    if (of_numbers or _OF_NUMBERS.search(words)) and judge(claim, setting.with_numbers()).holds:
        return OF_NUMBERS
    of_states = not any(speaks_of_loss(side, setting.scope) for side in claim.sides)
    if of_states and held_everywhere(claim, setting, _DIRECT_PATHS, of_zero=says_zero(claim)):
        return NO_PATH
    whole = _meant_of_whole(claim, setting)
    if whole is not None:
        return whole
    rows = replace(STANDARD, layout=Layout.ROWS)
    if setting.rows or not held_everywhere(claim, setting, [rows]):
        return None
    return None if any(map(_is_of_columns, others)) else ROWS


def _meant_of_whole(claim: Claim, setting: Setting) -> str | None:
    """Why a claim about the loss of step t may be about the whole: ``∂L_t/∂W = …``, or what uses
    ``δ_t := ∂L_t/∂h_t``, holds with ``∂L/∂W``, where ``L`` is the sum of all ``L_t``."""
    scope = setting.scope
    whole = _of_whole(claim.left, setting)
    if whole is not None and judge(replace(claim, left=whole), setting).holds:
        return SHARE
    used = [scope.meant(n) for n in claim.relation.walk() if isinstance(n, Symbol)]
    for name in sorted({m.name for m in used if m is not None and m.kind == "defined"}):
        known = scope.definitions[name]
        whole = _of_whole(known.body, setting)
        if whole is not None:
            meant = setting.of(scope.with_definition(name, replace(known, body=whole)))
            if judge(claim, meant).holds:
                return SIGNAL.format(shown(name))
    return None


def _of_whole(node: Node, setting: Setting) -> Node | None:
    """``∂L/∂W`` for ``∂L_t/∂W``, where ``∂L/∂L_t`` is 1."""
    match node:
        case Quotient(Differential(operand=Symbol() as of) as above, Differential() as by):
            loss = Symbol(setting.scope.model.loss_name)
            meant = setting.scope.meant(of)
            if meant is not None and meant.kind == "loss" and meant.step == Symbol("t"):
                whole = replace(node, numerator=replace(above, operand=loss))
                by_step = replace(whole, denominator=replace(by, operand=of))
                return whole if judge(Claim(by_step, _ONE), setting).holds else None
    return None


def _is_of_columns(held: Held) -> bool:
    """Whether a claim holds only if gradients are no rows."""
    if held.convention.layout is not Layout.GRADIENT:
        return False
    rows = replace(held.convention, layout=Layout.ROWS)
    return not held_everywhere(held.claim, held.setting, [rows])
