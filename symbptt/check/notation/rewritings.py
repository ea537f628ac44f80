"""What people write in odd ways, and how a tree gets the ordinary one: a table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from symbptt.check.notation.bracketed import at_step
from symbptt.check.notation.counting import from_one
from symbptt.check.notation.diagonals import as_diagonal
from symbptt.check.notation.examples import of_one_example
from symbptt.check.notation.exponentials import named_activation
from symbptt.check.notation.factors import with_pairs
from symbptt.check.notation.labelled import labelled_activation
from symbptt.check.notation.letters import as_loss, renamed
from symbptt.check.notation.scripts import is_step, is_time, scripts, unbracketed
from symbptt.check.notation.symbols import LOSSES
from symbptt.check.notation.units import unnested, with_units
from symbptt.formula.tree import (
    Call,
    Differential,
    Group,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Relation,
    Span,
    Subscripted,
    Sum,
    Symbol,
    Text,
    Transpose,
)

if TYPE_CHECKING:
    from symbptt.check.notation.normal import Notation

#: A name that ends in a number, or in the letter of time.
NUMBERED = re.compile(r"([A-Za-z]+?)_?(\d+)")
_TIMED = re.compile(r"([A-Za-z]+?)t")


def _unglued(node: Node, timed: frozenset[str]) -> Node:
    """``z_{rt}`` as z_r at t, where the document has ``r_t``."""
    if not isinstance(node, Symbol) or not node.base[0].islower():
        return node
    scripts: list[Node] = []
    for part in node.subscripts:
        match part:
            case Symbol(name) if part == Symbol(name) and name[-1] == "t" and name[:-1] in timed:
                scripts += [Text(name[:-1], span=part.span), Symbol("t", span=part.span)]
            case Product((Symbol(name) as front, Symbol("t") as t), ("",)) if name in timed:
                scripts += [front, t]
            case _:
                scripts.append(_unglued(part, timed))
    return replace(node, subscripts=tuple(scripts))


def _expectations(node: Node) -> Node:
    """``E[x_t]``, ``E_p[L]``: what something is on average, and no product with the loss."""

    def join(a: Node, b: Node) -> Node | None:
        match a, b:
            case Symbol("E", accents=(), indices=(), primes=0) as name, Group("[" | "{", (_,)):
                if not any(map(is_time, scripts(name))):
                    span = Span(name.span.start, b.span.end)
                    return Call(Symbol("expectation", span=name.span), b.items, span=span)
        return None

    return with_pairs(node, join)


def _joined(node: Node, joined: frozenset[str]) -> Node:
    """``d a_t`` as one name, where a document defines it."""
    return with_pairs(node, lambda d, f: _prefixed(d, f, joined)) if joined else node


def _prefixed(d: Node, f: Node, joined: frozenset[str]) -> Symbol | None:
    if not (isinstance(d, Symbol) and isinstance(f, Symbol) and f.base in joined):
        return None
    if d.base not in ("d", "delta", "Delta") or d != Symbol(d.base):
        return None
    return replace(f, base=f"{d.base}_{f.base}", span=Span(d.span.start, f.span.end))


def _fused(node: Node, steps: frozenset[str]) -> Node:
    match node:
        case Symbol(base) if node.is_bare:
            numbered = NUMBERED.fullmatch(base)
            if numbered is not None and numbered[1] in steps:
                at = Number(Fraction(int(numbered[2])), span=node.span)
                return Symbol(numbered[1], subscripts=(at,), span=node.span)
            timed = _TIMED.fullmatch(base)
            if timed is not None and timed[1] in steps:
                return Symbol(timed[1], subscripts=(Symbol("t"),), span=node.span)
        case Sum((Symbol(base, subscripts=(Symbol("t"),)) as first, Number() as n), (1, s)) if (
            base in steps
        ):  # ht-1
            shifted = Sum((Symbol("t"), n), (1, s))
            return replace(first, subscripts=(shifted,), span=node.span)
    return node


def _worded(node: Node) -> Node:
    """``O_{\\text{Cc}(t)}``: a word and a step in one script are two."""
    match node:
        case Symbol(subscripts=(Product((Text() | Symbol() as word, Group("(", (at,))), ("",)),)):
            if isinstance(word, Text) or len(word.base) > 1:
                return replace(node, subscripts=(word, at))
    return node


def beside_time(node: Node, names: frozenset[str]) -> Node:
    """``ht`` in TeX as h at t, where a document leaves out the underscores."""

    def join(a: Node, b: Node) -> Node | None:
        if b == Symbol("t") and isinstance(a, Symbol) and a == Symbol(a.base) and a.base in names:
            return replace(a, subscripts=(b,), span=Span(a.span.start, b.span.end))
        return None

    return with_pairs(node, join)


def _pairs(node: Node) -> Node:
    """``W[i,j]``: an entry of a matrix, and no product with what stacks i and j."""

    def join(a: Node, b: Node) -> Node | None:
        match a, b:
            case Symbol(indices=()) as name, Group("[", (Symbol(i) as row, Symbol(j) as column)):
                if (row, column) == (Symbol(i), Symbol(j)) and {i, j} <= set("ijklmn"):
                    span = Span(name.span.start, b.span.end)
                    return replace(name, indices=(row, column), span=span)
        return None

    return with_pairs(node, join)


def _stack(node: Node, named: bool) -> Node:
    """``concat`` as a name, which has the step t, and no function."""
    match node:
        case Symbol("concat") if named:
            timed = any(map(is_time, scripts(node)))
            below = node.subscripts if timed else (*node.subscripts, Symbol("t"))
            return replace(node, base="Concat", subscripts=below)
        case Call(Symbol("Concat") as name, arguments):  # concat(h, x)
            return replace(node, function=Symbol("concat", span=name.span), arguments=arguments)
    return node


def _at_a_step(node: Node) -> Node:
    """``e^{(t)}`` as e at step t, which is no power of Euler's number."""
    match node:
        case Power(Symbol() as e, Group("(" | "⟨", (step,))) if e == Symbol("e") and is_time(step):
            return replace(e, superscripts=(step,), span=node.span)
    return node


