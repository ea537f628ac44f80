r"""The inside of a product: which factors are calls, quotients, differentials, bodies of sums.

A product comes as a flat row of factors and is read from right to left, because whatever
takes something (``\log``, ``\partial``, ``\sum_t``) takes it from its right.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from symbptt.formula.calls import IsFunction, apply, joint, known_word
from symbptt.formula.lexicon import FUNCTIONS, GREEK
from symbptt.formula.names import spelling
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
    Span,
    Sum,
    Symbol,
    Text,
)
from symbptt.formula.unreadable import UnreadableError

#: Stands in a big operator until its body is read.
NO_BODY = Text("no body")

_DELTA = Symbol("delta")
_D = Symbol("d")
_GREEK_NAMES = frozenset(GREEK.values())


@dataclass(frozen=True)
class Factor:
    """A factor with what stands in front of it: an operator and perhaps a minus, at ``minus``."""

    operator: str
    node: Node
    minus: Span | None = None


def nothing_to_run_over(node: Node) -> UnreadableError:
    """The error for a big operator without a body."""
    what = "product" if isinstance(node, BigOperator) and node.kind == "prod" else "sum"
    message = f"this {what} has nothing to run over; write its terms after it"
    return UnreadableError(message, node.span.start, node.span.end)


@dataclass(frozen=True)
class ProductReader:
    """Reads products, given which names are functions."""

    is_function: IsFunction
    functions: Collection[str]

    def read(self, factors: Sequence[Factor]) -> Node:
        """The node of a row of factors; the operator of the first is empty."""
        done: list[Factor] = []  # from right to left
        for before, f in reversed([*zip((None, *factors), factors, strict=False)]):
            f = replace(f, node=self._taking(f.node, done))
            if before is None or not _wants_body(before.node):
                f = replace(f, node=_signed(f.node, f.minus), minus=None)
            done.append(f)
        return product(done[::-1])

    def _taking(self, node: Node, done: list[Factor]) -> Node:
        """A factor with what it takes from the factors to its right."""
        if _wants_body(node):
            if not done or done[-1].operator != "":
                raise nothing_to_run_over(node)
            body = _signed(product(done[::-1]), done[-1].minus)  # -a b is -(a b), in a sum too
            done.clear()
            return with_body(node, body)
        if not done or done[-1].operator != "":
            return node
        right = done[-1].node
        if isinstance(node, Differential) and node.operand is None:
            right = _touching(done)
            return replace(node, operand=right, span=joint(node, right))
        call = apply(node, right, self.is_function)
        if call is not None:
            done.pop()
            return call
        if self._applies_without_bracket(node):
            return _applied(node, _touching(done))
        return node

    def _applies_without_bracket(self, node: Node) -> bool:
        name = node.base if isinstance(node, Power) else node
        if not isinstance(name, Symbol):
            return False
        if spelling(name) in self.functions:
            return len(name.base) > 1
        return known_word(name) is not None

    def takes_braces(self, node: Node) -> bool:
        r"""Whether braces after ``node`` are its argument: ``\exp{a b}``, ``\partial{h_t}``."""
        return self._applies_without_bracket(node) or isinstance(node, Differential)


def _wants_body(node: Node) -> TypeGuard[BigOperator]:
    return isinstance(node, BigOperator) and innermost_body(node) is NO_BODY


def _signed(node: Node, minus: Span | None) -> Node:
    """What stands behind a minus, with it."""
    return node if minus is None else Sum((node,), (-1,), span=Span(minus.start, node.span.end))


def _touching(done: list[Factor]) -> Node:
    r"""Take the next factor, with the bracket that touches it: ``\partial L(\theta)``."""
    right = done.pop().node
    if done and done[-1].operator == "" and isinstance(right, Symbol):
        after = done[-1].node
        if isinstance(after, Group) and after.span.start == right.span.end:
            done.pop()
            return Product((right, after), ("",), span=joint(right, after))
    return right


def _applied(node: Node, argument: Node) -> Node:
    span = joint(node, argument)
    if isinstance(node, Power):
        return Power(_applied(node.base, argument), node.exponent, span=span)
    assert isinstance(node, Symbol)
    return Call(known_word(node) or node, (argument,), span=span)


def innermost_body(node: BigOperator) -> Node:
    """The body of nested big operators: ``\\sum_{t,k}`` is one in another."""
    body = node.body
    while isinstance(body, BigOperator):
        body = body.body
    return body


def with_body(node: BigOperator, body: Node) -> BigOperator:
    """A head with its body; a head for several indices is a chain of heads."""
    chain = [node]
    while isinstance(chain[-1].body, BigOperator):
        chain.append(chain[-1].body)
    result = body
    for head in reversed(chain):
        result = replace(head, body=result, span=joint(head, body))
    assert isinstance(result, BigOperator)
    return result


def product(factors: Sequence[Factor]) -> Node:
    """A product with its ``/`` resolved: each takes the factor before and the factor after it."""
    row: list[Factor] = []
    i = 0
    while i < len(factors):
        f = factors[i]
        i += 1
        if f.operator != "/" or not row:
            row.append(f)
            continue
        before = row.pop()
        left, right = before.node, f.node
        if _is_d(right) and i < len(factors) and factors[i].operator == "":
            right = Product((right, factors[i].node), ("",), span=joint(right, factors[i].node))
            i += 1
        if row and _is_d(row[-1].node) and before.operator == "" and _d_word(right, _D):
            before = row.pop()
            left = Product((before.node, left), ("",), span=joint(before.node, left))
        row.append(Factor(before.operator, quotient(left, right, "/", joint(left, right))))
    if len(row) == 1:
        return row[0].node
    return Product(
        tuple(f.node for f in row),
        tuple(f.operator for f in row[1:]),
        span=joint(row[0].node, row[-1].node),
    )


# -------------------------------------------------------------------- quotients


def quotient(numerator: Node, denominator: Node, style: str, span: Span) -> Quotient:
    """A quotient; where both halves say so, of differentials."""
    a, b = _gathered(numerator), _gathered(denominator)
    for letter, sign in ((_D, "d"), (_DELTA, "δ")):
        if letter == _DELTA and style == "/":
            continue
        da, db = _differential(a, letter, sign), _differential(b, letter, sign)
        if da is not None and db is not None and not _is_lone(db):
            if da is not a or db is not b:
                a, b = da, db
            break
    return Quotient(a, b, style, span=span)


def _is_lone(node: Node) -> bool:
    return isinstance(node, Differential) and node.operand is None


def _gathered(node: Node) -> Node:
    """``∂h_j (t)`` over a fraction bar: the differential is of all that follows it."""
    if not isinstance(node, Product) or any(op != "" for op in node.operators):
        return node
    groups: list[list[Node]] = []
    for factor in node.factors:
        if isinstance(factor, Differential) or not groups:
            groups.append([factor])
        else:
            groups[-1].append(factor)
    if not isinstance(groups[0][0], Differential):
        return node
    nodes = [_of_all(group) for group in groups]
    if len(nodes) == 1:
        return nodes[0]
    return replace(node, factors=tuple(nodes), operators=("",) * (len(nodes) - 1))


def _of_all(group: list[Node]) -> Node:
    head = group[0]
    if len(group) == 1 or not isinstance(head, Differential) or head.operand is None:
        return head
    operand = juxtaposed([head.operand, *group[1:]])
    return replace(head, operand=operand, span=joint(head, group[-1]))


def juxtaposed(nodes: Sequence[Node]) -> Node:
    """Nodes side by side; a product among them is taken apart, to stay flat."""
    flat: list[Node] = []
    for node in nodes:
        plain = isinstance(node, Product) and not any(node.operators)
        flat += node.factors if plain and isinstance(node, Product) else [node]
    if len(flat) == 1:
        return flat[0]
    return Product(tuple(flat), ("",) * (len(flat) - 1), span=joint(flat[0], flat[-1]))


def _is_d(node: Node) -> bool:
    return isinstance(node, Symbol) and node == _D


def _d_word(node: Node, letter: Symbol) -> bool:
    """``dL``, ``dW_hh``: a name that begins with d and goes on."""
    return (
        letter == _D
        and isinstance(node, Symbol)
        and len(node.base) > 1
        and node.base[0] == "d"
        and node.base[1].isalpha()
        and node.base not in _GREEK_NAMES
        and node.base not in FUNCTIONS
        and not node.accents
    ) or (isinstance(node, Product) and _is_d(node.factors[0]))


def _differential(node: Node, letter: Symbol, sign: str) -> Node | None:
    """A half of a fraction as a differential with this letter, or None."""
    match node:
        case Differential():
            return node
        case Symbol() if node == letter:
            return Differential(sign, None, span=node.span)
        case Symbol(superscripts=(Text("+"),)) if replace(node, superscripts=()) == letter:
            return Differential(f"{sign}⁺", None, span=node.span)  # δ⁺h
        case Symbol() if _d_word(node, letter):
            # dL: the letter is the first character of the name
            inner = replace(node, base=node.base[1:], span=_after_letter(node))
            return Differential(sign, inner, span=node.span)
        case Power(base=base, exponent=Number(value=k)) if base == letter and k.denominator == 1:
            return Differential(sign, None, int(k), span=node.span)
        case Power(base=Symbol() as base) if base != letter:
            done = _differential(base, letter, sign)
            if isinstance(done, Differential) and done.operand is not None:
                squared = replace(node, base=done.operand, span=_after_letter(node))
                return Differential(sign, squared, span=node.span)
        case Call(function=function) if _d_word(function, letter):
            done = _differential(function, letter, sign)
            assert isinstance(done, Differential)
            assert isinstance(done.operand, Symbol)
            call = replace(node, function=done.operand, span=_after_letter(node))
            return Differential(sign, call, span=node.span)
        case Product(factors=(head, *rest), operators=operators) if not any(operators):
            first = _differential(head, letter, sign)
            if not isinstance(first, Differential) or head is first:
                return None
            parts = rest if first.operand is None else [first.operand, *rest]
            return replace(first, operand=juxtaposed(parts), span=node.span)
    return None


def _after_letter(node: Node) -> Span:
    return replace(node.span, start=node.span.start + 1)
