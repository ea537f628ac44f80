"""The unrolled network as a drawing: steps side by side, each symbol a node, uses as arrows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.translate import Engine, unroll
from symbptt.errors import RequestError, did_you_mean
from symbptt.model.model import Model, Role, outside
from symbptt.model.terms import Index, Ref
from symbptt.render.dialect import LATEX, TEXT
from symbptt.render.notation import notation_for
from symbptt.render.printer import Printer
from symbptt.templating import fill

#: The file formats a drawing can have, with their templates.
DRAWINGS = {"svg": "network.svg.j2", "tikz": "network.tikz.j2", "dot": "network.dot.j2"}


def shown_steps(model: Model, T: int | None = None) -> int:
    """How many steps the unrolled network is shown for: fewer the more equations there are."""
    small = 3 if len(model.equations) <= 5 else 2
    return small if T is None else min(small, T)


#: Distance between columns and rows, in TikZ's centimetres.
COLUMN, ROW = 2.6, 1.15


@dataclass(frozen=True)
class Box:
    """A node of the drawing: where it stands (column, row) and what is written in it."""

    key: str
    label: str
    x: float
    y: float
    kind: str


@dataclass(frozen=True)
class Arrow:
    """A use of one node by another: a ``carry`` crosses steps, a ``bend`` passes other nodes."""

    start: Box
    end: Box
    carry: bool
    bend: int


@dataclass(frozen=True)
class Drawing:
    """Boxes and arrows, with the size of the sheet."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    columns: int
    rows: int


def aside(model: Model) -> tuple[str, ...]:
    """What stands beside the column of its step: targets, and all inputs but the first."""
    inputs, targets = model.with_role(Role.INPUT), model.with_role(Role.TARGET)
    return tuple(v.name for v in (*inputs[1:], *targets))


def rows_of(model: Model) -> dict[str, int]:
    """The row of each time-indexed symbol: the first input's at the bottom, others above what
    they use, and below what uses them if they stand aside."""
    rows: dict[str, int] = {v.name: 0 for v in model.with_role(Role.INPUT)[:1]}
    for name in model.order:
        used = (r for r in model.equation(name).rhs.walk() if isinstance(r, Ref))
        below = [rows[r.name] for r in used if r.index == Index("t") and r.name in rows]
        rows[name] = 1 + max(below, default=0)
        while name in rows and any(
            rows[o] == rows[name] for o in model.order if o != name and o in rows
        ):
            rows[name] += 1
    top = max(rows.values())
    beside = aside(model)
    users = {
        r.name: rows[e.name] - 1
        for e in model.equations
        for r in e.rhs.walk()
        if isinstance(r, Ref) and r.name in beside
    }
    return rows | {name: users.get(name, top) for name in beside} | {"": top + 1}


def layout(model: Model, T: int, printer: Printer) -> Drawing:
    """Where everything goes, for T steps."""
    rows, graph = rows_of(model), unroll(model, T)
    boxes: dict[tuple[str, int], Box] = {}
    losses = {part.term.name for part in model.loss if isinstance(part.term, Ref)}
    beside = aside(model)

    def box(name: str, s: int) -> Box:
        key = (name, s)
        if key not in boxes:
            role = model.variables[name].role
            kind = "initial" if outside(s, T) else "loss" if name in losses else str(role)
            side = 0.42 if name in beside else 0.0
            id = f"{name}-{s}".replace("_", "").replace("--", "-m")  # TikZ takes no underscore
            boxes[key] = Box(id, printer.symbol(name, str(s)), s + side, rows[name], kind)
        return boxes[key]

    arrows: list[Arrow] = []
    for node, rhs in graph.nodes.items():
        end = box(node.name, int(node.index))
        for used in al.find(rhs, nd.At):
            arrows.append(_arrow(box(used.name, int(used.index)), end))
    engine = Engine(model)
    for part, scalar in zip(model.loss, engine.losses, strict=True):
        if isinstance(part.term, Ref) or part.steps.once:
            continue  # a scalar of the model, drawn already; a penalty, which no step bears
        for s in part.steps.at(T):
            loss = boxes.setdefault(
                ("", s), Box(f"loss-{s}", printer.spelled_loss(s), s, rows[""], "loss")
            )
            for used in al.find(al.at(scalar, s), nd.At):
                arrows.append(_arrow(box(used.name, int(used.index)), loss))
    columns = [int(b.x) for b in boxes.values()]
    return Drawing(
        tuple(boxes.values()),
        tuple(arrows),
        max(columns) - min(columns) + 1,
        int(max(rows.values())) + 1,
    )


def _arrow(start: Box, end: Box) -> Arrow:
    crosses = int(start.x) != int(end.x)
    skips = not crosses and end.y - start.y > 1 and start.x == end.x
    return Arrow(start, end, crosses, 1 if skips else 0)


def drawing_format(name: str | None, output: Path | None) -> str:
    """The format asked for, else that of the output file's extension, else SVG."""
    suffix = output.suffix.lstrip(".") if output is not None else ""
    wanted = name or {"tex": "tikz", "gv": "dot"}.get(suffix, suffix) or "svg"
    if wanted not in DRAWINGS:
        raise RequestError(f"no drawing format '{wanted}'{did_you_mean(wanted, DRAWINGS)}")
    return wanted


def drawn(model: Model, T: int, format: str) -> str:
    """The network unrolled for T steps, as SVG, TikZ or DOT."""
    format = drawing_format(format, None)
    dialect = TEXT if format in ("svg", "dot") else LATEX
    printer = Printer(model, notation_for(model), dialect)
    sheet = layout(model, T, printer)
    values = {"d": sheet, "title": model.title or model.name, "T": T, "COLUMN": COLUMN, "ROW": ROW}
    return fill(DRAWINGS[format], values, spans=_spans, quoted=_quoted)


def _quoted(words: str) -> str:
    r"""Words as a string of DOT, in which a backslash escapes what follows.

    >>> print(_quoted(r'a "b" \ c'))
    "a \"b\" \\ c"
    """
    escaped = words.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _spans(label: str) -> str:
    """A label in Unicode mathematics as SVG text, its scripts raised and lowered."""
    script = r"\{([^{}]*)\}|(\w+)"
    found = re.fullmatch(rf"(.+?)(?:\^(?:{script}))?(?:_(?:{script}))?", label)
    assert found is not None  # all may be missing but the first letter
    base, above, below = found[1], found[2] or found[3], found[4] or found[5]
    text, down = escape(base), 4
    if above:
        text += f'<tspan class="index" dy="-7">{escape(above)}</tspan>'
        down += 7
    if below:
        text += f'<tspan class="index" dy="{down}">{escape(below)}</tspan>'
    return text