def _bold(node: Node) -> Node:
    """``\\boldsymbol{W h}^{(t)}``: names in one command, of which the last has the step."""
    match node:
        case Subscripted(Text(words), (part,)):
            names = words.split()
            if len(names) > 1 and all(len(name) == 1 and name.isalpha() for name in names):
                *front, last = (Symbol(name, span=node.span) for name in names)
                last = replace(last, superscripts=(part,))
                return Product((*front, last), ("",) * len(front), span=node.span)
    return node


def _ends(node: Node, above: frozenset[str]) -> Node:
    """``h^T`` where the steps of h stand above it: h at the last step, not its transpose; ``h^0``
    is no power."""
    match node:
        case Power(Symbol(base, superscripts=()) as name, Number(value) as at) if (
            base in above and value in (0, 1)
        ):
            return replace(name, superscripts=(at,), span=node.span)
        case Transpose(Symbol(base, superscripts=()) as name) if base in above:
            return replace(name, superscripts=(Symbol("T"),), span=node.span)
    return node


def _unstarred(node: Node, stars: bool) -> Node:
    """``W * h`` as the matrix product, in a text that has ``.*`` too."""
    if stars and isinstance(node, Product) and "*" in node.operators:
        return replace(node, operators=tuple("" if s == "*" else s for s in node.operators))
    return node


def _copies(node: Node) -> Node:
    """``dL/dW (t = 2)`` as the derivative by the copy of W that step 2 uses."""
    match node:
        case Product((*front, Quotient(_, Differential(operand=Symbol() as by)) as q, last), signs):
            at = _step_said(last)
            if at is not None and signs[-1] == "":
                copy = replace(by, superscripts=(*by.superscripts, at))
                assert isinstance(q.denominator, Differential)
                q = replace(q, denominator=replace(q.denominator, operand=copy), span=node.span)
                if not front:
                    return q
                return replace(node, factors=(*front, q), operators=signs[:-1])
    return node


def _bare_numerator(node: Node) -> Node:
    """``a · h1/dW``: a d is missing in front of h1, which is what is differentiated."""
    match node:
        case Quotient(Product((*front, Symbol() as of), signs), Differential(sign)) if front:
            whole = replace(node, numerator=Differential(sign, of), span=of.span)
            return Product((*front, whole), signs, span=node.span)
    return node


def _numbered_signal(node: Node) -> Node:
    """``δ_2^3`` as a symbol with two scripts: an error signal is never cubed."""
    match node:
        case Power(Symbol("delta", superscripts=()) as name, Number(q) as at) if (
            name.subscripts and q.denominator == 1 and q > 0
        ):
            return replace(name, superscripts=(at,), span=node.span)
    return node


