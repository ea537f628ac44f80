"""What each notation is read as: the exact tree."""

from fractions import Fraction

import pytest

from symbptt.errors import FormulaError
from symbptt.formula import parse, parse_equations, resolve_calls, spelling
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Cases,
    Differential,
    Group,
    Node,
    Number,
    Power,
    Primed,
    Product,
    Quotient,
    Relation,
    Subscripted,
    Sum,
    Symbol,
    Text,
    Transpose,
)


def n(value: int | str) -> Number:
    return Number(Fraction(value))


def s(base: str, *subscripts: Node, **rest: object) -> Symbol:
    return Symbol(base, subscripts=subscripts, **rest)


def plus(a: Node, b: Node) -> Sum:
    return Sum((a, b), (1, 1))


def minus(a: Node, b: Node) -> Sum:
    return Sum((a, b), (1, -1))


def times(*factors: Node, by: str = "") -> Product:
    return Product(factors, (by,) * (len(factors) - 1))


def group(*items: Node, opening: str = "(", by: str = ",") -> Group:
    return Group(opening, items, (by,) * (len(items) - 1))


def call(name: str, *arguments: Node, primes: int = 0) -> Call:
    return Call(Symbol(name, primes=primes), arguments)


def partial(a: Node, b: Node, style: str = "frac", sign: str = "∂") -> Quotient:
    return Quotient(Differential(sign, a), Differential(sign, b), style)


def equal(a: Node, b: Node) -> Relation:
    return Relation((a, b), ("=",))


a, b, c, h, k, t, x, y, z = map(Symbol, "abchktxyz")
L, T, U, W = map(Symbol, "LTUW")
hh = Symbol("hh")
one, two = n(1), n(2)
h_t, x_t, y_t = s("h", t), s("x", t), s("y", t)
W_hh = s("W", hh)
ellipsis = Text("...")

NAMES = [
    (r"\mathbf{h}_t", h_t),
    (r"h_{t-1}", s("h", minus(t, one))),
    (r"h_(t-1)", s("h", minus(t, one))),
    (r"hₜ₋₁", s("h", minus(t, one))),
    (r"h₁", s("h", one)),
    ("W_hh", W_hh),
    ("W_{hh}", W_hh),
    (r"\mathbf{W}_\textrm{hh}", W_hh),
    (r"W_{xh_f}", s("W", s("xh", Symbol("f")))),
    ("u_{f,t-1}", s("u", Symbol("f"), minus(t, one))),
    ("y_true", s("y", Symbol("true"))),
    ("target_t", s("target", t)),
    (r"\text{target}_t", s("target", t)),
    (r"z_ {t}", s("z", t)),
    (r"h\_t", h_t),
    (r"\hat{y}_t", s("y", t, accents=("hat",))),
    (r"\hat y_t", s("y", t, accents=("hat",))),
    (r"\hat{y_t}", s("y", t, accents=("hat",))),
    (r"\widehat{\mathbf y}_t", s("y", t, accents=("hat",))),
    ("ŷₜ", s("y", t, accents=("hat",))),
    (r"\stackrel{\sim }{C_t}", s("C", t, accents=("tilde",))),
    (r"\overset{\wedge}{y}_t", s("y", t, accents=("hat",))),
    (r"\overset{\rightarrow}{h_t}", s("h", t, accents=("vec",))),
    (r"\stackrel{-}{c}", s("c", accents=("bar",))),
    (r"\tilde{\bar c}", Symbol("c", accents=("bar", "tilde"))),
    (r"\boldsymbol\delta_t", s("delta", t)),
    ("δ_t", s("delta", t)),
    (r"\varphi", Symbol("phi")),
    ("ϕ", Symbol("phi")),
    (r"\ell_t", s("ell", t)),
    (r"\mathcal{L}", L),
    ("ℒ", L),
    ("𝑊", W),
    ("Whh", Symbol("Whh")),
    ("h1", Symbol("h1")),
    (r"h^{(t)}", Symbol("h", superscripts=(t,))),
    (r"h^{\langle t\rangle}", Symbol("h", superscripts=(t,))),
    (r"h^{<t>}", Symbol("h", superscripts=(t,))),
    (r"h^{[l](t)}", Symbol("h", superscripts=(Symbol("l"), t))),
    (r"h^{t-1}", Symbol("h", superscripts=(minus(t, one),))),
    (r"W^{(hh)}", Symbol("W", superscripts=(hh,))),
    (r"W^{l-1,l}", Symbol("W", superscripts=(minus(Symbol("l"), one), Symbol("l")))),
    (r"\delta^y_t", s("delta", t, superscripts=(y,))),
    (r"\delta_{t+1}^{h}", s("delta", plus(t, one), superscripts=(h,))),
    (r"h_t^{\text{next}}", s("h", t, superscripts=(Symbol("next"),))),
    ("h[t]", Symbol("h", indices=(t,))),
    ("W_hh[t - 1]", s("W", hh, indices=(minus(t, one),))),
    ("f'", Symbol("f", primes=1)),
    (r"f^{\prime\prime}", Symbol("f", primes=2)),
    (r"\phi_h^{'}", s("phi", h, primes=1)),
    (r"e_{1,\ldots,T}", s("e", one, ellipsis, T)),
]

