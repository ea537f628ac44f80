"""What a source of the benchmark is made of, and the documents and rows that it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from world import READINGS, SIZES, STANDARD, T, World, outcome, replace

#: The mutations that mutants are made by.
MUTATIONS = (
    "transpose dropped",
    "transpose added",
    "index shifted",
    "term dropped",
    "sign flipped",
    "wrong derivative",
    "factors swapped",
    "wrong range",
)
WRAPPERS = {
    "display": "$$\n{}\n$$",
    "equation": "\\begin{{equation}}\n  {}\n\\end{{equation}}",
    "align": "\\begin{{align}}\n  {}\n\\end{{align}}",
    "text": "    {}",
}
Side = Callable[[World, int], object]


@dataclass(frozen=True)
class Definition:
    """A forward equation, or what a symbol stands for."""

    source: str
    kind: str = "definition"


@dataclass(frozen=True)
class Claim:
    """A claim with both sides in NumPy (more for a chain), at the steps where it's made.

    ``under`` names the reading that makes it right; ``instead`` gives the sides in that reading
    where it isn't one of ``world.Reading``: a vector as a diagonal matrix, a direct path.
    """

    name: str
    source: str
    sides: tuple[Side, ...]
    at: tuple[int, ...] = (1,)
    why: str = ""
    reading: str = ""
    under: dict[str, str] = field(default_factory=dict)
    instead: tuple[Side, ...] = ()
    kind: str = "claim"

    @property
    def verdict(self) -> str:
        return "right-under" if self.reading else "right"


@dataclass(frozen=True)
class Mutant:
    """A claim with one thing changed, ``old`` to ``new``; ``others`` are its other readings.

    ``sides`` are the new ones; a single one is the new right side.
    """

    of: str
    mutation: str
    old: str
    new: str
    sides: tuple[Side, ...]
    at: tuple[int, ...] = ()
    why: str = ""
    others: tuple[tuple[Side, ...], ...] = ()


def C(name, source, *sides, at=(1,), **more):
    return Claim(name, source, sides, tuple(at), **more)


def M(of, mutation, old, new, *sides, at=(), **more):
    return Mutant(of, mutation, old, new, sides, tuple(at), **more)


@dataclass(frozen=True)
class Source:
    """A notation with a model: its forward pass, what the documents share, claims, mutants.

    ``setting``, ``right`` and ``wrong`` hold words, definitions, claims and mutants in order.
    """

    name: str
    notation: str
    model: str
    extension: str
    wrapper: str
    forward: Callable
    shapes: dict[str, tuple]
    inputs: dict[str, tuple]
    title: str
    setting: tuple
    right: tuple
    wrong: tuple
    wrong_words: str
    foot: str = ""
    zero: tuple[str, ...] = ()
    length: int = T

    @property
    def claims(self) -> dict[str, Claim]:
        return {c.name: c for c in self.right if isinstance(c, Claim)}

    @property
    def mutants(self) -> list[Mutant]:
        return [m for m in self.wrong if isinstance(m, Mutant)]

    def world(self, seed=0) -> World:
        return World(self.forward, self.shapes, self.inputs, zero=self.zero, seed=seed)

    def text(self, m: Mutant) -> str:
        """The mutant's formula."""
        base = self.claims[m.of].source
        if base.count(m.old) != 1:
            raise ValueError(f"{self.name}: {m.old!r} stands {base.count(m.old)} times in {base!r}")
        return base.replace(m.old, m.new)

    def sides(self, m: Mutant) -> tuple[Side, ...]:
        base = self.claims[m.of].sides
        return (base[0], *m.sides) if len(m.sides) < len(base) else m.sides

    def steps(self, m: Mutant) -> tuple[int, ...]:
        return m.at or self.claims[m.of].at