def _numbered_errors(node: Node, numbered: bool) -> Node:
    """``δ 3``, and ``δ_3`` where numbers alone tell the δ of a document apart, as names."""
    match node:
        case Product(factors, operators):
            for i, (a, sign, b) in enumerate(zip(factors, operators, factors[1:], strict=False)):
                if a == Symbol("delta") and isinstance(b, Number) and not sign:
                    span = Span(a.span.start, b.span.end)
                    name = Symbol(f"delta{b.value}", span=span)
                    rest = (*factors[:i], name, *factors[i + 2 :])
                    signs = (*operators[:i], *operators[i + 1 :])
                    if len(rest) == 1:
                        return name
                    return _numbered_errors(replace(node, factors=rest, operators=signs), numbered)
        case Symbol("delta", subscripts=(Number(value),)) if numbered:
            return replace(node, base=f"delta{value}", subscripts=())
    return node


def _counted(node: Node, counted: frozenset[str]) -> Node:
    """``z_t^2`` as a name with two scripts, where the document has ``z_t^1`` too."""
    match node:
        case Power(Symbol(base, superscripts=()) as name, Number() as at) if (
            base in counted and name.subscripts
        ):
            return replace(name, superscripts=(at,), span=node.span)
    return node


def _step_said(node: Node) -> Node | None:
    match node:
        case Group("(" | "[", (Relation((Symbol("t" | "T"), at), ("=",)),)):
            return at
        case Group("(", (Text(), Relation((Symbol("t" | "T"), at), ("=",)))):
            return at
    return None


def _loss_names(node: Node) -> Node:
    """``E(y, ŷ)``, ``L(θ)``: the loss, whose arguments the model knows."""
    match node:
        case Product((Symbol(base) as name, Group("(", items)), ("",)) if (
            base in LOSSES and base not in ("l", "C") and not name.primes and items
        ):
            return Call(name, items, span=node.span)
    return node


def _differentiated(node: Node) -> Node:
    """``\\frac{d}{dz} \\tanh(z)``: what stands behind is what is differentiated."""
    match node:
        case Product(factors, signs):
            for i, (f, sign) in enumerate(zip(factors, signs, strict=False)):
                match f:
                    case Quotient(Differential(operand=None) as d, Differential()) if sign == "":
                        rest = factors[i + 1 :]
                        body: Node = rest[0]
                        if len(rest) > 1:
                            body = Product(rest, signs[i + 1 :], span=rest[0].span)
                        whole = replace(f, numerator=replace(d, operand=body))
                        if not i:
                            return whole
                        return replace(node, factors=(*factors[:i], whole), operators=signs[:i])
    return node


def entry_at_step(node: Node) -> Node:
    """``h(t)_i``: the entry i of ``h(t)``, as ``h_i(t)`` is."""

    def join(a: Node, b: Node) -> Node | None:
        match a, b:
            case Symbol(subscripts=(), indices=()), Subscripted(Group("(", (at,)), (_,) as entry):
                if any(x == Symbol("t") for x in at.walk()):
                    span = Span(a.span.start, b.span.end)
                    return replace(a, subscripts=entry, indices=(at,), span=span)
            case _, Power(base):
                inside = join(a, base)
                return inside and replace(b, base=inside)
        return None

    return with_pairs(node, join)


def _immediate(node: Node) -> Node:
    r"""``\frac{\partial z_k^+}{\partial W}``: the derivative along no other step, ``∂⁺z_k``.

    Without a step, ``h^+`` is the next state.
    """
    match node:
        case Quotient(Differential("∂", Symbol(superscripts=(*above, Text("+"))) as z) as d) if any(
            map(is_step, (*z.subscripts, *above))
        ):
            plain = replace(z, superscripts=tuple(above))
            return replace(node, numerator=replace(d, sign="∂⁺", operand=plain))
    return node


def _power_of_norm(node: Node) -> Node:
    """``‖W‖^T``, which is a number, to the power of T."""
    match node:
        case Transpose(norm):
            inside = unbracketed(norm)
            base = inside.operand if isinstance(inside, Subscripted) else inside
            if isinstance(base, Group) and base.opening in ("‖", "|"):
                return Power(norm, Symbol("T"))
    return node


def _step_length(node: Node) -> Node:
    """``Δt`` and ``dt`` as one name, the length of a step: t alone is no factor."""

    def join(a: Node, b: Node) -> Node | None:
        if b == Symbol("t") and a in (Symbol("d"), Symbol("Delta")):
            return Symbol("dt", span=Span(a.span.start, b.span.end))
        return None

    return with_pairs(node, join)