PRODUCTS_AND_SUMS = [
    ("W h + U x - b", Sum((times(W, h), times(U, x), b), (1, 1, -1))),
    ("-a", Sum((a,), (-1,))),
    ("a - -b", plus(a, b)),
    ("ht-1", minus(Symbol("ht"), one)),
    (r"a \odot b \cdot c", Product((a, b, c), ("⊙", "·"))),
    (r"a * b @ c × h", Product((a, b, c, h), ("*", "@", "×"))),
    (r"a \circ b \otimes c ⊙ h", Product((a, b, c, h), ("∘", "⊗", "⊙"))),
    (r"a \cdot -b", times(a, Sum((b,), (-1,)), by="·")),
    ("(a + b) c", times(group(plus(a, b)), c)),
    ("{a b} c", times(a, b, c)),
    ("2x", times(two, x)),
    ("[h_t, x_t]", group(h_t, x_t, opening="[")),
    ("[h_t; x_t]", group(h_t, x_t, opening="[", by=";")),
    (r"W[h_t, x_t]", times(W, group(h_t, x_t, opening="["))),
    (r"\left\{ a \right\}", group(a, opening="{")),
    (
        r"\|x\| + |y| + ‖z‖",
        Sum((group(x, opening="‖"), group(y, opening="|"), group(z, opening="‖")), (1, 1, 1)),
    ),
    ("|x||y|", times(group(x, opening="|"), group(y, opening="|"))),
    (r"\lVert a \rVert", group(a, opening="‖")),
    (r"(x_t \vert h)", group(x_t, h, by="|")),
    (r"a \cdots b + \dots", plus(times(a, ellipsis, b), ellipsis)),
    (r"\underbrace{a b}_{\text{local}} c", times(a, b, c)),
    (r"\color{red} a \, \quad \tag{3} \boxed{b}", times(a, b)),
]

QUOTIENTS_AND_POWERS = [
    (r"\frac12 x", times(Quotient(one, two), x)),
    (r"½ x", times(n("1/2"), x)),
    (r"\dfrac{a}{b}", Quotient(a, b)),
    (r"{a \over b}", Quotient(a, b)),
    ("a/b c", times(Quotient(a, b, "/"), c)),
    ("a/b/c", Quotient(Quotient(a, b, "/"), c, "/")),
    ("h^2", Power(h, two)),
    ("h**2", Power(h, two)),
    ("h²", Power(h, two)),
    (r"h_t^{-1}", Power(h_t, Sum((one,), (-1,)))),
    ("z^2_t", Power(s("z", t), two)),
    ("(a+b)^{2}", Power(group(plus(a, b)), two)),
    ("(a)^{t-k}", Power(group(a), minus(t, k))),
    ("e^{-x}", Power(Symbol("e"), Sum((x,), (-1,)))),
    ("h[t]**2", Power(Symbol("h", indices=(t,)), two)),
    (r"h_t^T", Transpose(h_t)),
    (r"W_{hh}^\top", Transpose(W_hh)),
    (r"W^T_{hh}", Transpose(W_hh)),
    (r"W_hh.T", Transpose(W_hh)),
    ("W^Tx", times(Transpose(W), x)),
    ("Wᵀ x", times(Transpose(W), x)),
    (r"W^{\mathsf T} + W^{\mathrm T}", plus(Transpose(W), Transpose(W))),
    (r"W^\intercal + W^{\text T}", plus(Transpose(W), Transpose(W))),
    (r"h^{(t)\top}", Transpose(Symbol("h", superscripts=(t,)))),
    (r"h^{(t)^\top}", Transpose(Symbol("h", superscripts=(t,)))),
    (r"h^{t T}", Transpose(Symbol("h", superscripts=(t,)))),
    (r"{h_t}^\top", Transpose(h_t)),
    (r"(a b)^T", Transpose(group(times(a, b)))),
    (r"(W h)_i", Subscripted(group(times(W, h)), (Symbol("i"),))),
    (r"\left(a\right)^{(t)}", Subscripted(group(a), (t,))),
]

