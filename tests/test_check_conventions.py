"""Every reading is needed by some claim, and lets no wrong one through."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import pytest

from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import formulas
from symbptt.check.judge import Judgement, judge
from symbptt.check.meaning.claims import Claim
from symbptt.check.meaning.conventions import STANDARD
from symbptt.check.meaning.readings import MOST, READINGS, conventions
from symbptt.check.meaning.setting import Setting
from symbptt.check.meaning.work import Work
from symbptt.check.networks.parts import Mention, parts
from symbptt.check.notation.symbols import Scope
from symbptt.model import load

NETWORK = r"""
z_t = W h_{t-1} + U x_t + b
h_t = tanh(z_t)
o_t = V h_t
L = \sum_{t=1}^{T} 1/2 (o_t - d_t)^T (o_t - d_t)
"""
#: A state with a direct path to its own step before, and one through its gate.
CELL = r"""
f_t = sigmoid(W c_{t-1} + U x_t)
c_t = f_t ⊙ c_{t-1} + V x_t
L = \sum_{t=1}^{T} 1/2 (c_t - d_t)^T (c_t - d_t)
"""
#: A network with a name for a part of an equation.
PARTED = NETWORK.replace("z_t = W h_{t-1}", "part1_t = W h_{t-1}\nz_t = part1_t")
#: A cell behind the state that gates see.
GATED = r"""
f_t = sigmoid(W h_{t-1} + U x_t)
c_t = f_t ⊙ c_{t-1} + V x_t
h_t = tanh(c_t)
L = \sum_{t=1}^{T} 1/2 (h_t - d_t)^T (h_t - d_t)
"""
#: Two states that see each other's step before.
TWO_STATES = r"""
h_t = tanh(W c_{t-1} + U x_t)
c_t = V c_{t-1} + X h_{t-1}
L = \sum_{t=1}^{T} 1/2 (h_t + c_t - d_t)^T (h_t + c_t - d_t)
"""
#: A cell that its own gate sees, beside a state.
PEEPHOLE = GATED.replace("U x_t)", "U x_t + p ⊙ c_{t-1})")
SLOPE = r"(1 - h_t^2)"
BY_H, BY_Z, BY_W, BY_U = (rf"\frac{{\partial L}}{{\partial {v}}}" for v in ("h_t", "z_t", "W", "U"))
SUM = r"\sum_{t=1}^{T}"


class Example(NamedTuple):
    """A claim that is right under one reading, and a change to it that makes it wrong."""

    claim: str
    old: str
    new: str
    model: str = NETWORK
    besides: tuple[str, ...] = ()

    @property
    def mutant(self) -> str:
        assert self.old in self.claim
        return self.claim.replace(self.old, self.new)


EXAMPLES: dict[str, Example] = {
    "numerator layout": Example(f"{BY_W} = {SUM} h_{{t-1}} {BY_Z}", "h_{t-1}", "h_t"),
    "rows by vectors alone": Example(f"{BY_W} = {SUM} ({BY_Z})^T h_{{t-1}}^T", "h_{t-1}", "h_t"),
    "denominator layout": Example(r"\frac{\partial z_t}{\partial h_{t-1}} = W^T", "W^T", "2 W^T"),
    "transposed gradient": Example("o_t^T = V h_t", "h_t", "h_{t-1}"),
    "∂ is immediate": Example(
        rf"\frac{{d L}}{{d W}} = {SUM} \frac{{d L}}{{d h_t}} \frac{{\partial h_t}}{{\partial W}}",
        "t=1",
        "t=2",
    ),
    "immediate by parameters": Example(
        r"\frac{\partial h_t}{\partial b} = diag(1 - h_t^2)", "h_t^2", "h_{t-1}^2"
    ),
    "direct path": Example(
        r"\frac{\partial c_t}{\partial c_{t-1}} = diag(f_t)", "f_t", "f_{t-1}", CELL
    ),
    "immediate on the right": Example(
        r"\frac{\partial h_t}{\partial W} = \sum_{k=1}^{t} \frac{\partial h_t}{\partial h_k}"
        r" \frac{\partial h_k}{\partial W}",
        "k=1",
        "k=2",
    ),
    "immediate at the latest step": Example(
        r"\frac{\partial h_t}{\partial W} = \frac{\partial h_t}{\partial W} + "
        r"\frac{\partial h_t}{\partial h_{t-1}} \frac{\partial h_{t-1}}{\partial W}",
        r"= \frac{\partial h_t}{\partial W} +",
        r"= 2 \frac{\partial h_t}{\partial W} +",
    ),
    "immediate where a sum begins": Example(
        r"\frac{\partial L_t}{\partial W} = \frac{\partial L_t}{\partial h_t} (\frac{\partial h_t}"
        r"{\partial W} + \frac{\partial h_t}{\partial h_{t-1}} \frac{\partial h_{t-1}}{\partial W})",
        r"}{\partial h_{t-1}}",
        r"}{\partial h_{t}}",
    ),
    "grouping of 1 - h²": Example(f"{BY_Z} = 1 - h_t^2 ⊙ {BY_H}", "h_t^2", "h_t"),
    "Σ goes over all that follows": Example(
        rf"\frac{{\partial L}}{{\partial b}} = {SUM} {BY_H} - h_t^2 ⊙ {BY_H}", "h_t^2", "h_t"
    ),
    "share of one step": Example(f"{BY_W} = {BY_Z} h_{{t-1}}^T", "h_{t-1}", "h_t"),
    "for the step before": Example(rf"dh_{{next}} = W^T {BY_Z}", "W^T", "W", NETWORK),
    "carry to the step before": Example(
        r"\frac{\partial L}{\partial c_{t-1}} = \frac{\partial L}{\partial c_t} ⊙ f_t",
        "f_t",
        "f_{t-1}",
        CELL,
    ),
    "carry with other states held": Example(
        r"\frac{\partial L}{\partial c_{t-1}} = \frac{\partial L}{\partial c_t}"
        r" ⊙ (f_t + p ⊙ c_{t-1} ⊙ f_t ⊙ (1 - f_t))",
        "(1 - f_t)",
        "(1 + f_t)",
        PEEPHOLE,
    ),
    "other states held": Example(
        r"\frac{\partial c_t}{\partial c_{t-1}} = diag(f_t + p ⊙ c_{t-1} ⊙ f_t ⊙ (1 - f_t))",
        "(1 - f_t)",
        "(1 + f_t)",
        PEEPHOLE,
    ),
    "carry along every path": Example(
        r"\frac{\partial L}{\partial c_{t-1}} = V^T \frac{\partial L}{\partial c_t}"
        r" + W^T (\frac{\partial L}{\partial h_t} ⊙ (1 - h_t^2))",
        "W^T",
        "W",
        TWO_STATES,
    ),
    "carry on the right": Example(rf"{BY_H} = V^T (o_t - d_t) + {BY_H}", "V^T (o_t", "V^T (2 o_t"),
    "direct path on the right": Example(
        r"\frac{\partial c_t}{\partial c_{t-1}} = \frac{\partial c_t}{\partial f_t} "
        r"\frac{\partial f_t}{\partial c_{t-1}} + \frac{\partial c_t}{\partial c_{t-1}}",
        r"\frac{\partial f_t}{\partial c_{t-1}} +",
        r"\frac{\partial f_t}{\partial c_{t-1}} + \frac{\partial c_t}{\partial f_t} \frac{\partial f_t}{\partial c_{t-1}} +",
        CELL,
    ),
    "carry on both sides": Example(
        r"\frac{\partial L}{\partial c_{t-1}} = \frac{\partial L}{\partial c_t} ⊙ f_t + "
        r"\frac{\partial L}{\partial h_t} ⊙ (1 - \tanh^2(c_t)) ⊙ f_t",
        "tanh^2(c_t)",
        "tanh^2(c_{t-1})",
        GATED,
    ),
    "descending product": Example(
        r"\frac{\partial h_t}{\partial h_k} = \prod_{j=k+1}^{t} diag(1 - h_j^2) W", "k+1", "k"
    ),
    "slope by the value": Example(rf"{BY_Z} = {BY_H} ⊙ tanh'(h_t)", "(h_t)", "(h_{t-1})"),
    "⊙ binds tighter": Example(
        r"\frac{\partial L}{\partial h_{t-1}} = V^T (o_{t-1} - d_{t-1}) + "
        f"W^T {BY_H} ⊙ {SLOPE}",
        "h_t^2",
        "h_t",
    ),
    "diag of a vector": Example(
        r"\frac{\partial h_t}{\partial z_t} = 1 - h_t^2", "h_t^2", "h_{t-1}^2"
    ),
    "expression held": Example(
        r"\frac{\partial h_t}{\partial W} = diag(1 - h_t^2)"
        r" (W \frac{\partial h_{t-1}}{\partial W} + \frac{\partial \mathrm{part1}_t}{\partial W})",
        "(W ",
        "(W^T ",
        PARTED,
    ),
    "columns of W stacked": Example(
        r"\frac{\partial h_t}{\partial W} = diag(1 - h_t^2)"
        r" (W \frac{\partial h_{t-1}}{\partial W} + h_{t-1}^T ⊗ I)",
        "h_{t-1}^T",
        "h_t^T",
    ),
    "rows of W stacked": Example(
        r"\frac{\partial h_t}{\partial W} = diag(1 - h_t^2)"
        r" (W \frac{\partial h_{t-1}}{\partial W} + I ⊗ h_{t-1}^T)",
        "h_{t-1}^T",
        "h_t^T",
    ),
    "'⊗' is the Kronecker product": Example(
        rf"vec({BY_W}) = {SUM} h_{{t-1}} ⊗ {BY_Z}", "h_{t-1} ⊗", "h_t ⊗"
    ),
    "factor of an outer product": Example(
        r"\frac{\partial z_t}{\partial W} = h_{t-1}", "h_{t-1}", "h_t"
    ),
    "own share on the right": Example(
        rf"{BY_Z} = ({BY_H} + W^T \frac{{\partial L}}{{\partial z_{{t+1}}}}) \odot {SLOPE}",
        "W^T",
        "-W^T",
    ),
    "loss of one step": Example(f"{BY_H} = V^T (o_t - d_t)", "V^T (o_t", "V^T (2 o_t"),
    "loss of the last step": Example(
        rf"{BY_H} = \frac{{\partial h_T}}{{\partial h_t}} \frac{{\partial L}}{{\partial h_T}}",
        r"\frac{\partial h_T}",
        r"\frac{\partial h_{T-1}}",
    ),
    "missing terms left out": Example(
        rf"{BY_W} = \sum_{{t=0}}^{{T}} {BY_Z} h_{{t-1}}^T", "t=0", "t=2"
    ),
    "'⊗' multiplies entry by entry": Example(f"{BY_Z} = {BY_H} ⊗ {SLOPE}", "h_t^2", "h_t"),
}
for sign in ("", "·", "×", "@"):
    EXAMPLES[f"'{sign or 'juxtaposition'}' multiplies what fits"] = Example(
        f"{BY_U} = {SUM} ({BY_H} {sign} {SLOPE}) {sign} x_t", "h_t^2", "h_t"
    )
for sign in ("", "·", "×", "*", "@"):
    EXAMPLES[f"'{sign or 'juxtaposition'}' of two vectors is their outer product"] = Example(
        f"{BY_W} = {SUM} {BY_Z} {sign} h_{{t-1}}", "h_{t-1}", "h_t"
    )
for sign in ("·", "×", "*"):
    EXAMPLES[f"'{sign}' broadcasts"] = Example(
        f"{BY_W} = {SUM} {BY_H} {sign} h_{{t-1}}^T {sign} {SLOPE}", "h_t^2", "h_t"
    )
EXAMPLES["'⟨a, b⟩' is the outer product"] = Example(
    rf"{BY_W} = {SUM} \langle {BY_Z}, h_{{t-1}} \rangle", "h_{t-1}", "h_t"
)
EXAMPLES["'⊗' of two vectors is their outer product"] = Example(
    f"{BY_U} = {SUM} (diag{SLOPE} ⊗ {BY_H}) ⊗ x_t", "h_t^2", "h_t"
)
for sign in ("⊙", "∘", "⊗"):
    EXAMPLES[f"'{sign}' is the matrix product"] = Example(
        rf"\frac{{\partial L}}{{\partial h_T}} = V^T {sign} (o_T - d_T)", "o_T", "2 o_T"
    )
# What fits is tried as a matrix product first: '*' matters only to how tightly a product binds.
EXAMPLES["'*' is the matrix product"] = Example(
    r"2 \frac{\partial L}{\partial h_{t-1}} = 2 V^T (o_{t-1} - d_{t-1}) + "
    f"2 W^T * {BY_H} ⊙ {SLOPE}", "h_t^2", "h_t", NETWORK, ("⊙ binds tighter",),
)  # fmt: skip


@cache
def setting(model: str) -> Setting:
    return Setting(Scope(load(model), parts=frozenset({"part1"})), rows=True)


def judged(claim: str, model: str) -> Judgement:
    (links,) = parts(formulas(Document(f"$${claim}$$\n", "claim.md")))
    assert not isinstance(links, Mention)
    (part,) = links
    return judge(
        Claim(part.left, part.right, part.conditions), replace(setting(model), work=Work())
    )


def test_every_reading_has_an_example() -> None:
    assert {r.name for r in READINGS} == set(EXAMPLES)


def test_every_reading_has_its_own_name() -> None:
    assert max(Counter(r.name for r in READINGS).values()) == 1


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_reading_is_needed(name: str) -> None:
    example = EXAMPLES[name]
    found = judged(example.claim, example.model)
    assert found.verdict == "right-under", found
    assert {r.name for r in found.readings} == {name, *example.besides}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_mutant_is_not_accepted(name: str) -> None:
    example = EXAMPLES[name]
    assert judged(example.mutant, example.model).verdict in {"wrong", "shape-error"}


def test_the_standard_convention_comes_first_and_few_readings_before_many() -> None:
    (links,) = parts(formulas(Document(f"$${EXAMPLES['loss of one step'].claim}$$\n", "a.md")))
    assert not isinstance(links, Mention)
    tried = list(conventions(Claim(links[0].left, links[0].right).relation))
    assert tried[0] == ((), STANDARD)
    costs = [sum(r.cost for r in readings) for readings, _ in tried]
    assert costs == sorted(costs)
    assert max(len(readings) for readings, _ in tried) == MOST
    for readings, _ in tried:
        assert len({r.group for r in readings}) == len(readings)


def test_a_product_of_three_where_two_are_wanted_is_not_read() -> None:
    found = judged("h_t = matmul(W, W, h_t)", NETWORK)
    assert (found.verdict, found.reason) == (
        "inconclusive",
        "matmul of 3 arguments is not read here",
    )