def _one_hot(node: Node) -> Node:
    """``1_{y_t}`` and ``onehot(y_t)``, where ``y_t`` is the number of a class, as the vector that
    a target is."""
    match node:
        case Subscripted(Number(value), (Symbol() as y,)) if value == 1:
            return y if any(map(is_time, scripts(y))) else node
        case Product((Symbol(name), Group("(", (Symbol() as y,))), ("",)) | Call(
            Symbol(name), (Symbol() as y,)
        ) if name.lower().replace("_", "") in ("onehot", "onehotencode"):
            return y
    return node


def _likely(node: Node) -> Node:
    """``log p_t[k_t]``, the probability of the right class, as ``k_tᵀ log p_t``; so is ``log p_c``
    in a loss of one output, ``L = -log p_c``."""
    match node:
        case Relation((Symbol(loss) as left, Sum((Call() as log,), (-1,)) as right), ("=",)) if (
            loss in LOSSES
        ):
            told = _by_class(log, lambda y: y.is_bare and y.base not in ("t", "T"))
            return replace(node, sides=(left, replace(right, terms=(told,))))
        case Call():
            return _by_class(node, lambda y: any(map(is_time, scripts(y))))
    return node


def _by_class(log: Call, is_class: Callable[[Symbol], bool]) -> Node:
    match log:
        case Call(
            Symbol("log" | "ln"), (Product((Symbol() as p, Group("[", (Symbol() as y,))), ("",)),)
        ):
            return _weighted(log, y, p) if is_class(y) else log
        case Call(Symbol("log" | "ln"), (Symbol() as p,)):
            found = [x for x in scripts(p) if isinstance(x, Symbol) and is_class(x)]
            if len(found) == 1:
                below, above, behind = (
                    tuple(x for x in parts if x != found[0])
                    for parts in (p.subscripts, p.superscripts, p.indices)
                )
                plain = replace(p, subscripts=below, superscripts=above, indices=behind)
                return _weighted(log, found[0], plain)
    return log


def _weighted(log: Call, y: Symbol, p: Symbol) -> Product:
    """``yᵀ log p``."""
    return Product((Transpose(y), replace(log, arguments=(p,))), ("",), span=log.span)


@dataclass(frozen=True)
class Rewriting:
    """A way in which people write something, and how a tree gets the ordinary one.

    ``written`` is an example of it, ``means`` the same as it is ordinarily written, if it is,
    ``beside`` what else a document has, so that it is read so.
    """

    name: str
    written: str
    means: str
    change: Callable[[Node, Notation], Node]
    beside: tuple[str, ...] = ()


def _always(change: Callable[[Node], Node]) -> Callable[[Node, Notation], Node]:
    """A change whatever the document's notation is."""
    return lambda node, notation: change(node)