CALLS = [
    (r"\tanh(z)", call("tanh", z)),
    (r"tanh\Big[ z \Big]", call("tanh", z)),
    (r"\text{softmax}(z)", call("softmax", z)),
    (r"\operatorname{diag}\left[z\right]", call("diag", z)),
    (r"\mathrm{diag}(z)", call("diag", z)),
    (r"\sigma(z)", call("sigma", z)),
    ("σ(z)", call("sigma", z)),
    (r"\sigma z", times(Symbol("sigma"), z)),
    (r"y \log \hat y_t a", times(y, call("log", s("y", t, accents=("hat",))), a)),
    (r"\tanh W x", times(call("tanh", W), x)),
    (r"\log \tanh x", call("log", call("tanh", x))),
    (r"\log p(x)", call("log", times(Symbol("p"), group(x)))),
    (r"\exp{a b} c", times(call("exp", times(a, b)), c)),
    (r"\sqrt{x}", call("sqrt", x)),
    (r"\tanh^2(z)", Power(call("tanh", z), two)),
    (r"\tanh²(z)", Power(call("tanh", z), two)),
    (r"\tanh'(z)", call("tanh", z, primes=1)),
    (r"\tanh\prime(z)", call("tanh", z, primes=1)),
    (r"\sigma^{\prime}(z)", call("sigma", z, primes=1)),
    ("f'(z)", call("f", z, primes=1)),
    ("tanh(z)'", Primed(call("tanh", z))),
    (r"L_t(y_t, \text{target}_t)", Call(s("L", t), (y_t, s("target", t)))),
    (r"f(x_t, h; \psi)", call("f", x_t, h, Symbol("psi"))),
    ("f (z)", times(Symbol("f"), group(z))),
    (r"f(\cdot)", times(Symbol("f"), group(Text("·")))),
    ("cross_entropy(y, z)", call("cross_entropy", y, z)),
    (r"\text{cross\_entropy}(y, z)", call("cross_entropy", y, z)),
    ("binary_cross_entropy_with_logits(y, z)", call("binary_cross_entropy_with_logits", y, z)),
    ("leaky_relu(z)", call("leaky_relu", z)),
    ("a/tanh(x)/b", Quotient(Quotient(a, call("tanh", x), "/"), b, "/")),
    ("tanh(x)/tanh(y)", Quotient(call("tanh", x), call("tanh", y), "/")),
    ("sum(x)", call("sum", x)),
]

BIG_OPERATORS = [
    (r"\sum_{t=1}^{T} a b + c", plus(BigOperator("sum", times(a, b), t, one, T), c)),
    (r"\sum^T_{t=1} a", BigOperator("sum", a, t, one, T)),
    (r"\sum\limits_{t=1}^T a", BigOperator("sum", a, t, one, T)),
    ("sum_{t=1}^T a", BigOperator("sum", a, t, one, T)),
    ("sum t from 1 to 2 a b", BigOperator("sum", times(a, b), t, one, two)),
    ("sum t from 1 to T - 1 a", BigOperator("sum", a, t, one, minus(T, one))),
    (r"\sum_t \sum_k a b", BigOperator("sum", BigOperator("sum", times(a, b), k), t)),
    (r"\sum_{t,k} a", BigOperator("sum", BigOperator("sum", a, k), t)),
    ("Σₜ a", BigOperator("sum", a, t)),
    (r"c \prod_{j=k+1}^{t} a b", times(c, BigOperator("prod", times(a, b), Symbol("j"), plus(k, one), t))),
    ("∏_{k=1}^t a", BigOperator("prod", a, k, one, t)),
    (r"\sum_{t \in \{2, T\}} a", BigOperator("sum", a, t, domain=group(two, T, opening="{"))),
    ("sum_{t in {2, T}} a", BigOperator("sum", a, t, domain=group(two, T, opening="{"))),
    (r"\sum_{1 \le k \le t} a", BigOperator("sum", a, k, domain=Relation((one, k, t), ("≤", "≤")))),
    (r"\sum_{k \ge 0} a", BigOperator("sum", a, k, domain=Relation((k, n(0)), ("≥",)))),
    (r"-\sum_t a", Sum((BigOperator("sum", a, t),), (-1,))),
    (r"\sum_t -a b", BigOperator("sum", Sum((times(a, b),), (-1,)), t)),
    (r"c \sum_t \sum_k -a b + c",
     plus(times(c, BigOperator("sum", BigOperator("sum", Sum((times(a, b),), (-1,)), k), t)), c)),
    (r"(\prod_k a) b", times(group(BigOperator("prod", a, k)), b)),
    (r"\log \sum_k a b", call("log", BigOperator("sum", times(a, b), k))),
]  # fmt: skip

