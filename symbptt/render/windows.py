"""Windows of truncated BPTT as formulas: their ends, their conditions on t, what they drop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import TruncatedDerivation
from symbptt.calculus import algebra as al
from symbptt.calculus.spans import Span, Way
from symbptt.calculus.truncated import Dropped
from symbptt.calculus.window_sums import Reaching, WindowEnds, Windows
from symbptt.calculus.windows import Where
from symbptt.model.terms import Index
from symbptt.render.views import DroppedView, TruncationView

if TYPE_CHECKING:
    from symbptt.render.printer import Printer


def within(where: Where, p: Printer) -> str:
    """The steps of a window that a case holds for: ``t = e``, ``a ≤ t < e``, ``t < a``."""
    assert p.windows is not None
    le, (e, _, a, *_) = p.dialect.le, p.windows.letters
    if p.windows.truncation.k1 == 1:
        a = e
    by: dict[tuple[str, bool], list[int]] = {}
    for edge, wanted in where.edges:
        by.setdefault((edge.kind, wanted), []).append(edge.by)
    first = min(by.get(("from", True), []), default=None)  # t ≥ a - first
    last = max(by.get(("until", True), []), default=None)  # t ≤ e - last
    found: list[str] = []
    if first is not None and (last == first or (last is None and not first)) and a == e:
        found.append(f"t = {_back(e, first)}")
    elif last is not None:
        below = f"t < {e}" if last == 1 else f"t{le}{_back(e, last)}"
        above = f"{a} < " if first == -1 else f"{_back(a, first or 0)}{le}"
        found.append(below if first is None else f"{above}{below}")
    elif first is not None:
        found.append(f"t > {a}" if first == -1 else f"t{p.dialect.ge}{_back(a, first)}")
    # In a recurrence from T to 1 the first step is a.
    before = by.get(("from", False), [])
    found += [f"t = {a}" if i == -1 else f"t < {_back(a, i)}" for i in before]
    found += [f"t = {e}" if i == 1 else f"t > {_back(e, i)}" for i in by.get(("until", False), [])]
    for edge, wanted in where.edges:
        if edge.kind == "among":
            found.append(("" if wanted else p.dialect.negated) + p.condition(edge.steps))
    return p.dialect.both.join(found)


def _back(letter: str, by: int) -> str:
    """``e-1``; ``a+1`` for -1."""
    return f"{letter}{-by:+d}" if by else letter


def window_ends(index: str, ends: WindowEnds, p: Printer) -> str:
    """``e ∈ {2, 4, …, T}``, and which of these windows are meant if not all."""
    assert p.windows is not None
    k1, k2, T = map(str, ends.args[:3])
    names = p.dialect.member(index, [k1, str(2 * int(k1)), p.dialect.dots, T])
    a = p.windows.letters[2] if int(k1) > 1 else index
    which = {
        Reaching.FIRST: f"{index}{p.dialect.le}{k2}",
        Reaching.LAST: f"{a} > {_back(T, int(k2))}",
        Reaching.FURTHER: f"{T}{p.dialect.le}{k2}",
    }
    return ", ".join([names, *filter(None, [which.get(ends.reaching)])])


def truncation_view(d: TruncatedDerivation, p: Printer) -> TruncationView:
    """What a document says of the windows and of what they drop."""
    k1, k2 = d.truncation.k1, d.truncation.k2
    e, b, a, f, c = d.windows.letters
    a = e if k1 == 1 else a
    dots = p.dialect.dots
    ways = {span.way for span in d.spans.values()}
    ahead, end = bool(ways & {Way.AHEAD, Way.BOTH}), Way.END in ways
    largest = p.dialect.function("min", 0).replace("min", "max")
    smallest = p.dialect.function("min", 0)
    starts = (key for key, start in d.model.initial.items() if start and start.step is not None)
    return TruncationView(
        k1=k1,
        k2=k2,
        letters=(e, b, d.windows.letters[2], *(x for x, used in ((f, ahead), (c, end)) if used)),
        last=e,
        first=b,
        ends=f"{e} = 1, {dots}, T" if k1 == 1 else f"{e} = {k1}, {2 * k1}, {dots}",
        takes=f"{a}, {dots}, {e}",
        begins=f"{b} = {e}" if k2 == 1 else f"{b} = {largest}(1, {_back(e, k2 - 1)})",
        from_start=f"{b} = 1",
        uncut=f"T{p.dialect.le}{k2}",
        backward=f"t = {e}, {dots}, {b}",
        loss=p.dialect.scripts(p.loss(), [], [f"({e})"]),
        dropped=tuple(_dropped(x, d.windows, p) for x in d.dropped),
        lagged_inputs=any(v.lags != (0,) for v in d.model.given),
        taken=a,
        back=bool(ways & {Way.BACK, Way.BOTH}) or not (ahead or end),
        ahead=(f"{f} = {e}" if k2 == 1 else f"{f} = {smallest}(T, {_back(a, 1 - k2)})")
        if ahead
        else "",
        furthest=f,
        to_end=f"{f} = T",
        tail=(f"{c} = T" if k2 == 1 else f"{c} = {largest}(1, {_back('T', k2 - 1)})")
        if end
        else "",
        tail_first=c,
        tail_from_start=f"{c} = 1",
        beyond=f"{b} > 1",
        starts=tuple(starts_text(d, p, key) for key in starts) if end else (),
    )


def starts_text(d: TruncatedDerivation, p: Printer, key: tuple[str, Index]) -> str:
    """``h_0 = e_T``."""
    start = d.model.initial[key]
    assert start is not None
    left, right = (p.symbol(name, str(step)) for name, step in (key, (start.name, start.step)))
    return f"{left} = {right}"


def steps_of_loop(d: TruncatedDerivation, span: Span, p: Printer) -> str:
    """``t = e, …, b``: the steps of a window, in the order of the backward pass."""
    e, b, a, f, c = d.windows.letters
    a = e if d.truncation.k1 == 1 else a
    if span.way is Way.AT and a == e:
        return f"t = {e}"
    first, last = {
        Way.AT: (e, a),
        Way.BACK: (e, b),
        Way.AHEAD: (a, f),
        Way.BOTH: (f, b),
        Way.END: ("T", c),
    }[span.way]
    return f"t = {first}, {p.dialect.dots}, {last}"


def _dropped(x: Dropped, windows: Windows, p: Printer) -> DroppedView:
    """A dropped share at each step t outside a window whose user stands inside."""
    _, b, _, f, c = windows.letters
    if x.lag < 0:
        if x.lag == -1:
            at = windows.ahead + 1
            return _lost(al.at(x.share, at), al.at(x.adjoint, at), "", p)
        return _lost(x.share, x.adjoint, f"{f} < t{p.dialect.le}{_back(f, x.lag)}", p)
    b, first = (c, windows.tail) if x.way is Way.END else (b, windows.first)
    if x.lag == 1:
        return _lost(al.at(x.share, first - 1), al.at(x.adjoint, first - 1), "", p)
    when = f"{_back(b, x.lag)}{p.dialect.le}t < {b}"
    return _lost(x.share, x.adjoint, when, p)


def _lost(share: MatrixExpr, adjoint: MatrixExpr, when: str, p: Printer) -> DroppedView:
    """A share in words of its own for the sign, which a list would hide."""
    many, _ = al.coefficient(share)
    minus = bool(many.could_extract_minus_sign())
    text = p(al.times(-1, share) if minus else share)
    return DroppedView(p.dialect.bracket(text) if text[0] == "-" else text, p(adjoint), when, minus)
