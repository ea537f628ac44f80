"""A document with forward equations is a model."""

import json
import re

import pytest

import symbptt
from symbptt import cli
from symbptt.check.reports import written
from symbptt.errors import ModelWarning, RequestError, SymbpttError

NOTES = r"""# Notes

The state is $h_t = \tanh(W h_{t-1} + U x_t + b)$ and the output $y_t = V h_t$, with

$$L = \sum_{t=1}^{T} \frac{1}{2} \|y_t - d_t\|^2.$$
"""
TEX = r"""\documentclass{article}
\newcommand{\W}{W_{hh}}
\begin{document}
\begin{align}
z_t &= \W h_{t-1} + W_{xh} x_t \\
h_t &= \sigma(z_t) \\
L &= \sum_{t=1}^{T} L_t(h_t, d_t)
\end{align}
\end{document}
"""
EQUATIONS = "h_t = tanh(W h_{t-1} + U x_t)\nL = \\sum_{t=1}^{T} squared_error(h_t, d_t)\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def written(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return written


def test_markdown(write):
    model = symbptt.load(write("notes.md", NOTES))
    assert model.name == "notes"
    assert [v.name for v in model.parameters] == ["W", "U", "b", "V"]
    direct = symbptt.derive(
        r"""z_t = W h_{t-1} + U x_t + b
        h_t = tanh(z_t)
        y_t = V h_t
        L = \sum_{t=1}^{T} \frac{1}{2} \|y_t - d_t\|^2"""
    )
    got = symbptt.derive(model)
    assert str(got.gradients["V"]) == str(direct.gradients["V"])
    assert str(got.gradients["W"]) == str(direct.gradients["W"]).replace("δ^z", "δ^pre_h")


def test_its_gradients_are_verified(write):
    assert symbptt.verify(write("notes.md", NOTES), T=2).passed


def test_latex_with_macros(write):
    model = symbptt.load(write("paper.tex", TEX))
    assert [e.name for e in model.equations] == ["z", "h"]
    assert [v.name for v in model.parameters] == ["W_hh", "W_xh"]