DERIVATIVES = [
    (r"\frac{\partial L}{\partial W_{hh}}", partial(L, W_hh)),
    (r"\frac{\partial{L}}{\partial{h_t}}", partial(L, h_t)),
    (r"\partial L / \partial h_t x", times(partial(L, h_t, "/"), x)),
    ("∂L/∂hₜ", partial(L, h_t, "/")),
    (r"\frac{dL}{dh}", partial(L, h, sign="d")),
    (r"\frac{d L}{d W_{hh}}", partial(L, W_hh, sign="d")),
    (r"\frac{\mathrm{d}L}{\mathrm{d}h}", partial(L, h, sign="d")),
    ("dL/dWhh", partial(L, Symbol("Whh"), "/", "d")),
    ("dh2/dh1", partial(Symbol("h2"), Symbol("h1"), "/", "d")),
    (r"dL/d\theta x", times(partial(L, Symbol("theta"), "/", "d"), x)),
    ("h1/dWhh", Quotient(Symbol("h1"), Symbol("dWhh"), "/")),
    (r"\frac{\delta E}{\delta W_o}", partial(Symbol("E"), s("W", Symbol("o")), sign="δ")),
    (r"\frac{\partial L}{W}", Quotient(Differential("∂", L), W)),
    (r"\frac{\partial^2 L}{\partial x}", Quotient(Differential("∂", L, 2), Differential("∂", x))),
    (r"\frac{\partial^+ h}{\partial x}", Quotient(Differential("∂⁺", h), Differential("∂", x))),
    ("∂⁺h/∂x", Quotient(Differential("∂⁺", h), Differential("∂", x), "/")),
    (
        r"\frac{d}{dz} \tanh(z)",
        times(Quotient(Differential("d", None), Differential("d", z)), call("tanh", z)),
    ),
    (r"\frac{\partial}{\partial z}", Quotient(Differential("∂", None), Differential("∂", z))),
    (r"\frac{\partial L(z)}{\partial x}", partial(times(L, group(z)), x)),
    (r"\frac{\partial h (t)}{\partial x (k)}", partial(times(h, group(t)), times(x, group(k)))),
    (r"\frac{dC(y)}{dz}", partial(times(Symbol("C"), group(y)), z, sign="d")),
    (r"\nabla_{h_t} L", Differential("∇", L, by=h_t)),
    (r"W^T \nabla_x L", times(Transpose(W), Differential("∇", L, by=x))),
    (r"\frac{dL}{dx} \Big|_{x_t}", Subscripted(partial(L, x, sign="d"), (x_t,))),
    (
        r"\left.\frac{\partial L}{\partial x}\right|_{t} a",
        times(Subscripted(partial(L, x), (t,)), a),
    ),
    (
        r"\dfrac{\delta\\E}{\delta\hat{y_t}}",
        partial(Symbol("E"), s("y", t, accents=("hat",)), sign="δ"),
    ),
    ("dL/dh (t = 2)", times(partial(L, h, "/", "d"), group(equal(t, two)))),
]