#: The ways of writing, in the order in which they are undone.
REWRITINGS: tuple[Rewriting, ...] = (
    Rewriting("step beside a name", r"1 - z t", "1 - z_t",
              lambda n, notation: beside_time(n, notation.beside), ("z t = W x t",)),
    Rewriting("entry behind the step", "h(t)_i", "h_i[t]", _always(entry_at_step)),
    Rewriting("entry that hangs on the step", "y_{t_k}", "y_{t, k}",
              lambda n, notation: unnested(n) if notation.nested else n, ("y_{t_k} = x_{t_k}",)),
    Rewriting("diagonal matrix by its ends", r"\begin{bmatrix} f_1 & 0 & 0 \\ 0 & \ddots & 0"
              r" \\ 0 & 0 & f_n \end{bmatrix}",
              "diag(f)", _always(as_diagonal)),
    Rewriting("unit by its condition", r"\mathbf{1}(i = j) a", "", _always(with_units)),
    Rewriting("e that is no number", "e^{(t)}", "", _always(_at_a_step)),
    Rewriting("star beside products entry by entry", "W * h_t", "W h_t",
              lambda n, notation: _unstarred(n, notation.stars), ("h_t .* h_t",)),
    Rewriting("letter of a loss that is none", "J_t", "",
              lambda n, notation: renamed(n, notation.no_losses),
              (r"J_t = \frac{\partial h_t}{\partial h_{t-1}}",)),
    Rewriting("letter that is the loss here", r"F = \sum_t (h_t - d_t)^2", "",
              lambda n, notation: as_loss(n, notation.own_loss),
              (r"F = \sum_t (h_t - d_t)^2", r"\frac{\partial F}{\partial h_t}")),
    Rewriting("expectation", r"\mathbb{E}[x_t^2]", "", _always(_expectations)),
    Rewriting("step in brackets", "h(t-1)^2", "h[t-1]^2",
              lambda n, notation: at_step(n, notation.bracketed), ("a(t) = W h(t)",)),
    Rewriting("letters of elements", r"b_{h'}", "",
              lambda n, notation: notation.indices.rewritten(n),
              (r"a_h^t = \sum_{h'} w_{h'h} b_{h'}^{t-1}",)),
    Rewriting("derivative of what stands behind", r"\frac{d}{dz} \tanh(z)",
              r"\frac{d \tanh(z)}{dz}", _always(_differentiated)),
    Rewriting("names that a number above tells apart", "z_t^2", "z_t^{(2)}",
              lambda n, notation: _counted(n, notation.counted), ("z_t^1 = x_t",)),
    Rewriting("immediate derivative", r"\frac{\partial z_k^+}{\partial W}",
              r"\frac{\partial^+ z_k}{\partial W}", _always(_immediate)),
    Rewriting("power of a norm", r"\|W\|^T", "", _always(_power_of_norm)),
    Rewriting("missing d", r"\frac{a h_1}{\partial W}", r"a \frac{\partial h_1}{\partial W}",
              _always(_bare_numerator)),
    Rewriting("error signal with two numbers", "δ_2^3", "δ_2^{(3)}", _always(_numbered_signal)),
    Rewriting("errors by numbers", "δ 3 = δ 1 + δ 2", "",
              lambda n, notation: _numbered_errors(n, notation.numbered_errors)),
    Rewriting("entry of a matrix", "W[i, j]", "", _always(_pairs)),
    Rewriting("copy of a parameter", r"\frac{dL}{dW} (t = 2)", r"\frac{dL}{dW^{(2)}}",
              _always(_copies)),
    Rewriting("arguments of the loss", "L(θ)", "", _always(_loss_names)),
    Rewriting("number that ends a name", "ht-1", "h_{t-1}",
              lambda n, notation: _fused(n, notation.numbered), ("h2 = tanh(h1)",)),
    Rewriting("number above that is no power", "h^T + h^0", "h^{(T)} + h^{(0)}",
              lambda n, notation: _ends(n, notation.above), ("h^{t} = h^{t-1}",)),
    Rewriting("word and step in one script", r"O_{\text{Cc}(t)}", r"O_{\text{Cc}, (t)}",
              _always(_worded)),
    Rewriting("names in one command", r"\boldsymbol{W h}^{(t)}", "W h^{(t)}", _always(_bold)),
    Rewriting("length of a step", r"\frac{\Delta t}{\tau} s_t", r"\frac{dt}{\tau} s_t",
              _always(_step_length)),
    Rewriting("class by its number", "p_t - 1_{y_t}", "p_t - y_t", _always(_one_hot)),
    Rewriting("probability of a class", r"-\log p_t[k_t]", r"-k_t^T \log p_t", _always(_likely)),
    Rewriting("sum over a batch", r"\sum_{batch} x_t", "x_t",
              lambda n, notation: of_one_example(n, notation.batches)),
    Rewriting("activation by exponentials", r"\frac{1}{1 + e^{-x}}", "sigmoid(x)",
              _always(named_activation)),
    Rewriting("label of an activation", r"\sigma_h(z)", "",
              lambda n, notation: labelled_activation(n, notation.timed)),
    Rewriting("steps from 0", r"\sum_{t=0}^{T-1} h_t", r"\sum_{t=1}^{T} h_t",
              lambda n, notation: from_one(n) if notation.from_zero else n,
              (r"0 \leq t < T",)),
    Rewriting("name of a stacked vector", "W concat", "W Concat_t",
              lambda n, notation: _stack(n, notation.stacks), ("concat = [h_{t-1}, x_t]",)),
    Rewriting("d in a name", "W d a_t", "",
              lambda n, notation: _joined(n, notation.joined), ("d a_t = a_t",)),
    Rewriting("word and step without a comma", "z_{rt}", "",
              lambda n, notation: _unglued(n, notation.timed), ("r_t = x_t",)),
)  # fmt: skip
