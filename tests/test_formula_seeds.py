"""The formulas of five real documents, transcribed: each is read, and the telling ones exactly."""

import pytest

from symbptt.formula import parse, parse_equations
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Cases,
    Differential,
    Group,
    Node,
    Power,
    Primed,
    Product,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Text,
    Transpose,
)

EQUATIONS = [
    r"h_t = f\Big(W_{hh}\, h_{t-1} + W_{xh}\, x_t + b_h\Big)",
    r"y_t = g\Big(W_{hy}\, h_t + b_y\Big)",
    r"L = \sum_{t=1}^{T} L_t(y_t, \text{target}_t)",
    r"h_0 \rightarrow h_1 \rightarrow h_2 \rightarrow \cdots \rightarrow h_T",
    r"\frac{\partial L_t}{\partial W_{hy}} = \frac{\partial L_t}{\partial y_t}\cdot \frac{\partial y_t}{\partial W_{hy}}",
    r"\frac{\partial L}{\partial W_{hy}} = \sum_{t=1}^T \frac{\partial L_t}{\partial W_{hy}}.",
    r"z_t = W_{hh}\, h_{t-1} + W_{xh}\, x_t + b_h,",
    "h_t = f(z_t).",
    r"\delta^y_t = \frac{\partial L_t}{\partial y_t} \cdot g'\big(W_{hy}\, h_t + b_y\big).",
    r"\delta_t \triangleq \frac{\partial L}{\partial h_t}.",
    r"h_{t+1} = f\Big(W_{hh}\, h_{t} + W_{xh}\, x_{t+1} + b_h\Big),",
    r"\frac{\partial h_{t+1}}{\partial h_t} = W_{hh}^T \odot f'\Big(W_{hh}\, h_{t} + W_{xh}\, x_{t+1} + b_h\Big),",
    r"\delta_t = W_{hy}^T\, \delta^y_t + W_{hh}^T\, \delta_{t+1} \odot f'(z_t).",
    r"\delta_t = \Big(W_{hy}^T\, \delta^y_t + W_{hh}^T\, \delta_{t+1}\Big) \odot f'(z_t).",
    r"\delta_T = \Big(W_{hy}^T\, \delta^y_T\Big) \odot f'(z_T).",
    r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T} \delta_t\, h_{t-1}^T.",
    r"\frac{\partial z_t}{\partial W_{hh}} = h_{t-1}.",
    r"\frac{\partial L}{\partial W_{xh}} = \sum_{t=1}^{T} \delta_t\, x_t^T.",
    r"\delta^y_t = \frac{\partial L_t}{\partial y_t}\, g'\big(W_{hy}\, h_t + b_y\big).",
    r"""\delta_t = \begin{cases}
\Big(W_{hy}^T\, \delta^y_t\Big) \odot f'(z_t) & \text{if } t = T, \\
\Big(W_{hy}^T\, \delta^y_t + W_{hh}^T\, \delta_{t+1}\Big) \odot f'(z_t) & \text{if } t < T.
\end{cases}""",
    r"\frac{\partial L}{\partial W_{hy}} = \sum_{t=1}^{T} \delta^y_t\, h_t^T,",
    r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T} \delta_t\, h_{t-1}^T,",
    "h_t",
    "t",
    "x_t",
    "W_{hh}",
    "W_{xh}",
    "b_h",
    r"f(\cdot)",
    r"\tanh",
    "y_t",
    "W_{hy}",
    "b_y",
    r"g(\cdot)",
    "L_t",
    "T",
    r"1, 2, \dots, T",
    r"y_t = g(W_{hy}\, h_t + b_y)",
    r"t+1, t+2, \dots, T",
    r"W_{hy}^T\, \delta^y_t",
    "t+1",
    r"\left(\frac{\partial h_{t+1}}{\partial h_t}\right)^T \delta_{t+1}",
    "f'",
    r"\delta_t",
    r"t = 1, 2, \dots, T",
    "t = T",
    "1",
]

