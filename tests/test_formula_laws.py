"""What holds of every formula: printed and read again it is the same; its spans are its text."""

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbptt.formula import parse
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Differential,
    Group,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Transpose,
)

CLOSE = {"(": ")", "[": "]"}
LATEX_OPERATORS = {"": " ", "·": r" \cdot ", "⊙": r" \odot ", "∘": r" \circ ", "*": " * "}
LATEX_RELATIONS = {"=": "=", "≜": r"\triangleq", "≈": r"\approx", "≤": r"\le"}
GREEK = {"delta": "δ", "theta": "θ", "Sigma": "Σ"}


def printed(node: Node | None, latex: bool) -> str:
    """A formula as text: LaTeX, or plain with Unicode."""

    def p(child: Node | None) -> str:
        return printed(child, latex)

    match node:
        case Number(value=value):
            return str(int(value)) if value.denominator == 1 else str(float(value))
        case Symbol():
            return printed_name(node, latex)
        case Sum(terms=terms, signs=signs):
            pieces = [
                ("+" if s > 0 else "-") + " " + p(t) for t, s in zip(terms, signs, strict=True)
            ]
            return " ".join(pieces).removeprefix("+ ")
        case Product(factors=factors, operators=operators):
            signs = [LATEX_OPERATORS[o] if latex else f" {o} " for o in operators]
            rest = [o + p(f) for o, f in zip(signs, factors[1:], strict=True)]
            return p(factors[0]) + "".join(rest)
        case Group(opening=opening, items=items):
            size = (r"\left", r" \right") if latex else ("", "")
            return size[0] + opening + ", ".join(map(p, items)) + size[1] + CLOSE[opening]
        case Call(function=function, arguments=arguments):
            return f"{p(function)}({', '.join(map(p, arguments))})"
        case Quotient(numerator=a, denominator=b, style="/"):
            return f"{p(a)}/{p(b)}"
        case Quotient(numerator=a, denominator=b):
            return rf"\frac{{{p(a)}}}{{{p(b)}}}"
        case Power(base=base, exponent=exponent):
            return f"{p(base)}^{{{p(exponent)}}}" if latex else f"{p(base)}**{p(exponent)}"
        case Transpose(operand=operand):
            return p(operand) + (r"^\top" if latex else "ᵀ")
        case Differential(operand=operand):
            return (r"\partial " if latex else "∂") + p(operand)
        case BigOperator(kind=kind, body=body, index=index, lower=lower, upper=upper):
            sign = "\\" + kind if latex else {"sum": "∑", "prod": "∏"}[kind]
            below = p(index) if lower is None else f"{p(index)}={p(lower)}"
            above = "" if upper is None else f"^{{{p(upper)}}}"
            return f"{sign}_{{{below}}}{above} {p(body)}"
        case Relation(sides=sides, operators=operators):
            signs = [LATEX_RELATIONS[o] if latex else o for o in operators]
            rest = [f" {o} {p(x)}" for o, x in zip(signs, sides[1:], strict=True)]
            return p(sides[0]) + "".join(rest)
    raise AssertionError(node)


def printed_name(name: Symbol, latex: bool) -> str:
    base = GREEK.get(name.base, name.base)
    if latex:
        base = "\\" + name.base if name.base in GREEK else name.base
        if len(name.base) > 1 and name.base not in GREEK and name.base.isalpha():
            base = r"\tanh" if name.base == "tanh" else rf"\mathrm{{{name.base}}}"
    for accent in name.accents:
        base = rf"\{accent}{{{base}}}"
    scripts = ""
    for mark, nodes in (("_", name.subscripts), ("^", name.superscripts)):
        if nodes:
            scripts += f"{mark}{{{','.join(printed(n, latex) for n in nodes)}}}"
    indices = "".join(f"[{printed(n, latex)}]" for n in name.indices)
    # A space keeps \delta from the letter after it; an index must touch its name.
    gap = " " if base.startswith("\\") and base[1:].isalpha() and not scripts + indices else ""
    return base + scripts + indices + "'" * name.primes + gap


letters = st.sampled_from(["t", "k", "i", "j"]).map(Symbol)
words = st.sampled_from(["hh", "xh", "y", "f"]).map(Symbol)
times = st.builds(
    lambda t, sign, n: Sum((t, Number(Fraction(n))), (1, sign)),
    letters,
    st.sampled_from([1, -1]),
    st.integers(1, 3),
)
accents = st.sampled_from([(), (), (), ("hat",), ("tilde",)])
names = st.builds(
    Symbol,
    st.sampled_from(["h", "W", "x", "b", "delta", "theta", "Whh", "target", "z1"]),
    subscripts=st.lists(letters | words | times, max_size=2).map(tuple),
    superscripts=st.lists(letters | words, max_size=1).map(tuple),
    indices=st.lists(letters | times, max_size=1).map(tuple),
)
accented = st.builds(
    Symbol,
    st.sampled_from(["h", "y", "c"]),
    accents=accents,
    subscripts=st.lists(letters, max_size=1).map(tuple),
)
numbers = st.sampled_from(["1", "2", "10", "0.5", "2.25"]).map(lambda n: Number(Fraction(n)))
atoms = names | accented | numbers


