"""Windows of truncated BPTT as formulas: their ends, their conditions on t, what they drop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp

from symbptt.calculus import TruncatedDerivation
from symbptt.calculus import algebra as al
from symbptt.calculus.truncated import Dropped
from symbptt.calculus.windowed import WindowEnds, Windows
from symbptt.calculus.windows import Where
from symbptt.render.views import DroppedView, TruncationView

if TYPE_CHECKING:
    from symbptt.render.printer import Printer


def within(where: Where, p: Printer) -> str:
    """The steps of a window that a case holds for: ``t = e``, ``a ≤ t < e``, ``t < a``."""
    assert p.windows is not None
    le, (e, _, a) = p.dialect.le, p.windows.letters
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
        found.append(below if first is None else f"{_back(a, first)}{le}{below}")
    elif first is not None:
        found.append(f"t{p.dialect.ge}{_back(a, first)}")
    found += [f"t < {_back(a, i)}" for i in by.get(("from", False), [])]
    found += [f"t = {e}" if i == 1 else f"t > {_back(e, i)}" for i in by.get(("until", False), [])]
    for edge, wanted in where.edges:
        if edge.kind == "among":
            found.append(("" if wanted else p.dialect.negated) + p.condition(edge.steps))
    return p.dialect.both.join(found)


def _back(letter: str, by: int) -> str:
    """``e-1``."""
    return f"{letter}-{by}" if by else letter


def window_ends(index: str, ends: WindowEnds, p: Printer) -> str:
    """``e ∈ {2, 4, …, T}``, and how far it goes if it ends before T."""
    k1, T, limit = ends.args
    names = p.dialect.member(index, [str(k1), str(2 * k1), p.dialect.dots, str(T)])
    return names if limit is sp.oo else f"{names}, {index}{p.dialect.le}{limit}"


def truncation_view(d: TruncatedDerivation, p: Printer) -> TruncationView:
    """What a document says of the windows and of what they drop."""
    k1, k2 = d.truncation.k1, d.truncation.k2
    e, b, a = d.windows.letters
    dots = p.dialect.dots
    earliest = p.dialect.function("min", 0).replace("min", "max") + f"(1, {_back(e, k2 - 1)})"
    return TruncationView(
        k1=k1,
        k2=k2,
        letters=d.windows.letters,
        last=e,
        first=b,
        ends=f"{e} = 1, {dots}, T" if k1 == 1 else f"{e} = {k1}, {2 * k1}, {dots}",
        takes=f"{a}, {dots}, {e}",
        begins=f"{b} = {e}" if k2 == 1 else f"{b} = {earliest}",
        from_start=f"{b} = 1",
        uncut=f"T{p.dialect.le}{k2}",
        backward=f"t = {e}, {dots}, {b}",
        loss=p.dialect.scripts(p.loss(), [], [f"({e})"]),
        dropped=tuple(_dropped(x, d.windows, p) for x in d.dropped),
        lagged_inputs=any(v.lags != (0,) for v in d.model.given),
    )


def _dropped(x: Dropped, windows: Windows, p: Printer) -> DroppedView:
    """A dropped share at each step t before b whose user stands at b or later."""
    if x.lag == 1:
        at = windows.first - 1
        return DroppedView(p(al.at(x.share, at)), p(al.at(x.adjoint, at)), "")
    b = windows.letters[1]
    when = f"{_back(b, x.lag)}{p.dialect.le}t < {b}"
    return DroppedView(p(x.share), p(x.adjoint), when)