LATEX_NOTES = [
    r"h_t = \tanh(W_{hh} h_{t-1} + W_{xh} x_t + b_h)",
    "y_t = W_{hy} h_t + b_y",
    r"L = \sum_{t=1}^T L_t",
    r"\frac{\partial L_t}{\partial y_t}",
    r"\frac{\partial L_t}{\partial h_t} = W_{hy}^T \frac{\partial L_t}{\partial y_t}",
    r"\frac{\partial L}{\partial h_t} = \frac{\partial L_t}{\partial h_t} + \frac{\partial L}{\partial h_{t+1}} \frac{\partial h_{t+1}}{\partial h_t}",
    r"\frac{\partial h_{t+1}}{\partial h_t} = W_{hh}^T \cdot \text{diag}(1 - h_{t+1}^2)",
    r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^T \frac{\partial L}{\partial h_t} \cdot h_{t-1}^T \cdot (1 - h_t^2)",
    r"\frac{\partial L}{\partial W_{xh}} = \sum_{t=1}^T \frac{\partial L}{\partial h_t} \cdot x_t^T \cdot (1 - h_t^2)",
    r"\frac{\partial L}{\partial W_{hy}} = \sum_{t=1}^T \frac{\partial L_t}{\partial y_t} \cdot h_t^T",
    "T",
    r"x_1, x_2, \dots, x_T",
    "W_{hh}",
    "W_{xh}",
    "W_{hy}",
    "t",
    "h_t",
    "x_t",
    "h_{t-1}",
    "t = 1",
    "b_h",
    "h_0",
    r"\tanh",
    "y_t",
    "b_y",
    "L_t",
    "L",
    "t = T",
    r"\frac{\partial L}{\partial h_t}",
    r"h_{t+1}, \dots, h_T",
    r"\text{diag}(1 - h_{t+1}^2)",
    r"\frac{d}{dz} \tanh(z) = 1 - \tanh^2(z)",
    "W_{hh}^T",
]

PLAIN_NOTES = [
    "h1 = fh(matmul(Wxh, x1) + matmul(Whh, h0) + bh)",
    "h2 = fh(matmul(Wxh, x2) + matmul(Whh, h1) + bh)",
    "y = fy(matmul(Why, h2) + by)",
    "L = L(y, y_true)",
    "T = 2",
    "dL/dh2 = dL/dy ⋅ dy/dh2",
    "dy/dh2 = Why",
    "dL/dh2 = dL/dy ⋅ Why",
    "dL/dWhh (t = 2) = dL/dh2 ⋅ dh2/dWhh",
    "dh2/dWhh = 1 - squared(h2) ⋅ transpose(h1)",
    "dL/dWhh = dL/dh2 ⋅ 1 - squared(h2) ⋅ transpose(h1)",
    "T = 1",
    "dL/dh1 = dL/dh2 ⋅ dh2/dh1",
    "dh2/dh1 = 1 - squared(h2) ⋅ Whh",
    "dL/dh1 = dL/dh2 ⋅ 1 - squared(h2) ⋅ Whh",
    "dL/dWhh (t = 1) = dL/dh1 ⋅ h1/dWhh",
    "dh1/dWhh = 1 - squared(h1) ⋅ transpose(h0)",
    "dL/dWhh = dL/dh1 ⋅ 1 - squared(h1) ⋅ transpose(h0)",
    "dL/dWhh (t = 2) + dL/dWhh (t = 1)",
    "dL/dWhh = (dL/dh1 ⋅ 1 - squared(h1) ⋅ transpose(h0)) + (dL/dh2 ⋅ 1 - squared(h2) ⋅ transpose(h1))",
    "dL/dWhh = sum t from 1 to 2 dL/dht ⋅ dht/dWhh",
    "dht/dWhh = 1 - squared(ht) ⋅ transpose(ht-1)",
    "dL/dWhh = sum t from 1 to 2 dL/dht ⋅ 1 - squared(ht) ⋅ transpose(ht-1)",
    "z1 = matmul(Wxh, x1) + matmul(Whh, h0) + bh",
    "h1 = act(z1)",
    "z2 = matmul(Wxh, x2) + matmul(Whh, h1) + bh",
    "h2 = act(z2)",
    "z3 = matmul(Wxh, x3) + matmul(Whh, h2) + bh",
    "h3 = act(z3)",
    "z4 = matmul(Wxh, x4) + matmul(Whh, h3) + bh",
    "h4 = act(z4)",
    "y = matmul(Why, h4) + by",
    "f(x) = x^2",
    "f(x)' = 2x",
    "f(2) = 2^2 = 4",
    "f(2)' = 2(2) = 4",
    "T = 4",
    "dL/dh4 = dL/dy ⋅ dy/dh4",
    "dy/dh4 = Why",
    "dL/dh4 = dL/dy ⋅ Why",
    "dL/dWhh (t = 4) = dL/dh4 ⋅ dh4/dWhh",
    "dh4/dWhh = act(z4)' ⋅ transpose(h3)",
    "dL/dWhh (t = 4) = dL/dh4 ⋅ act(z4)' ⋅ transpose(h3)",
    "T = 3",
    "dL/dh3 = dL/dh4 ⋅ dh4/dh3",
    "dh4/dh3 = act(z4)' ⋅ Whh",
    "dL/dh3 = dL/dh4 ⋅ 1 - squared(h4) ⋅ Whh",
    "dL/dWhh (t = 3) = dL/dh3 ⋅ dh3/dWhh",
    "dh3/dWhh = act(z3)' ⋅ transpose(h2)",
    "dL/dWhh (t = 3) = dL/dh3 ⋅ act(z3)' ⋅ transpose(h2)",
    "dL/dh2 = dL/dh3 ⋅ dh3/dh2",
    "dh3/dh2 = act(z3)' ⋅ Whh",
    "dL/dh2 = dL/dh3 ⋅ 1 - squared(h3) ⋅ Whh",
    "dh2/dWhh = act(z2)' ⋅ transpose(h1)",
    "dL/dWhh (t = 2) = dL/dh2 ⋅ act(z2)' ⋅ transpose(h1)",
    "dh2/dh1 = act(z2)' ⋅ Whh",
    "dL/dWhh (t = 1) = dL/dh1 ⋅ dh1/dWhh",
    "dh1/dWhh = act(z1)' ⋅ transpose(h0)",
    "dL/dWhh (t = 1) = dL/dh1 ⋅ act(z1)' ⋅ transpose(h0)",
    "dL/dWhh (t = 1) + dL/dWhh (t = 2) + dL/dWhh (t = 3) + dL/dWhh (t = 4)",
    "dL/dWhh = (dL/dh1 ⋅ act(z1)' ⋅ transpose(h0)) + (dL/dh2 ⋅ act(z2)' ⋅ transpose(h1)) + (dL/dh3 ⋅ act(z3)' ⋅ transpose(h2)) + (dL/dh4 ⋅ act(z4)' ⋅ transpose(h3))",
]