RELATIONS = [
    ("a = b = c", Relation((a, b, c), ("=", "="))),
    (r"a \triangleq b := c ≜ h", Relation((a, b, c, h), ("≜", "≜", "≜"))),
    (r"a \overset{def}{=} b", Relation((a, b), ("≜",))),
    (r"a \stackrel{\text{def}}{=} b \equiv c", Relation((a, b, c), ("≜", "≜"))),
    (r"a \approx b \propto c \to h", Relation((a, b, c, h), ("≈", "∝", "→"))),
    (r"a \leftarrow b", Relation((a, b), ("←",))),
    ("a += b", Relation((a, b), ("+=",))),
    (r"a +&= b -\!\!= c", Relation((a, b, c), ("+=", "-="))),
    (r"a \le b < c \geq h \neq x", Relation((a, b, c, h, x), ("≤", "<", "≥", "≠"))),
    (r"t \in \{a\}", Relation((t, group(a, opening="{")), ("∈",))),
    (
        r"x = \begin{cases} a & \text{if } t = T, \\ b & \text{if } t < T. \end{cases}",
        equal(x, Cases((a, b), (equal(t, T), Relation((t, T), ("<",))))),
    ),
    (
        r"\begin{cases} a & t = T \\ b, & \text{otherwise} \\ \end{cases}",
        Cases((a, b), (equal(t, T), None)),
    ),
]

TABLE = (
    NAMES + PRODUCTS_AND_SUMS + QUOTIENTS_AND_POWERS + CALLS + BIG_OPERATORS + DERIVATIVES + RELATIONS
)  # fmt: skip


@pytest.mark.parametrize(("text", "tree"), TABLE, ids=[text for text, _ in TABLE])
def test_tree(text, tree):
    assert parse(text) == tree


#: LaTeX and plain text of the same formula.
SAME = [
    (
        r"h_t = \tanh(W_{hh}\, h_{t-1} + W_{xh}\, x_t + b_h)",
        "h_t = tanh(W_hh h_{t-1} + W_xh x_t + b_h)",
    ),
    (r"\frac{\partial L}{\partial h_t} = W_{hy}^\top \delta^y_t", r"\frac{∂L}{∂hₜ} = W_hyᵀ δ^y_t"),
    (r"L = \sum_{t=1}^{T} L_t(y_t, \text{target}_t)", "L = ∑_{t=1}^T L_t(y_t, target_t)"),
    (r"\left(1 - h_{t+1}^{2}\right) \odot \sigma'(z_t)", "(1 - h_(t+1)**2) ⊙ σ'(z_t)"),
    (r"\hat{\mathbf y}_t = \mathrm{softmax}\big(o_t\big)", "ŷ_t = softmax(o_t)"),
    (r"c_t = f_t \odot c_{t-1} + i_t \odot \tilde{c}_t", "cₜ = fₜ ⊙ cₜ₋₁ + iₜ ⊙ c̃ₜ"),
    (r"\prod_{k=j+1}^{t} \operatorname{diag}(\phi'(z_k))", "∏_{k=j+1}^t diag(φ'(z_k))"),
    (r"\delta_t := \frac{1}{2} \left\| x \right\|", r"δ_t ≔ \frac{1}{2} ‖x‖"),
    (r"W \leftarrow W - \eta \nabla_W L", "W ← W − η ∇_W L"),
]


@pytest.mark.parametrize(("latex", "plain"), SAME)
def test_latex_and_plain_text_agree(latex, plain):
    assert parse(latex) == parse(plain)


#: A text and its formulas, each in the form that ``parse`` reads on its own.
LISTS = [
    ("a = b\nc = h", ["a = b", "c = h"]),
    ("# forward\na = b  # done\n\n% c\nc = h,\n", ["a = b", "c = h"]),
    ("a = b\n  + c\n  = h", ["a = b + c = h"]),
    ("a = f(b,\n  c)\nx = y", ["a = f(b, c)", "x = y"]),
    ("a =\n b", ["a = b"]),
    (r"a &= b \\ &= c \\[4ex] x &= y", ["a = b = c", "x = y"]),
    ("\\begin{align*}\na &= b\nc \\\\\nx &= y.\n\\end{align*}", ["a = b c", "x = y"]),
    ("$$a = b$$\n\\[ x\n= y \\]\n\\(c\\)", ["a = b", "x = y", "c"]),
    ("$a = b$ $x = y$", ["a = b", "x = y"]),
    (r"a = b, \qquad x = y", ["a = b", "x = y"]),
    (r"a = b \quad x = y", ["a = b", "x = y"]),
    (r"a = b \quad c", ["a = b c"]),
    (r"a = b \quad + \quad c", ["a = b + c"]),
    (r"a = b \Rightarrow x = y", ["a = b", "x = y"]),
    ("a = \\begin{cases} b & t = T \\\\\n c & t < T \\end{cases}\nx = y",
     [r"a = \begin{cases} b & t = T \\ c & t < T \end{cases}", "x = y"]),
    ("", []),
    (" \n# nothing\n", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "each"), LISTS)