def test_derive_on_the_command_line(write, capsys):
    assert cli.main(["derive", write("notes.md", NOTES)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "h_t = tanh(pre_{h,t})" in captured.out
    assert "∂L/∂V = Σ_{t=1}^{T} δ^y_t h_t^T" in captured.out


def test_a_document_is_a_model_to_check_by(write, capsys):
    claim = "The gradient is $\\frac{\\partial L}{\\partial V} = \\sum_t (y_t - d_t) h_t^\\top$.\n"
    assert cli.main(["check", write("claim.md", claim), "--model", write("notes.md", NOTES)]) == 0
    assert "1 claim" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["equations", "equations.txt", "equations.md", "equations.tex"])
def test_equations_alone_are_read_as_before(write, name):
    model = symbptt.load(write(name, EQUATIONS))
    assert [e.name for e in model.equations] == ["h"]


@pytest.mark.parametrize("name", ["equations", "equations.txt", "equations.md"])
def test_a_mistake_in_equations_alone_is_told_with_its_place(write, name):
    path = write(name, EQUATIONS.replace("x_t)", "x_t"))
    with pytest.raises(SymbpttError, match=rf"{name}:1:11: the bracket '\(' is never closed"):
        symbptt.load(path)


def test_a_comment_makes_no_document(write):
    path = write("cell.txt", "# the state of the network\n" + EQUATIONS.replace("x_t)", "x_t"))
    with pytest.raises(SymbpttError, match=r"cell.txt:2:11: the bracket"):
        symbptt.load(path)


@pytest.mark.parametrize(
    "text",
    [
        "Only words, and $a = b$.\n",
        # Gradients without a forward pass: what the network may be is no model.
        "We have $\\frac{\\partial L}{\\partial W} = \\sum_t \\delta_t h_{t-1}^T$ for the weights.\n",
        "",
    ],
)
def test_no_model_is_one_line(write, capsys, text):
    assert cli.main(["derive", write("notes.md", text)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1


def test_what_is_missing_is_said(write):
    with pytest.raises(RequestError, match=r"notes.md: no forward equations that make a model"):
        symbptt.load(write("notes.md", "Only words, and $a = b$.\n"))


def test_the_last_of_several_models_is_taken(write):
    more = "\n## Gated\n\nNow let $h_t = \\sigma(A h_{t-1} + B x_t)$ and $y_t = C h_t$.\n"
    loss = "\n$$L = \\sum_{t=1}^{T} \\frac{1}{2} \\|y_t - d_t\\|^2.$$\n"
    with pytest.warns(ModelWarning, match="has several models; this is the last"):
        model = symbptt.load(write("notes.md", NOTES + more + loss))
    assert {"A", "B", "C"} <= {v.name for v in model.parameters}


def test_a_loss_that_is_not_written_is_a_function(write):
    text = NOTES.partition("with\n")[0]
    with pytest.warns(ModelWarning, match="does not say what the loss is"):
        model = symbptt.load(write("notes.md", text))
    assert model.abstract == {"L_t": 2}


def test_any_letter_counts_the_steps(write):
    text = NOTES.replace("^{T}", "^{N}")
    model = symbptt.load(write("notes.md", text))
    assert not model.abstract
    assert {v.name for v in model.given} == {"x", "d"}


def test_a_name_for_what_no_model_has_is_noted():
    report = symbptt.check(r"\delta_t = W^T \delta_{t+1}", model="elman", names={"q": "W_hj"})
    assert any("the model has no 'W_hj'; did you mean" in note for note in report.notes)


SOFTMAX = r"""
$h_t = \tanh(W h_{t-1} + U x_t)$ and $\hat{y}_t = \mathrm{softmax}(V h_t)$.

$$%s$$

$$%s$$

$$\frac{\partial E}{\partial V} = \sum_t (\hat y_t - y_t) h_t^T$$
"""


@pytest.mark.parametrize("step", [r"E_t(y_t, \hat{y}_t)", "E_t"])
@pytest.mark.parametrize(
    "whole", [r"E(y, \hat{y}) = \sum_t E_t(y_t, \hat{y}_t)", r"E = \sum_t E_t"]
)
def test_losses_of_a_step_with_or_without_their_arguments(step, whole):
    report = symbptt.check(SOFTMAX % (step + r" = - y_t \log \hat{y}_t", whole))
    assert [f.verdict.verdict for f in report.findings if f.verdict] == ["right"]


def test_what_another_meaning_of_a_symbol_would_make_right_is_said():
    text = (
        NOTES
        + r"""
With $\delta_t = \frac{\partial L}{\partial h_t}$,

$$\delta_t = (1 - h_t^2) \odot (V^T (y_t - d_t) + W^T \delta_{t+1})$$
"""
    )
    (fault,) = symbptt.check(text).faults()
    assert fault.verdict.reason.startswith(
        "it would be right if δ_t were ∂L/∂(pre-activation of h_t), but line"
    )
    assert "mathrm{pre" not in str(symbptt.check(text))


LAYOUT = r"""$h_t = \tanh(W h_{t-1} + U x_t)$, $L = \frac12\sum_t \|h_t - y_t\|^2$

$$\frac{\partial h_t}{\partial h_{t-1}} = W^\top \operatorname{diag}(1 - h_{t-1}^2)$$
"""


@pytest.mark.parametrize("form", ["text", "html", "sarif", "json"])
def test_a_correction_says_under_which_reading_it_is_right(form):
    report = symbptt.check(LAYOUT)
    (fault,) = report.faults()
    assert "(1 - h_t^2)" in fault.verdict.correction.text
    assert [r.name for r in fault.verdict.correction.readings] == ["denominator layout"]
    assert "under the reading" not in fault.verdict.reason
    text = written([report], form)
    if form == "json":
        (of,) = json.loads(text)["formulas"][-1]["correction"]["readings"]
        assert of["name"] == "denominator layout"
    else:
        assert re.search("under the reading .{,6}denominator layout", text)


def test_what_mends_a_formula_is_reason_enough():
    (fault,) = symbptt.check(LAYOUT).faults()
    assert "both sides differ" not in fault.verdict.reason
    assert str(fault).startswith("line 3: wrong: ")
    assert str(fault).endswith(f" — {fault.verdict.reason}")
    assert "Relation(" not in repr(fault)


def test_a_counterexample_shows_what_a_sum_adds_up():
    text = (
        NOTES
        + r"""
With $e_t = y_t - d_t$: $$\frac{\partial L}{\partial V} = \sum_{t=1}^{T} e_t h_{t-1}^T$$"""
    )
    (fault,) = symbptt.check(text).faults()
    shown = fault.verdict.counterexample
    T = shown.steps["T"]
    assert shown.steps == {"T": T}
    assert {f"e_{t}" for t in range(1, T + 1)} <= shown.given.keys()
    assert "L" not in shown.given


def test_the_hat_of_an_output_with_a_model_that_has_none():
    right, wrong = (
        r"$\frac{\partial L}{\partial o_t} = \hat y_t - y_t$",
        (r"$\frac{\partial L}{\partial o_t} = \hat y_t + y_t$"),
    )
    (found,) = symbptt.check(right, model="elman").findings
    assert found.verdict.verdict == "right-under"
    assert [r.name for r in found.verdict.readings] == ["ŷ is the output and y the target"]
    (found,) = symbptt.check(wrong, model="elman").findings
    assert found.verdict.verdict not in {"right", "right-under"}
    stated = NOTES + r"$$\frac{\partial L}{\partial y_t} = \hat{y}_t - y_t$$"
    assert all(
        f.verdict is None or f.verdict.verdict != "right"
        for f in symbptt.check(stated).findings[-1:]
    )


@pytest.mark.parametrize("name", [r"\hat y", r"\hat{y}", "y_hat"])
def test_names_may_be_given_as_they_are_written(name):
    text = r"$\frac{\partial L}{\partial o_t} = \hat y_t - d_t$"
    names = {name: "y", "d": "target"}
    (found,) = symbptt.check(text, model="elman", names=names).findings
    assert found.verdict.verdict == "right"