PREDICTION = [
    "E_t",
    "t",
    "y_t",
    r"\hat{y}_t",
    "O_t",
    "s_t",
    "x_t",
    r"s_t = \tanh(W s_{t-1} + U x_t)",
    "O_t = V s_t",
    r"\hat{y}_t = \text{softmax}(O_t)",
    r"E_t = - y_t \log(\hat{y}_t)",
    "W",
    "U",
    "V",
    r"\frac{\partial E_t}{\partial V} = \frac{\partial E_t}{\partial \hat{y}_t} \cdot \frac{\partial \hat{y}_t}{\partial O_t} \cdot \frac{\partial O_t}{\partial V}",
    r"\frac{\partial E_t}{\partial \hat{y}_t} = \hat{y}_t - y_t",
    r"\frac{\partial \hat{y}_t}{\partial O_t}",
    r"\frac{\partial O_t}{\partial V} = s_t",
    r"\frac{\partial E_t}{\partial V} = (\hat{y}_t - y_t) s_t",
    r"\frac{\partial E_t}{\partial W} = \frac{\partial E_t}{\partial s_t} \cdot \frac{\partial s_t}{\partial W}",
    r"\frac{\partial s_t}{\partial W}",
    r"\frac{\partial E_t}{\partial s_t}",
    r"\frac{\partial s_t}{\partial W} = (1 - s_t^2) s_{t-1}",
    "1 - s_t^2",
    r"\tanh",
    r"\frac{\partial E}{\partial W} = \sum_{t=0}^T \sum_{k=t}^T \frac{\partial E_k}{\partial s_k} \cdot \frac{\partial s_k}{\partial s_t} \cdot \frac{\partial s_t}{\partial W}",
    r"\frac{\partial s_3}{\partial W} = \sum_k \frac{\partial s_3}{\partial s_k} \frac{\partial s_k}{\partial W}",
    r"\frac{\partial s_3}{\partial U}",
    r"\frac{\partial s_3}{\partial U} = \sum_k \frac{\partial s_3}{\partial s_k} \frac{\partial s_k}{\partial U}",
    r"\frac{\partial E}{\partial V} = \sum_t \frac{\partial E_t}{\partial V}",
    r"\frac{\partial E}{\partial W} = \sum_t \sum_k \frac{\partial E_t}{\partial \hat{y}_t} \cdot \frac{\partial \hat{y}_t}{\partial O_t} \cdot \frac{\partial O_t}{\partial s_t} \cdot \frac{\partial s_t}{\partial s_k} \cdot \frac{\partial s_k}{\partial W}",
    r"\frac{\partial E}{\partial U} = \sum_t \sum_k \frac{\partial E_t}{\partial \hat{y}_t} \cdot \frac{\partial \hat{y}_t}{\partial O_t} \cdot \frac{\partial O_t}{\partial s_t} \cdot \frac{\partial s_t}{\partial s_k} \cdot \frac{\partial s_k}{\partial U}",
]

