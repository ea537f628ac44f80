"""From the parser's tree of rules to the syntax tree of the formula."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from symbptt.formula.calls import known_functions
from symbptt.formula.loops import each
from symbptt.formula.names import bare
from symbptt.formula.product import NO_BODY, Factor, ProductReader, nothing_to_run_over, quotient
from symbptt.formula.scripts import TOP, Script, attach
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Cases,
    Differential,
    Group,
    Node,
    Number,
    Product,
    Relation,
    Span,
    Sum,
    Symbol,
    Text,
)
from symbptt.formula.unreadable import UnreadableError
from symbptt.formula.words import span_of

#: More digits than this are a mistake (and slow to turn into a number).
_MAX_DIGITS = 60
_MAX_SCRIPTS = 12

Children = list[Any]


def _span(meta: Meta) -> Span:
    return Span(meta.start_pos, meta.end_pos)


def _nodes(children: Sequence[object]) -> list[Node]:
    return [c for c in children if isinstance(c, Node)]


def _tokens(children: Sequence[object], kind: str) -> tuple[str, ...]:
    return tuple(str(c) for c in children if isinstance(c, Token) and c.type == kind)


@v_args(meta=True)
class Builder(Transformer[Token, Node]):
    """One method for each rule of ``grammar.lark``."""

    def __init__(self, functions: Collection[str]) -> None:
        super().__init__(visit_tokens=False)
        self._product = ProductReader(known_functions(functions), functions)

    # ---------------------------------------------------------------- relations, sums, products

    def start(self, meta: Meta, children: Children) -> Node:
        node: Node = children[0]
        return node

    def formula(self, meta: Meta, children: Children) -> Node:
        sides = _nodes(children)
        if len(sides) == 1:
            return sides[0]
        return Relation(tuple(sides), _tokens(children, "RELATION"), span=_span(meta))

    def sum(self, meta: Meta, children: Children) -> Node:
        terms: list[Node] = []
        signs: list[int] = []
        sign = 1
        for c in children:
            if isinstance(c, Token):
                sign = -sign if c == "-" else sign
                continue
            terms.append(c)
            signs.append(sign)
            sign = 1
        if len(terms) == 1 and signs == [1]:
            return terms[0]
        return Sum(tuple(terms), tuple(signs), span=_span(meta))

    def product(self, meta: Meta, children: Children) -> Node:
        factors: list[Factor] = []
        operator = ""
        minus: Span | None = None
        for c in chain.from_iterable(c if isinstance(c, list) else [c] for c in children):
            if isinstance(c, Token):
                if c.type == "OPERATOR":
                    operator = str(c)
                elif c == "-":
                    minus = Span(*span_of(c)) if minus is None else None
                continue
            argument = bool(factors) and self._product.takes_braces(factors[-1].node)
            if isinstance(c, Product) and minus is None and not (argument and operator == ""):
                # braces round a product group nothing that a reader sees
                factors.append(Factor(operator, c.factors[0]))
                pairs = zip(c.operators, c.factors[1:], strict=True)
                factors += [Factor(op, f) for op, f in pairs]
            else:
                factors.append(Factor(operator, c, minus))
            operator, minus = "", None
        return self._product.read(factors)

    def negative(self, meta: Meta, children: Children) -> list[Node | Token]:
        *scripted, body = children
        scripts = [c for c in scripted[1:] if isinstance(c, Script)]
        signs = [c for c in scripted if isinstance(c, Token)]
        if "+" in signs:  # a sum of nothing, and something added to it
            raise nothing_to_run_over(attach(scripted[0], scripts))
        return [attach(scripted[0], scripts), *signs, body]

    def item(self, meta: Meta, children: Children) -> Node:
        atom, scripts = children[0], children[1:]
        if len(scripts) > _MAX_SCRIPTS:
            raise UnreadableError("this carries too many scripts; give it a name", *_pair(meta))
        return attach(atom, scripts)

    # ---------------------------------------------------------------- scripts

    def sub(self, meta: Meta, children: Children) -> Script:
        return Script("sub", self._entries(children[1]), _span(meta))

    def sup(self, meta: Meta, children: Children) -> Script:
        return Script("sup", self._entries(children[1]), _span(meta))

    def prime(self, meta: Meta, children: Children) -> Script:
        return Script("prime", (), _span(meta), 2 if children[0] == "″" else 1)

    def dot_t(self, meta: Meta, children: Children) -> Script:
        return Script("transpose", (), _span(meta))

    def index(self, meta: Meta, children: Children) -> Script:
        return Script("index", tuple(_nodes(children)), _span(meta))

    def script_list(self, meta: Meta, children: Children) -> list[Node]:
        return _nodes(children)

    def mark(self, meta: Meta, children: Children) -> Node:
        marks = "".join("''" if c == "″" else "'" if c.type == "PRIME" else c for c in children)
        return Text(marks, span=_span(meta))

    @staticmethod
    def _entries(argument: Node | list[Node]) -> tuple[Node, ...]:
        return tuple(argument) if isinstance(argument, list) else (argument,)

    # ---------------------------------------------------------------- atoms

    def name(self, meta: Meta, children: Children) -> Node:
        base, accents = bare(str(children[0]))
        return Symbol(base, accents, span=_span(meta))

    def number(self, meta: Meta, children: Children) -> Node:
        digits = unicodedata.normalize("NFKC", children[0]).replace("⁄", "/")
        if len(digits) > _MAX_DIGITS:
            raise UnreadableError("this number is too long; give it a name", *_pair(meta))
        return Number(Fraction(digits), span=_span(meta))

    def text(self, meta: Meta, children: Children) -> Node:
        return Text(str(children[0]), span=_span(meta))

    def top(self, meta: Meta, children: Children) -> Node:
        return replace(TOP, span=_span(meta))

    def big(self, meta: Meta, children: Children) -> Node:
        return BigOperator(str(children[0]), NO_BODY, span=_span(meta))

    def partial(self, meta: Meta, children: Children) -> Node:
        return Differential("∂", None, span=_span(meta))

    def nabla(self, meta: Meta, children: Children) -> Node:
        return Differential("∇", None, span=_span(meta))

    def group(self, meta: Meta, children: Children) -> Node:
        separators = _tokens(children, "SEPARATOR")
        return Group(str(children[0]), tuple(_nodes(children)), separators, span=_span(meta))

    def brace(self, meta: Meta, children: Children) -> Node:
        nodes = _nodes(children)
        if len(nodes) == 2:  # {a \over b}
            return quotient(nodes[0], nodes[1], "frac", _span(meta))
        return replace(nodes[0], span=_span(meta))

    def braced(self, meta: Meta, children: Children) -> Node:
        return _nodes(children)[0]

    def fraction(self, meta: Meta, children: Children) -> Node:
        a, b = _nodes(children)
        return quotient(a, b, "frac", _span(meta))

    def root(self, meta: Meta, children: Children) -> Node:
        (inner,) = _nodes(children)
        arguments = inner.items if isinstance(inner, Group) and inner.opening == "(" else (inner,)
        name = Symbol("sqrt", span=Span(*span_of(children[0])))
        return Call(name, arguments, span=_span(meta))

    def accented(self, meta: Meta, children: Children) -> Node:
        (inner,) = _nodes(children)
        if isinstance(inner, Number) and children[0] == "vec":
            return replace(inner, span=_span(meta))  # the zero vector
        if not isinstance(inner, Symbol):
            raise UnreadableError(
                f"the accent '{children[0]}' stands over something that is no name; "
                "put it over a name",
                *_pair(meta),
            )
        accents = (*inner.accents, str(children[0]))
        return replace(inner, accents=accents, span=_span(meta))

    def styled(self, meta: Meta, children: Children) -> Node:
        return replace(_nodes(children)[0], span=_span(meta))

    def underbraced(self, meta: Meta, children: Children) -> Node:
        return replace(_nodes(children)[0], span=_span(meta))

    # ---------------------------------------------------------------- sums in words, cases

    def counted(self, meta: Meta, children: Children) -> Node:
        index, lower, upper = _nodes(children)
        return BigOperator(str(children[0]), NO_BODY, index, lower, upper, span=_span(meta))

    def each(self, meta: Meta, children: Children) -> Node:
        body, over = _nodes(children)
        return each(body, over, _span(meta))

    def bound(self, meta: Meta, children: Children) -> Node:
        node: Node = children[0]
        for i, c in enumerate(children):
            if isinstance(c, Script):
                node = attach(node, [c])
            elif isinstance(c, Token):
                signs = (1, 1 if c == "+" else -1)
                return Sum((node, children[i + 1]), signs, span=_span(meta))
        return node

    def cases(self, meta: Meta, children: Children) -> Node:
        rows = [c for c in children if isinstance(c, list)]
        values = tuple(row[0] for row in rows)
        conditions = tuple(row[1] if len(row) > 1 else None for row in rows)
        return Cases(values, conditions, span=_span(meta))

    def row(self, meta: Meta, children: Children) -> list[Node]:
        return _nodes(children)


def _pair(meta: Meta) -> tuple[int, int]:
    return meta.start_pos, meta.end_pos
