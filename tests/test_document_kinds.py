"""The same ten formulas in every environment of LaTeX, and in every kind of document."""

import json

import pytest

import symbptt
from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import formulas
from symbptt.check.findings import Finding

FORWARD = [
    (r"h_t", r"\tanh(W h_{t-1} + U x_t + b)"),
    (r"y_t", r"V h_t"),
    (r"L", r"\frac{1}{2} \sum_{t=1}^T \|y_t - d_t\|^2"),
]
SLOPE = r"\diag(1 - h_t^2)"
CLAIMS = [
    (r"\pd{L}{y_t}", r"y_t - d_t"),
    (r"\pd{y_t}{h_t}", r"V"),
    (r"\pd{h_t}{h_{t-1}}", rf"{SLOPE} W"),
    (r"\pd{L}{V}", r"\sum_{t=1}^T (y_t - d_t) h_t^\top"),
    (
        r"\pd{L}{h_t}",
        r"V^\top (y_t - d_t) + W^\top \diag(1 - h_{t+1}^2) \pd{L}{h_{t+1}}",
    ),
    (r"\pd{L}{U}", rf"\sum_{{t=1}}^T {SLOPE} \pd{{L}}{{h_t}} x_t^\top"),
    (r"\pd{L}{b}", rf"\sum_{{t=1}}^T {SLOPE} \pd{{L}}{{h_t}}"),
    (r"\pd{L}{W}", rf"\sum_{{t=1}}^T {SLOPE} \pd{{L}}{{h_t}} h_t^\top"),
    (r"\pd{h_t}{h_{t-1}}", r"\diag(1 - h_{t-1}^2) W"),
    (
        r"\pd{L}{h_t}",
        r"V^\top (y_t - d_t) + W \diag(1 - h_{t+1}^2) \pd{L}{h_{t+1}}",
    ),
]
EXPECTED = [*["right"] * 7, *["wrong"] * 3]
ROWS = [*FORWARD, *CLAIMS]

PREAMBLE = r"""\documentclass{article}
\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}} % \pd{L}{W} = 0
\DeclareMathOperator{\diag}{diag}
\input{missing-chapter}
\begin{document}
\section{Gradients}
"""


def plain(tex: str) -> str:
    """A formula without the macros of the preamble."""
    for operand in ("h_{t-1}", "h_{t+1}", "h_t", "y_t", "L", "U", "V", "W", "b"):
        tex = tex.replace(rf"{{{operand}}}", f"<{operand}>")
    tex = tex.replace(r"\diag", r"\operatorname{diag}")
    while (at := tex.find(r"\pd<")) >= 0:
        above, below, rest = tex[at + 4 :].replace("<", "", 1).split(">", 2)
        tex = rf"{tex[:at]}\frac{{\partial {above}}}{{\partial {below}}}{rest}"
    return tex


def in_one(name: str, row: str = "{} &= {}", argument: str = "") -> str:
    rows = " \\\\\n".join(
        f"  {row.format(a, b)} \\label{{eq:{i}}}" for i, (a, b) in enumerate(ROWS)
    )
    return f"\\begin{{{name}}}{argument}\n{rows}\n\\end{{{name}}}\n"


def in_each(before: str, after: str, row: str = "{} = {}") -> str:
    return "\n".join(
        f"Thus\n{before}\n  {row.format(a, b)}\n{after}\nas it stands." for a, b in ROWS
    )


def with_words(command: str) -> str:
    return in_one("align").replace("\\label{eq:4}", f"\\tag{{4}}\n\\{command}{{and by $h_t$,}}")


def two_in_a_row() -> str:
    cells = [f"{a} &= {b}" for a, b in ROWS]
    rows = [" & ".join(cells[i : i + 2]) for i in range(0, len(cells), 2)]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}\n"


def broken() -> str:
    return "\n".join(
        "\\begin{multline}\n"
        + f"{a} = {b}".replace(" + W", " \\\\\n + W")
        + "\n\\end{multline}\nso that"
        for a, b in ROWS
    )