DELTA_AS_PARTIAL = [
    r"\large{\dfrac{\delta\\E}{\delta\\W_o}=\dfrac{\delta\\E}{\delta\hat{y_t}}\dfrac{\delta\hat{y_t}}{\delta\\W_o}}",
    r"\large{\dfrac{\delta\\E}{\delta\\W_o}=\dfrac{\delta\\E}{\delta\hat{y_t}}\dfrac{\delta\hat{y_t}}{\delta\\o_t}\dfrac{\delta\\o_t}{\delta\\W_o}}",
    "W_o",
    r"\hat{y_t}",
    "o_t",
    "t",
    "W_F",
    "W_R",
]

#: Runs of items, which are several formulas.
RUNS = {text for text in EQUATIONS + LATEX_NOTES if r"\dots," in text}
ALL = [*EQUATIONS, *LATEX_NOTES, *PLAIN_NOTES, *PREDICTION, *DELTA_AS_PARTIAL]


@pytest.mark.parametrize("text", sorted(set(ALL) - RUNS))
def test_every_formula_is_read_whole(text):
    tree = parse(text)
    read = text[tree.span.start : tree.span.end]
    assert read == text.removeprefix(r"\large").rstrip(" .,")


@pytest.mark.parametrize("text", sorted(RUNS))
def test_runs_of_items(text):
    items = parse_equations(text)
    assert len(items) == text.count(",") + 1
    assert Text("...") in items


def right(text: str) -> Node:
    tree = parse(text, functions={"f", "g", "fh", "fy", "act"})
    assert isinstance(tree, Relation)
    return tree.sides[-1]


def kinds(node: Node) -> list[str]:
    """What a node is made of."""
    return [type(child).__name__ for child in node.children()]


def test_a_cell():
    update = right(EQUATIONS[0])
    assert isinstance(update, Call)
    assert update.function == Symbol("f")
    (argument,) = update.arguments
    assert isinstance(argument, Sum)
    assert argument == parse("W_hh h_{t-1} + W_xh x_t + b_h")


def test_a_loss():
    loss = right(EQUATIONS[2])
    assert isinstance(loss, BigOperator)
    assert loss.body == Call(
        Symbol("L", subscripts=(Symbol("t"),)), (parse("y_t"), parse("target_t"))
    )


def test_a_chain_of_states():
    chain = parse(EQUATIONS[3])
    assert isinstance(chain, Relation)
    assert chain.operators == ("→",) * 4
    assert chain.sides[3] == Text("...")


def test_a_recursion_keeps_its_open_grouping():
    recursion = right(r"\delta_t = W_{hy}^T\, \delta^y_t + W_{hh}^T\, \delta_{t+1} \odot f'(z_t).")
    assert isinstance(recursion, Sum)
    _, later = recursion.terms
    assert isinstance(later, Product)
    assert later.operators == ("", "⊙")
    assert kinds(later) == ["Transpose", "Symbol", "Call"]
    grouped = right(
        r"\delta_t = \Big(W_{hy}^T\, \delta^y_t + W_{hh}^T\, \delta_{t+1}\Big) \odot f'(z_t)."
    )
    assert kinds(grouped) == ["Group", "Call"]


