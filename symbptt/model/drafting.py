"""Sums, products and powers of drafts: expressions whose dimensions are still unknowns.

A product sign does not say what it multiplies: ``a b`` is a matrix product unless one side is
a scalar.  Products stay pending until a scalar is found on one side, and are matrix products
(or entrywise ones, by their sign) otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from symbptt.errors import ModelError
from symbptt.formula.tree import Node
from symbptt.model import terms as tm
from symbptt.model.draft import Draft, Source
from symbptt.model.shapes import Dimensions, Sum, Why

#: The rule behind what stacks and parts say of shapes.
ONLY_VECTORS = "only vectors are stacked and split"


def no_vector(why: Why) -> ModelError:
    """The error for a matrix where a vector is stacked or split."""
    return ModelError(
        f"{ONLY_VECTORS}, and {why} has a matrix in it; stack or split what it multiplies",
        why.place,
    )


@dataclass(kw_only=True)
class Drafting:
    """Drafts over one pool of dimensions, of formulas that stand in one text at a time."""

    dims: Dimensions = field(default_factory=Dimensions)
    pending: list[Draft] = field(default_factory=list)
    source: Source = field(default_factory=lambda: Source(""))
    rows: bool = False  # whether vectors are rows
    taken: list[tuple[Draft, Draft]] = field(default_factory=list)  # products, and what of them
    # was taken to be a scalar although nothing else says so

    def error(self, node: Node, message: str) -> ModelError:
        """The error at a node's place."""
        return ModelError(message, self.source.place(node.span))

    def new(
        self,
        kind: type[tm.Term] | None,
        node: Node,
        rows: int,
        cols: int,
        *children: Draft,
        data: tuple[object, ...] = (),
    ) -> Draft:
        return Draft(kind, self.source.place(node.span), node.span, rows, cols, children, data)

    def one(self) -> int:
        return self.dims.constant(1)

    def constant(self, value: Fraction, node: Node) -> Draft:
        return self.new(tm.Constant, node, self.one(), self.one(), data=(value,))

    def scalar(self, kind: type[tm.Term], node: Node, *children: Draft) -> Draft:
        return self.new(kind, node, self.one(), self.one(), *children)

    def sum(self, terms: list[Draft], signs: Iterable[int], node: Node) -> Draft:
        """The sum of drafts; a bare number, or a scalar beside a vector, is every entry's."""
        signed = list(zip(terms, signs, strict=True))
        if all(term.number is not None for term in terms):
            numbers = (s * (x.number or Fraction(0)) for x, s in signed)
            return self.constant(sum(numbers, Fraction(0)), node)
        named = [term for term in terms if term.number is None]
        shaped = next((term for term in named if not self.is_scalar(term)), named[0])
        for i, term in enumerate(terms):
            if term.number is not None:  # a bare number fills the shape of the sum
                term.rows, term.cols = shaped.rows, shaped.cols
            elif self.is_scalar(term) and not self.is_scalar(shaped):
                terms[i] = self._spread(term, shaped, node)
            elif term is not shaped:
                self.same_shape(shaped, term, Why(self.source.place(node.span)))
        signed = list(zip(terms, signs, strict=True))
        if len(terms) == 1 and signed[0][1] > 0:
            return terms[0]
        children = tuple(x if s > 0 else self.negative(x, node) for x, s in signed)
        if len(children) == 1:
            return children[0]
        return self.new(tm.Plus, node, shaped.rows, shaped.cols, *children)

    def _spread(self, scalar: Draft, like: Draft, node: Node) -> Draft:
        """A scalar added to a vector is added to every entry: it multiplies a vector of ones."""
        ones = self.new(tm.Constant, node, like.rows, like.cols, data=(Fraction(1),))
        return self.new(tm.Scaled, node, like.rows, like.cols, scalar, ones)

    def negative(self, term: Draft, node: Node) -> Draft:
        if term.number is not None:
            return self.new(tm.Constant, node, term.rows, term.cols, data=(-term.number,))
        minus = self.constant(Fraction(-1), node)
        return Draft(tm.Scaled, term.place, term.span, term.rows, term.cols, (minus, term))

    def same_shape(self, a: Draft, b: Draft, why: Why) -> None:
        self.dims.unify(a.rows, b.rows, why)
        self.dims.unify(a.cols, b.cols, why)

    def times(self, a: Draft, b: Draft, node: Node, *, entrywise: bool) -> Draft:
        if a.number is not None and b.number is not None:
            return self.constant(a.number * b.number, node)
        product = self.new(None, node, self.dims.fresh(), self.dims.fresh(), a, b)
        product.data = (entrywise,)
        if not self._scaling(product):
            self.pending.append(product)
        return product

    def raised(self, base: Draft, exponent: Fraction, node: Node) -> Draft:
        if base.number is not None and exponent.denominator == 1:
            if not base.number and exponent < 0:
                raise self.error(node, "division by zero")
            return self.constant(base.number**exponent.numerator, node)
        return self.new(tm.Raised, node, base.rows, base.cols, base, data=(exponent,))

    def transposed(self, operand: Draft, node: Node) -> Draft:
        if operand.number is not None:
            return operand
        return self.new(tm.Transposed, node, operand.cols, operand.rows, operand)

    def mean(self, operand: Draft, node: Node) -> Draft:
        """The mean of all entries: their sum over the number of rows and of columns."""
        total = self.scalar(tm.Total, node, operand)
        for dim in (operand.rows, operand.cols):
            if self.dims.value(dim) == 1:
                continue
            size = self.new(tm.Extent, node, self.one(), self.one(), data=(dim,))
            total = self.scalar(tm.Scaled, node, self.raised(size, Fraction(-1), node), total)
        return total

    def stack(self, parts: list[Draft], node: Node) -> Draft:
        """``[a; b; …]``: columns on top of one another; rows, side by side."""
        if len(parts) == 1:
            return parts[0]
        why = Why(self.source.place(node.span), ONLY_VECTORS)
        along, across = self._axis(parts)
        for part in parts:
            self._is_vector(part, across, why)
        dims = {along: self.dims.fresh(), across: getattr(parts[0], across)}
        sizes = tuple((1, getattr(part, along)) for part in parts)
        self.dims.sums.append(Sum(dims[along], sizes, why))
        return self.new(tm.Stack, node, dims["rows"], dims["cols"], *parts)

    def part(self, whole: Draft, numbers: list[Draft], node: Node) -> Draft:
        """The i-th of c equal parts of a vector."""
        i, c = (draft.number for draft in numbers)
        if i is None or c is None or i.denominator * c.denominator > 1 or not 1 <= i <= c:
            raise self.error(
                node, "part(z, i, c) is the i-th of c equal parts, with whole numbers 1 ≤ i ≤ c"
            )
        why = Why(self.source.place(node.span), ONLY_VECTORS)
        along, across = self._axis([whole])
        self._is_vector(whole, across, why)
        if c == 1:
            return whole
        dims = {along: self.dims.fresh(), across: getattr(whole, across)}
        self.dims.sums.append(Sum(getattr(whole, along), ((int(c), dims[along]),), why))
        data = (int(i), int(c))
        return self.new(tm.Part, node, dims["rows"], dims["cols"], whole, data=data)

    def _axis(self, parts: list[Draft]) -> tuple[str, str]:
        """Along which axis vectors lie, and across it: as they say, or else as the model does."""

        def thin(axis: str) -> bool:
            known = [self.dims.value(getattr(part, axis)) == 1 for part in parts]
            return all(known) and not all(map(self.is_scalar, parts))

        lying = thin("rows") if thin("rows") is not thin("cols") else self.rows
        return ("cols", "rows") if lying else ("rows", "cols")

    def _is_vector(self, draft: Draft, across: str, why: Why) -> None:
        width = getattr(draft, across)
        if self.dims.value(width) not in (None, 1):
            raise no_vector(why)
        self.dims.unify(width, self.one(), why)

    def is_scalar(self, draft: Draft) -> bool:
        """Whether the shape is already known to be 1×1."""
        return self.dims.value(draft.rows) == 1 and self.dims.value(draft.cols) == 1

    def _scaling(self, product: Draft) -> bool:
        """Decide a product of which one side is known to be a scalar."""
        a, b = product.children
        if self.is_scalar(b) and not self.is_scalar(a):
            a, b = b, a
        elif not self.is_scalar(a):
            return False
        product.kind, product.children, product.data = tm.Scaled, (a, b), ()
        self.same_shape(product, b, Why(product.place))
        return True

    def settle(self) -> None:
        """Decide every pending product, those that a scalar decides first."""
        while self.pending:
            waiting = [p for p in self.pending if not self._scaling(p)]
            if len(waiting) == len(self.pending):
                telling = (
                    i for i, p in enumerate(waiting) if any(map(self._adds_a_number, p.children))
                )
                self._by_sign(waiting.pop(next(telling, 0)))
            self.pending = waiting

    def _by_sign(self, product: Draft) -> None:
        a, b = product.children
        why = Why(product.place)
        if not product.data[0] and (self._adds_a_number(a) or self._adds_a_number(b)):
            # (1 - a) b is no product of matrices: where a number is added, a is a scalar
            scalar, other = (a, b) if self._adds_a_number(a) else (b, a)
            self.taken.append((product, scalar))
            for dim in (scalar.rows, scalar.cols):
                self.dims.unify(dim, self.one(), why)
            product.kind, product.children = tm.Scaled, (scalar, other)
            self.same_shape(product, other, why)
        elif product.data[0]:
            product.kind = tm.Odot
            self.same_shape(a, b, why)
            self.same_shape(product, a, why)
        else:
            product.kind = tm.Matmul
            self.dims.unify(a.cols, b.rows, why)
            self.dims.unify(product.rows, a.rows, why)
            self.dims.unify(product.cols, b.cols, why)
        product.data = ()

    def _adds_a_number(self, draft: Draft) -> bool:
        """Whether a draft is a sum with a bare number in it, ``1 - a``, and may be a scalar."""
        numbers = any(term.number is not None for term in draft.children)
        sizes = (self.dims.value(dim) for dim in (draft.rows, draft.cols))
        return draft.kind is tm.Plus and numbers and all(size in (None, 1) for size in sizes)