LATEX = {
    "equation": in_each("\\begin{equation}", "\\end{equation}"),
    "equation with a label": in_each("\\begin{equation}\\label{eq:a}", "\\tag{$*$}\\end{equation}"),
    "brackets": in_each("\\[", "\\]"),
    "dollars": in_each("$$", "$$"),
    "in the line": in_each("let $", "$ be"),
    "displaymath": in_each("\\begin{displaymath}", "\\end{displaymath}"),
    "align": in_one("align"),
    "align*": in_one("align*"),
    "two in a row": two_in_a_row(),
    "flalign": in_one("flalign", "& {} = {} &"),
    "alignat": in_one("alignat", argument="{2}"),
    "gather": in_one("gather", "{} = {}"),
    "eqnarray": in_one("eqnarray", "{} &=& {}"),
    "IEEEeqnarray": in_one("IEEEeqnarray", "{} & = & {}", "{rCl}"),
    "multline": broken(),
    "aligned": "\\begin{equation}\n" + in_one("aligned") + "\\end{equation}\n",
    "split": in_each("\\begin{equation}\\begin{split}", "\\end{split}\\end{equation}", "{} &= {}"),
    "subequations": "\\begin{subequations}\n" + in_one("align") + "\\end{subequations}\n",
    "intertext": with_words("intertext"),
    "shortintertext": with_words("shortintertext"),
    "comments": in_one("align").replace("\n", " % = 0 or so\n"),
    "switched off": "\\iffalse\n$h_t = W h_t$\n\\fi\n" + in_one("align"),
}


def fenced(before: str, after: str) -> str:
    return "\n".join(f"Then\n\n{before}\n{plain(a)} = {plain(b)}\n{after}\n" for a, b in ROWS)


def entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def indented(text: str) -> str:
    return "".join(f"   {line}\n" for line in text.splitlines())


def notebook() -> str:
    cells = [
        {"cell_type": "code", "source": ["h = np.tanh(W @ h)\n"]},
        {"cell_type": "markdown", "source": ["<h2>Gradients</h2>\n\n", fenced("\\\\[", "\\\\]")]},
    ]
    return json.dumps({"cells": cells, "nbformat": 4}, indent=1)


UNICODE = """\
hₜ = tanh(W hₜ₋₁ + U xₜ + b)
yₜ = V hₜ
L = ½ Σₜ ‖yₜ − dₜ‖²

∂L/∂yₜ = yₜ − dₜ               ← the error
∂yₜ/∂hₜ = V                     → of the output
∂hₜ/∂hₜ₋₁ = diag(1 − hₜ²) W    <---- one step
∂L/∂V = Σₜ (yₜ − dₜ) hₜᵀ
∂L/∂hₜ = Vᵀ (yₜ − dₜ) + Wᵀ diag(1 − hₜ₊₁²) ∂L/∂hₜ₊₁
∂L/∂U = Σₜ diag(1 − hₜ²) ∂L/∂hₜ xₜᵀ — summed over all steps
∂L/∂b = Σₜ diag(1 − hₜ²) ∂L/∂hₜ
∂L/∂W = Σₜ diag(1 − hₜ²) ∂L/∂hₜ hₜᵀ     # with the state before
∂hₜ/∂hₜ₋₁ = diag(1 − hₜ₋₁²) W
∂L/∂hₜ = Vᵀ (yₜ − dₜ) + W diag(1 − hₜ₊₁²) ∂L/∂hₜ₊₁
"""
ASCII = """\
h_t = tanh(W h_{t-1} + U x_t + b)
y_t = V h_t
L = 1/2 sum_{t=1}^T ||y_t - d_t||^2

dL/dy_t = y_t - d_t              <-- the error
dy_t/dh_t = V
dh_t/dh_{t-1} = diag(1 - h_t^2) W
dL/dV = sum_{t=1}^T (y_t - d_t) h_t^T
dL/dh_t = V^T (y_t - d_t) + W^T diag(1 - h_{t+1}^2) dL/dh_{t+1}
dL/dU = sum_{t=1}^T diag(1 - h_t^2) dL/dh_t x_t^T
dL/db = sum t from 1 to T diag(1 - h_t^2) dL/dh_t
dL/dW = sum_{t=1}^T diag(1 - h_t^2) dL/dh_t h_t^T     # with the state before
dh_t/dh_{t-1} = diag(1 - h_{t-1}^2) W
dL/dh_t = V^T (y_t - d_t) + W diag(1 - h_{t+1}^2) dL/dh_{t+1}
"""