def test_a_recursion_in_cases():
    (text,) = (e for e in EQUATIONS if "cases" in e)
    cases = right(text)
    assert isinstance(cases, Cases)
    assert cases.conditions == (parse("t = T"), parse("t < T"))
    assert cases.values[0] == parse(r"(W_hy^T δ^y_t) ⊙ f'(z_t)")


def test_a_transposed_jacobian():
    text = r"\left(\frac{\partial h_{t+1}}{\partial h_t}\right)^T \delta_{t+1}"
    product = parse(text)
    jacobian = Quotient(
        Differential("∂", parse("h_{t+1}")), Differential("∂", parse("h_t")), style="frac"
    )
    assert product == Product(
        (Transpose(Group("(", (jacobian,))), parse("δ_{t+1}")), operators=("",)
    )


def test_a_diagonal():
    jacobian = right(
        r"\frac{\partial h_{t+1}}{\partial h_t} = W_{hh}^T \cdot \text{diag}(1 - h_{t+1}^2)"
    )
    assert jacobian == parse("W_hh^T ⋅ diag(1 - h_{t+1}^2)")
    assert Power(parse("h_{t+1}"), parse("2")) in jacobian.walk()


def test_a_derivative_as_an_operator():
    claim = parse(r"\frac{d}{dz} \tanh(z) = 1 - \tanh^2(z)")
    assert isinstance(claim, Relation)
    assert kinds(claim.sides[0]) == ["Quotient", "Call"]
    assert Power(parse("tanh(z)"), parse("2")) in claim.sides[1].walk()


@pytest.mark.parametrize(
    ("text", "top", "below"),
    [
        ("h1 = fh(matmul(Wxh, x1) + matmul(Whh, h0) + bh)", Call, ["Symbol", "Sum"]),
        ("dh4/dWhh = act(z4)' ⋅ transpose(h3)", Product, ["Primed", "Call"]),
        ("dh2/dWhh = 1 - squared(h2) ⋅ transpose(h1)", Sum, ["Number", "Product"]),
    ],
)
def test_plain_notes(text, top, below):
    node = right(text)
    assert isinstance(node, top)
    assert kinds(node) == below


def test_a_step_beside_a_derivative():
    claim = parse("dL/dWhh (t = 2) = dL/dh2 ⋅ dh2/dWhh")
    assert isinstance(claim, Relation)
    assert claim.sides[0] == Product((parse("dL/dWhh"), Group("(", (parse("t = 2"),))), ("",))
    assert claim.sides[1] == Product((parse("dL/dh2"), parse("dh2/dWhh")), ("·",))


def test_a_sum_in_words():
    total = right("dL/dWhh = sum t from 1 to 2 dL/dht ⋅ dht/dWhh")
    assert total == BigOperator(
        "sum", parse("dL/dht ⋅ dht/dWhh"), parse("t"), parse("1"), parse("2")
    )


def test_a_prime_after_a_call():
    assert Primed(Call(Symbol("act"), (Symbol("z4"),))) in right(PLAIN_NOTES[-1]).walk()


def test_delta_as_a_derivative():
    claim = parse(DELTA_AS_PARTIAL[0])
    signs = {d.sign for d in claim.walk() if isinstance(d, Differential)}
    assert signs == {"δ"}
    assert claim == parse(
        r"\frac{\delta E}{\delta W_o} = \frac{\delta E}{\delta\hat y_t}"
        r" \frac{\delta\hat y_t}{\delta W_o}"
    )
    assert all(isinstance(q, Quotient) for q in [claim.sides[0], *claim.sides[1].factors])


def test_nested_sums():
    total = right(
        r"\frac{\partial E}{\partial W} = \sum_{t=0}^T \sum_{k=t}^T \frac{\partial E_k}{\partial s_k}"
        r" \cdot \frac{\partial s_k}{\partial s_t} \cdot \frac{\partial s_t}{\partial W}"
    )
    assert isinstance(total, BigOperator)
    assert isinstance(total.body, BigOperator)
    assert total.body.lower == Symbol("t")
    assert kinds(total.body.body) == ["Quotient"] * 3
