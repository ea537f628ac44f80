"""A loss that a document gives as one of several steps, or otherwise, is what the document says."""

from __future__ import annotations

import pytest
from verdicts import of

import symbptt

STATE = r"$$h_t = \tanh(W h_{t-1} + U x_t)$$" + "\n"
STEP = r"$$\ell_t = \| h_t - y_t \|^2$$" + "\n"
WHOLE = r"$$L = \sum_{t=1}^T \ell_t$$" + "\n"
NORMS = r"$$E = \sum_{t=1}^{T} \| h_t - y_t \|^2$$" + "\n"
FROM_ON = r"$$L_t = \sum_{s=t}^T \ell_s$$" + "\n"
UP_TO = r"$$L_t = \sum_{s=1}^t \ell_s$$" + "\n"
OTHER = r"$$E_t = \frac{1}{2} \| h_t - y_t \|^2$$" + "\n"


def verdict(network: str, claim: str) -> str:
    *_, found = (f.verdict for f in symbptt.check(f"{STATE}{network}\n$${claim}$$\n").findings)
    assert found is not None
    return found.verdict


OWN = "2 (h_t - y_t)"
GOES_ON = rf"{of('L_t', 'h_t')} = {OWN} + {of('L_{t+1}', 'h_t')}"
ADDED = rf"{of('L', 'W')} = \sum_{{t=1}}^T {of('L_t', 'W')}"


@pytest.mark.parametrize(
    ("network", "claim", "expected"),
    [
        (STEP + WHOLE + FROM_ON, f"{of('L_t', 'h_t')} = {OWN}", "wrong"),
        (STEP + WHOLE + FROM_ON, GOES_ON, "right"),
        (STEP + WHOLE + FROM_ON, f"{of('L', 'h_t')} = {of('L_t', 'h_t')}", "right"),
        (STEP + WHOLE + FROM_ON, f"{of('L', 'W')} = {of('L_1', 'W')}", "right"),
        (STEP + WHOLE + FROM_ON, ADDED, "inconclusive"),
        (STEP + WHOLE + UP_TO, f"{of('L_t', 'h_t')} = {OWN}", "right"),
        (STEP + WHOLE + UP_TO, f"{of('L', 'W')} = {of('L_T', 'W')}", "right"),
        (STEP + WHOLE + UP_TO, ADDED, "inconclusive"),
        (STEP + FROM_ON + "$$L = L_1$$", GOES_ON, "right"),
        (STEP + FROM_ON + r"$$L_t = \ell_t + L_{t+1}$$", f"{of('L_t', 'h_t')} = {OWN}", "wrong"),
        (NORMS + NORMS.replace("E =", "E_t =").replace("t=1", "s=t").replace("_t -", "_s -")
         .replace("y_t", "y_s"), f"{of('E_t', 'h_t')} = {OWN}", "wrong"),
        (NORMS.replace("E =", "E_t =").replace("t=1", "s=t").replace("_t -", "_s -")
         .replace("y_t", "y_s"), f"{of('E_t', 'h_t')} = {OWN} + {of('E_{t+1}', 'h_t')}", "right"),
    ],
)  # fmt: skip
def test_a_loss_of_several_steps(network: str, claim: str, expected: str) -> None:
    assert verdict(network, claim) == expected


@pytest.mark.parametrize(
    "claim", [f"{of('E_t', 'h_t')} = {OWN}", f"{of('E_t', 'h_t')} = h_t - y_t"]
)
def test_a_loss_of_a_step_that_the_whole_has_otherwise(claim: str) -> None:
    assert verdict(NORMS + OTHER, claim) == "inconclusive"


def test_a_state_called_c_is_no_loss_of_several_steps() -> None:
    network = r"$$C_t = \sum_{s=1}^t V h_s$$" + "\n" + r"$$o_t = \tanh(C_t)$$" + "\n" + STEP + WHOLE
    assert verdict(network, f"{of('L', 'h_t')} = {OWN}") != "right"


@pytest.mark.parametrize(
    "claim",
    [
        r"\mathbb{E}[\xi_t] = 1",
        r"\mathbf{E}[h_t] = h_t",
        r"\mathbb{E}_{p}\left[E_t\right] = 0",
        r"\mathbb{E}[\frac{\partial E}{\partial h_t}] = 0",
    ],
)
def test_an_expectation_is_not_the_loss(claim: str) -> None:
    assert verdict(NORMS, claim) == "inconclusive"


def test_noise_is_not_the_loss() -> None:
    assert verdict(NORMS, rf"{of('h_t', 'h_{t-1}')} = \xi_t diag(1 - h_t^2) W") == "inconclusive"


BY_F = NORMS.replace("E =", "F =")
TAIL = rf"W^\top diag(1 - h_{{t+1}}^2) {of('F', 'h_{t+1}')}"


@pytest.mark.parametrize(
    ("network", "claim", "expected"),
    [
        (BY_F, f"{of('F', 'h_t')} = {OWN} + {TAIL}", "right"),
        (BY_F, f"{of('F', 'h_t')} = {OWN} - {TAIL}", "wrong"),
        (BY_F, r"\frac{\partial}{\partial h_T} F = 2 (h_T - y_T)", "right"),
        (BY_F.replace("F", r"\Phi"), f"{of(chr(92) + 'Phi', 'h_T')} = 2 (h_T - y_T)", "right"),
        (NORMS + BY_F, f"{of('F', 'h_T')} = 2 (h_T - y_T)", "inconclusive"),
        (BY_F + "$$F_t = W h_t$$", f"{of('F', 'h_T')} = 2 (h_T - y_T)", "inconclusive"),
        (BY_F + "$$z_t = F h_t$$", f"{of('F', 'h_T')} = 2 (h_T - y_T)", "inconclusive"),
        (STEP + r"$$S = \sum_t \ell_t$$", f"{of('S', 'h_T')} = 2 (h_T - y_T)", "right"),
        (STEP + r"$$S = \sum_t \ell_t$$", f"{of('S', 'h_T')} = 2 (y_T - h_T)", "wrong"),
    ],
)
def test_a_loss_by_another_letter(network: str, claim: str, expected: str) -> None:
    assert verdict(network, claim) == expected


def test_a_loss_by_another_letter_is_shown_by_that() -> None:
    claim = f"$${of('F', 'h_t')} = {OWN}$$"
    (found,) = (f.verdict for f in symbptt.check(STATE + BY_F + claim).faults())
    assert found is not None
    assert found.counterexample is not None
    assert "∂F/∂h_1" in found.counterexample.given


def test_a_report_has_the_letters_of_the_document():
    text = r"""
$$a_t = W h_{t-1} + U x_t, \quad h_t = \tanh(a_t), \quad q_t = V h_t$$

$$F = \frac{1}{2} \sum_{t=1}^T \| q_t - y_t \|^2$$
"""
    wrong = symbptt.check(rf"{text}$${of('F', 'h_t')} = 3 h_t \odot h_t$$").findings[-1].verdict
    assert wrong.verdict == "wrong"
    assert r"\partial F" in wrong.correction.text
    unknown = rf"$$J_t = {of('h_t', 'h_{t-1}')} J_k$$"
    assert symbptt.check(STATE + unknown).findings[-1].verdict.reason.startswith("J is not")