ALIGNED = "".join(f"{plain(a)} &= {plain(b)} \\\\\n" for a, b in ROWS)
DOCUMENTS = {
    "a.md": fenced("$$", "$$"),
    "fence.md": fenced("```math", "```"),
    "line.md": "\n\n".join(f"```math {plain(a)} = {plain(b)}```" for a, b in ROWS),
    "quoted.md": "".join(f"> {line}\n" for line in fenced("$$", "$$").splitlines()),
    "myst.md": fenced("```{math}\n:label: one\n", "```"),
    "role.md": "\n\n".join(f"Let {{math}}`{plain(a)} = {plain(b)}` be." for a, b in ROWS),
    "a.qmd": "---\ntitle: x\n---\n" + fenced("$$", "$$ {#eq-one}"),
    "a.rst": "Gradients\n=========\n\n"
    + "\n".join(f".. math::\n   :label: one\n\n   {plain(a)} = {plain(b)}\n" for a, b in ROWS),
    "rows.rst": ".. math::\n\n" + indented(ALIGNED),
    "role.rst": "\n\n".join(f"Let :math:`{plain(a)} = {plain(b)}` be." for a, b in ROWS),
    "a.do.txt": fenced("!bt\n\\[", "\\]\n!et"),
    "rows.do.txt": "!bt\n\\begin{align*}\n" + ALIGNED + "\\end{align*}\n!et\n",
    "a.html": f"<html><p>Let</p>{entities(fenced('<p>$$', '$$</p>'))}</html>".replace(
        "&lt;p>", "<p>"
    ).replace("&lt;/p>", "</p>"),
    "script.html": "<html>"
    + fenced('<script type="math/tex; mode=display">', "</script>")
    + "</html>",
    "a.ipynb": notebook(),
    "unicode.txt": UNICODE,
    "ascii.txt": ASCII,
    "block.md": f"The gradients\n\n```\n{UNICODE}```\n",
}


def judged(text: str, file: str) -> list[Finding]:
    report = symbptt.check(Document(text, file))
    assert not [f.source for f in report.findings if f.kind == "unparsed"]
    return [f for f in report.findings if f.verdict is not None]


def starts(tex: str) -> str:
    """How a derivative begins, however it is written."""
    return "".join(tex.split())[:4]


def assert_as_expected(text: str, file: str) -> None:
    found = judged(text, file)
    assert [f.verdict.verdict.removesuffix("-under") for f in found if f.verdict] == EXPECTED
    lines = text.splitlines()
    for f in found:
        there = lines[f.line - 1][f.column - 1 :].replace("\\\\", "\\").replace("\\amp;", "&")
        assert starts(there) == starts(f.source.replace("\\\\", "\\"))


@pytest.mark.parametrize("name", LATEX)
def test_every_environment(name):
    assert_as_expected(PREAMBLE + LATEX[name] + "\\end{document}\n", "a.tex")


@pytest.mark.parametrize("file", DOCUMENTS)
def test_every_kind_of_document(file):
    assert_as_expected(DOCUMENTS[file], file)


def verdicts(text: str, file: str = "a.md") -> list[str]:
    found = symbptt.check(Document(text, file)).findings
    return [f.verdict.verdict for f in found if f.verdict]


LSTM = """\
f_t = σ(W_fh · h_{t-1} + W_fx · x_t + b_f)
i_t = σ(W_ih · h_{t-1} + W_ix · x_t + b_i)
o_t = σ(W_oh · h_{t-1} + W_ox · x_t + b_o)
c̃_t = tanh(W_ch · h_{t-1} + W_cx · x_t + b_c)
c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t
h_t = o_t ⊙ tanh(c_t)

"""