def test_parse_equations(text, each):
    assert parse_equations(text) == [parse(one) for one in each]


def test_without_lines_a_newline_is_a_space():
    assert parse_equations("a = b\nc \\\\ x = y", lines=False) == [parse("a = b c"), parse("x = y")]


def test_letters_are_names_as_tex_prints_them():
    assert parse(r"\sigma(Ux_t + Ws_{t-1})", letters=True) == parse(r"\sigma(U x_t + W s_{t-1})")
    assert parse(r"W_ix^t + W_{hh}", letters=True) == parse(r"W_i x^t + W_{hh}")
    assert parse(r"\frac{dL}{dW} tanh(Vs_t)", letters=True) == parse(r"\frac{dL}{dW} \tanh(V s_t)")


def test_functions_named_by_the_caller():
    assert parse("f (z)", functions={"f"}) == call("f", z)
    assert parse("act(z)'", functions={"act"}) == Primed(call("act", z))
    assert parse("f_h(z)", functions={"f_h"}) == Call(s("f", h), (z,))
    assert parse("f_t(z)", functions={"f"}) == times(s("f", t), group(z))
    assert parse(r"\phi(z)", functions={"phi"}) == call("phi", z)


@pytest.mark.parametrize(
    "text",
    [
        "f (z) b",
        "f(z)'",
        "f(z)^2 + a",
        "f^2 (z)",
        "a/f (z)",
        "f(z)/b",
        "a/f(z)/b",
        "f(f(z))",
        "∂f(z)/∂z",
    ],
)
def test_calls_can_be_resolved_later(text):
    later = resolve_calls(parse(text), lambda name: name.base == "f")
    assert later == parse(text, functions={"f"}) != parse(text)


def test_spelling():
    assert spelling(parse("W_{hh}")) == "W_hh"
    assert spelling(parse(r"\hat{y}_{t-1}^{l}")) == "y_hat_t-1^l"
    assert spelling(parse("f'")) == "f"


def test_a_formula_inside_a_longer_text_keeps_its_offsets():
    text = "The state $h_t = W x$ and more"
    tree = parse(text, start=11, end=20)
    assert text[tree.span.start : tree.span.end] == "h_t = W x"


@pytest.mark.parametrize(
    "text",
    [r"W_f.[h_{t-1}, x_t]", r"\sigma(W_f . [h, x] + b)", r"\frac{a}{b}.Z_t^T", r"a = (o - v).h^T",
     r"a = b.\frac{c}{d} = e", "W_2.h", r"W.\left(h + x\right)", r"a.\tanh(c).tanh(d)",
     "a = W.W.s", r"a = V.\sum_{j} s_j", "{a = \\frac{b}{c}.\n\\frac{c}{d}}"],
)  # fmt: skip
def test_a_full_stop_between_factors_is_a_product_in_tex(text):
    known = text.replace(".", r" \cdot ")
    assert parse(text, letters=True) == parse(known, letters=True)
    assert parse_equations(f"$${text}.$$", letters=True) == parse_equations(known, letters=True)


@pytest.mark.parametrize(
    "text", ["a = b. c = d", "a = b . c = d", "1.e", "h_{t.i}", "x s.t. y", "a = b.Then c", ".x"]
)
def test_a_full_stop_that_may_end_something_is_no_product(text):
    with pytest.raises(FormulaError, match="full stop"):
        parse_equations(text, letters=True)


def test_commas_between_thousands_and_two_dots():
    assert parse("12,345,678") == parse("12345678") == parse("12{,}345{,}678")
    assert parse("f(100,200)") == parse("f(100, 200)")
    assert parse("t = 1..T") == parse("t = 1...T")
    assert parse(r"h_0 = \vec{0}") == parse("h_0 = 0")
    assert parse(r"a = b \{}") == parse("a = b")
    for text in ("1, 200", "0,200", "1,20"):
        with pytest.raises(FormulaError, match="second formula"):
            parse(text)


def test_a_bar_that_closes_nothing_is_evaluated_at():
    text = r"\frac{\partial J}{\partial H}%s_t"
    assert parse(text % r"\rvert") == parse(text % "|") == parse(text % r"\Big|")
    assert parse(r"\lvert a \rvert_t") == parse("|a|_t")
    with pytest.raises(FormulaError, match="never closed"):
        parse(r"a \rvert b")