def right_verdict(source: Source, claim: Claim, w: World) -> str:
    """``right`` or ``right-under``, from numbers alone."""
    if outcome(claim.sides, w, claim.at, STANDARD) == "agree":
        return "right"
    reading = replace(STANDARD, **claim.under)
    if outcome(claim.instead or claim.sides, w, claim.at, reading) == "agree":
        return "right-under"
    return "wrong"


def wrong_verdict(source: Source, m: Mutant, w: World) -> str:
    """``wrong``, ``shape-error``, or the first reading that makes the mutant right."""
    found = set()
    for sides in (source.sides(m), *m.others):
        for reading in READINGS:
            o = outcome(sides, w, source.steps(m), reading)
            if o in ("agree", "undefined"):
                return f"{o} under {reading}"
            found.add(o)
    return "wrong" if "differ" in found else "shape-error"


def where(steps: tuple[int, ...]) -> str:
    return "step " + ", ".join(map(str, steps))


def documents(source: Source, w: World) -> dict[str, tuple[str, list[dict]]]:
    """File names to text and rows of expected verdicts."""
    out = {}
    for suffix, items in (("", source.right), ("-mutants", (source.wrong_words, *source.wrong))):
        file = f"{source.name}{suffix}.{source.extension}"
        lines, rows = source.title.split("\n"), []
        for item in (*source.setting, *items):
            lines.append("")
            if isinstance(item, str):
                lines += item.split("\n")
                continue
            text = source.text(item) if isinstance(item, Mutant) else item.source
            block = WRAPPERS[source.wrapper].format(text)
            if source.wrapper == "align" and "\n" not in text:
                block = WRAPPERS["equation"].format(text.replace(" &= ", " = "))
                text = text.replace(" &= ", " = ")
            first = block[: block.index(text)].count("\n")
            rows.append(_row(source, w, item, file, len(lines) + first + 1, text))
            lines += block.split("\n")
        if source.foot:
            lines += ["", source.foot]
        out[file] = "\n".join(lines) + "\n", rows
    return out


def _row(source: Source, w: World, item, file: str, line: int, text: str) -> dict:
    row = dict.fromkeys(("verdict", "reading", "mutant_of", "mutation", "original"))
    row |= {"notation": source.notation, "model": source.model, "kind": "claim"}
    sizes = ", ".join(f"{k}={n}" for k, n in {"T": source.length, **SIZES}.items())
    if isinstance(item, Definition):
        row |= {"kind": item.kind, "why": "given"}
    elif isinstance(item, Claim):
        said = f"; {item.why}" if item.why else ""
        which = f" when read so: {item.reading}; not as written" if item.reading else ""
        row |= {
            "id": f"{source.name}/{item.name}",
            "kind": item.kind,
            "verdict": item.verdict,
            "reading": item.reading or None,
            "why": f"both sides agree at {sizes}, {where(item.at)}{which}{said}",
        }
    else:
        verdict = wrong_verdict(source, item, w)
        what = {
            "wrong": "differ, or don't conform, in every reading",
            "shape-error": "conform in no reading",
        }[verdict]
        said = f"; {item.why}" if item.why else ""
        original = source.claims[item.of].source
        if source.wrapper == "align" and "\n" not in original:
            original = original.replace(" &= ", " = ")
        row |= {
            "id": f"{source.name}/{item.of}/{item.mutation} {_count(source, item)}",
            "verdict": verdict,
            "mutant_of": f"{source.name}/{item.of}",
            "mutation": item.mutation,
            "original": original,
            "why": f"the sides {what}, at {sizes}, {where(source.steps(item))}{said}",
        }
    first = ("document", "line", "source", "kind", "verdict", "reading", "mutant_of", "mutation")
    row |= {"document": file, "line": line, "source": text}
    row.setdefault("id", f"{file}:{line}")
    order = (*first, "original", "why", "notation", "model", "id")
    return {key: row[key] for key in order}


def _count(source: Source, m: Mutant) -> int:
    same = [n for n in source.mutants if (n.of, n.mutation) == (m.of, m.mutation)]
    return same.index(m) + 1