def test_a_gradient_named_by_a_d_is_no_forward_equation():
    text = LSTM + (
        "dh_t = ∂L/∂h_t\n\n"
        "dc_t_total = dc_t_future + dh_t ⊙ o_t ⊙ (1 − tanh²(c_t))\n\n"
        "∂L/∂o_t = dh_t ⊙ tanh(c_t)\n\n"
        "∂L/∂f_t = dc_t_total ⊙ c_{t-1}\n"
    )
    assert verdicts(text, "a.txt") == ["right", "right", "right-under"]
    assert verdicts(text.replace("⊙ c_{t-1}\n", "⊙ c_t\n"), "a.txt")[2:] == ["inconclusive"]


def test_an_argument_that_is_named_without_its_step():
    text = LSTM + "Recall z_f = W_fh · h_{t-1} + W_fx · x_t + b_f\n\n"
    claim = "∂L/∂W_fh = (∂L/∂z_f) · h_{t-1}ᵀ\n"
    assert verdicts(text + claim, "a.txt")[-1] == "right-under"
    assert verdicts(text + claim.replace("t-1", "t"), "a.txt")[-1] == "wrong"


def test_a_second_superscript_is_a_name_where_there_is_a_first():
    text = (
        r"$$z_t^1 = W x_t + V s_{t-1}$$ $$s_t = f(z_t^1)$$ $$z_t^2 = U s_t$$"
        r"$$g_t = \mathrm{softmax}(z_t^2)$$" + "\n\n"
    )
    claim = r"$$\frac{\partial z_t^2}{\partial s_t} = U$$"
    assert verdicts(text + claim) == ["right"]
    assert verdicts(text + claim.replace("z_t^2", "z_t^1")) == ["shape-error"]


def test_no_reading_makes_a_derivative_vanish_for_want_of_a_path():
    text = "".join(f"$$ {x} $$\n" for x in (
        r"f_t = \sigma(W_f [h_{t-1}, x_t])", r"i_t = \sigma(W_i [h_{t-1}, x_t])",
        r"o_t = \sigma(W_o [h_{t-1}, x_t])", r"g_t = \tanh(W_c [h_{t-1}, x_t])",
        r"C_t = f_t \odot C_{t-1} + i_t \odot g_t", r"h_t = o_t \odot \tanh(C_t)",
    ))  # fmt: skip
    claim = r"$$\delta h_t = \frac{\partial L}{\partial h_t} + \delta h_{t+1} \odot"
    assert verdicts(text + claim + r" \frac{\partial h_{t+1}}{\partial h_t}$$") == ["wrong"]


def test_numbers_may_be_rounded():
    text = "$h_t = \\tanh(W h_{t-1} + U x_t)$\n\n$$-0.640 \\times 0.435 = -0.278$$\n"
    assert verdicts(text) == ["inconclusive"]
    assert verdicts(text.replace("0.640", "2").replace("0.435", "3").replace("0.278", "6")) == [
        "right"
    ]


def test_a_size_that_a_colon_gives():
    found = symbptt.check(r"$x_t : \ell \times 1$ and $W_0 & : m \times n \;.$").findings
    assert [f.kind for f in found] == ["prose", "prose"]


def test_signs_of_columns_are_not_taken_for_more_formulas():
    rows = r"h_t &=& \tanh(W h_{t-1}) & \\ y_t &=& V h_t & \text{with } t > 0"
    found = symbptt.check(rf"\begin{{eqnarray}} {rows} \end{{eqnarray}}").findings
    assert [f.kind for f in found][:2] == ["definition", "definition"]


@pytest.mark.parametrize(("begin", "end"), [("", ""), ("$$\n", "$$"), ("```latex\n", "```")])
def test_words_between_the_rows_of_a_display(begin: str, end: str) -> None:
    text = f"""Words.

{begin}\\begin{{align}}
h_t &= \\tanh(W h_{{t-1}} + U x_t) \\\\
\\intertext{{so that with $z_t$ for the argument}}
\\frac{{\\partial h_t}}{{\\partial h_{{t-1}}}} &= diag(1 - h_t^2) W
\\end{{align}}
{end}
"""
    found = [f.source for f in formulas(Document(text, "notes.md"))]
    assert found[1:] == ["z_t", r"\frac{\partial h_t}{\partial h_{t-1}} &= diag(1 - h_t^2) W"]