def composite(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Formulas one step larger, each in the one form that the grammar gives it."""
    in_brackets = st.builds(lambda x: Group("(", (x,)), nodes)
    lists = st.builds(
        lambda items: Group("[", tuple(items), (",",) * (len(items) - 1)),
        st.lists(nodes, min_size=2, max_size=3),
    )
    calls = st.builds(
        lambda f, primes, x: Call(Symbol(f, primes=primes), (x,)),
        st.sampled_from(["tanh", "softmax", "diag"]),
        st.sampled_from([0, 0, 1]),
        nodes,
    ) | st.builds(lambda f, x, y: Call(f, (x, y)), names, nodes, nodes)
    raised = st.builds(
        Power, names | in_brackets, st.integers(2, 4).map(lambda n: Number(Fraction(n)))
    )
    transposed = st.builds(Transpose, names | in_brackets | calls)
    derivative = st.builds(
        lambda a, b, style: Quotient(Differential("∂", a), Differential("∂", b), style),
        names,
        names,
        st.sampled_from(["frac", "/"]),
    )
    quotient = st.builds(Quotient, nodes, nodes) | st.builds(
        lambda a, b: Quotient(a, b, "/"), atoms, atoms
    )
    factors = st.one_of(atoms, in_brackets, lists, calls, raised, transposed, derivative, quotient)
    bounds = st.tuples(letters, st.none() | numbers, names)
    big = st.builds(
        lambda kind, b, body: BigOperator(kind, body, b[0], b[1], b[2] if b[1] else None),
        st.sampled_from(["sum", "prod"]),
        bounds,
        factors,
    )

    def product(fs: list[Node], operators: list[str], last: BigOperator | None) -> Node:
        fs = fs if last is None else [*fs, last]
        return Product(tuple(fs), tuple(operators[: len(fs) - 1]))

    products = st.builds(
        product,
        st.lists(factors, min_size=2, max_size=3),
        st.lists(st.sampled_from(["", "", "·", "⊙", "∘", "*"]), min_size=4, max_size=4),
        st.none() | big,
    )
    terms = products | factors | big

    def total(ts: list[Node], signs: list[int]) -> Node:
        return Sum(tuple(ts), tuple(signs[: len(ts)]))

    signs = st.lists(st.sampled_from([1, -1]), min_size=3, max_size=3)
    sums = st.builds(total, st.lists(terms, min_size=2, max_size=3), signs)
    return terms | sums


formulas = st.recursive(atoms, composite, max_leaves=8)
relations = st.builds(
    lambda sides, operators: Relation(tuple(sides), tuple(operators[: len(sides) - 1])),
    st.lists(formulas, min_size=2, max_size=3),
    st.lists(st.sampled_from(["=", "≜", "≈", "≤"]), min_size=2, max_size=2),
)


@settings(max_examples=200)
@given(formulas | relations, st.booleans())
def test_printed_and_read_again(tree, latex):
    assert parse(printed(tree, latex)) == tree


SAMPLE = [
    r"h_t = f\Big(W_{hh}\, h_{t-1} + W_{xh}\, x_t + b_h\Big)",
    r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T} \delta_t\, h_{t-1}^T",
    r"\delta_t = \left(W_{hy}^T\, \delta^y_t + W_{hh}^T\, \delta_{t+1}\right) \odot f'(z_t)",
    r"L = -\sum_t \text{target}_t \log \hat{y}_t + \frac12 \|x\|^2",
    r"{h_t}^\top \mathbf{W}_{xh} \tanh(sqrt(z))^2 [h_{t-1}, x_t]",
    "dL/dWhh (t = 2) = dL/dh2 ⋅ dh2/dWhh",
    r"a \cdot -b + \exp{a b} - \tanh'(c/x)",
]


@pytest.mark.parametrize("text", SAMPLE)
def test_the_text_of_a_span_reads_as_its_node(text):
    for node in parse(text).walk():
        span = node.span
        assert 0 <= span.start < span.end <= len(text)
        if isinstance(node, Differential) and node.sign == "d":
            continue  # dL is a differential only under another
        assert parse(text[span.start : span.end]) == node


@pytest.mark.parametrize("text", SAMPLE)
def test_a_node_spans_its_parts_in_reading_order(text):
    for node in parse(text).walk():
        for child in node.children():
            assert node.span.start <= child.span.start <= child.span.end <= node.span.end


def test_reading_time_is_linear():
    term = r"\frac{\partial L}{\partial h_{t-1}} W_{hh}^T \tanh(z_t) + "

    def seconds(n: int) -> float:
        text = term * n + "b"
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            parse(text)
            best = min(best, time.perf_counter() - start)
        return best

    seconds(1)  # loads the grammar
    assert seconds(400) < 16 * seconds(100)
