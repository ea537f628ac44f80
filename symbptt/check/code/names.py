"""What the names in a program mean: which symbol of the model, which size, how many steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from symbptt.errors import RequestError, did_you_mean
from symbptt.model import Model
from symbptt.model.model import Role, Variable, initial_key
from symbptt.model.terms import letters

#: What a name may stand for.
KINDS = ("parameter", "given", "initial", "steps", "size", "container", "batch")
#: What gradients are taken by.
_SLOPED = ("parameter", "initial")


@dataclass(frozen=True)
class Meaning:
    """A kind, and the symbol, the key of an initial value, or the dimensions."""

    kind: str
    name: str = ""


#: Names of the parts of a network with one of each: :func:`short` ones.
PARTS: dict[str, str] = {
    "recurrent": "whh wh wrec wr waa whidden wrecurrent wss ws w W",
    "input": "wxh wx win wih wax wsx wxs whx U",
    "output": "why wy wout who wo wya wyh wsy wys V",
    "hidden bias": "bh b ba bs bhidden bias bx",
    "output bias": "by bo bout c",
}
#: Names of the input, the target and the initial state, where there is one.
SOLE: dict[Role, str] = {
    Role.INPUT: "x X xs inputs input xseq sequence seq",
    Role.TARGET: "y Y ys target targets d ds labels label ytrue t ts expected yseq output outputs",
}
STATE = "h s a state hidden"
INITIAL = ("{}0", "{}prev", "{}init", "init{}", "initial{}", "prev{}", "{}start", "{}_", "{}")
STEPS = "T seqlen seqlength sequencelength nsteps numsteps timesteps ntimesteps steps tau"
BATCH = "batchsize nbatch batch B N"
CONTAINER = "params parameters weights theta param p model net"
#: Names of sizes, by the roles of the symbols that have them.
SIZES: dict[str, str] = {
    "state": "hiddensize nhidden hiddendim hdim nh nhid hiddenunits numhidden hiddennodes H hsize",
    "input": "inputsize ninput ninputs inputdim nin nx xdim xsize D numinputs nfeatures",
    "target": "outputsize noutput noutputs outputdim nout ny ydim ysize numclasses nclasses K O",
    "vocabulary": "vocabsize vocabularysize nvocab worddim alphabetsize nchars numchars vocab",
}
#: What loss a function returns is called.
LOSSES = frozenset(
    ("loss", "losses", "lossvalue", "totalloss", "l", "j", "e", "cost", "error", "err", "nll", "ce")
)

#: What stands before or after a symbol's name in that of a gradient.
_BEFORE = re.compile(r"(?:grad(?:ient)?s?|d(?:l|e|j|loss|cost)_?_?d?|d|delta|nabla|g|acc)_?")
_AFTER = re.compile(r"_?(?:grad(?:ient)?s?|acc|bar)$")


def plain(name: str) -> str:
    """A name without underscores and capitals.

    >>> plain("W_hh"), plain("seq_length")
    ('whh', 'seqlength')
    """
    return name.replace("_", "").casefold()


def short(name: str) -> str:
    """A name without underscores and capitals, but for single letters: T is not t.

    >>> short("W_hh"), short("T")
    ('whh', 'T')
    """
    return name if len(name) == 1 else plain(name)


#: How far apart two spellings of one name may be, the nearest first.
_NEAR: tuple[Callable[[str], str], ...] = (
    lambda name: name,
    lambda name: name.replace("_", ""),
    plain,
)


@dataclass(frozen=True)
class Names:
    """The names of a model, as programs spell them; ``own`` are those that the user gives."""

    model: Model
    tiers: tuple[Mapping[str, Meaning], ...]
    own: Mapping[str, Meaning]

    def meaning(self, name: str) -> Meaning | None:
        """What a name means; None if nothing."""
        if name in self.own:
            return self.own[name]
        near = (tier.get(spell(name)) for spell, tier in zip(_SPELL, self.tiers, strict=True))
        return next((m for m in near if m is not None), None)

    def gradient(self, name: str) -> str | None:
        """The symbol or initial value that a name is the gradient by.

        >>> from symbptt.model import load
        >>> names = names_of(load("elman"))
        >>> [names.gradient(n) for n in ("dWhh", "grad_W_xh", "dL_db_y", "W_hy", "dhprev", "p")]
        ['W_hh', 'W_xh', 'b_y', 'W_hy', 'h_0', None]
        """
        if name in self.own:
            return self.own[name].name if self.own[name].kind in _SLOPED else None
        for rest in _stripped(name):
            found = self.meaning(rest)
            if found is not None and found.kind in _SLOPED:
                return found.name
        return None


_SPELL: tuple[Callable[[str], str], ...] = (*_NEAR, short)


def _stripped(name: str) -> Iterator[str]:
    """What a name may be the gradient by."""
    bare = _AFTER.sub("", name)
    for text in dict.fromkeys((name, bare)):
        ends = [i for i in range(len(text) - 1, 0, -1) if _BEFORE.fullmatch(text[:i].casefold())]
        for i in ends:
            rest = text[i:]
            yield rest
            if plain(rest).endswith("next"):  # what is left of dh_next after the last step
                yield rest[: -len("next")].rstrip("_") + "0"
    yield bare


def names_of(model: Model, own: Mapping[str, str] | None = None) -> Names:
    """The names of a model; ``own`` maps names of the program to those of the model.

    What it says of computed symbols is of no use here.  Raises :class:`RequestError` where it names
    nothing of the model.
    """
    known = dict(_known(model))
    given: dict[str, Meaning] = {}
    for name, means in (own or {}).items():
        if means not in known and means in model.variables:
            continue
        if means not in known:
            raise RequestError(f"names: {name} = '{means}': no such symbol{_near(means, known)}")
        given[name] = known[means]
    tiers = [_unique((spell(n), m) for n, m in known.items()) for spell in _NEAR]
    return Names(model, (*tiers, _unique(_aliases(model))), given)


def _near(name: str, known: Iterable[str]) -> str:
    return did_you_mean(name, known)


def _known(model: Model) -> Iterator[tuple[str, Meaning]]:
    """The symbols that a program is given, under their own names."""
    for v in model.timeless:
        yield v.name, Meaning("parameter", v.name)
    for v in model.given:
        yield v.name, Meaning("given", v.name)
    for v, step in model.initial_values:
        key = initial_key(v.name, step)
        yield key, Meaning("initial", key)
    yield "T", Meaning("steps")


def _unique(pairs: Iterable[tuple[str, Meaning]]) -> dict[str, Meaning]:
    """Names that mean one thing only."""
    found: dict[str, set[Meaning]] = {}
    for name, meaning in pairs:
        found.setdefault(name, set()).add(meaning)
    return {name: next(iter(ms)) for name, ms in found.items() if len(ms) == 1}


def _aliases(model: Model) -> Iterator[tuple[str, Meaning]]:
    """Other names, :func:`short` ones; what is ambiguous is dropped later."""
    parts: dict[str, list[Variable]] = {}
    for v in model.parameters:
        parts.setdefault(_part(model, v), []).append(v)
    for part, variables in parts.items():
        for name in PARTS.get(part, "").split():
            if len(variables) == 1:
                yield name, Meaning("parameter", variables[0].name)
        for v in variables:
            yield from ((name, Meaning("parameter", v.name)) for name in _of_gate(part, v))
    for role, words in SOLE.items():
        sole = model.with_role(role)
        if len(sole) == 1:
            yield from ((name, Meaning("given", sole[0].name)) for name in words.split())
    starts = [(v.name, initial_key(v.name, step)) for v, step in model.initial_values]
    for state, key in starts:
        names = {state, *(STATE.split() if len(starts) == 1 else ())}
        taken = {short(v.name) for v in (*model.timeless, *model.given)}
        for name in (short(form.format(n)) for form in INITIAL for n in sorted(names)):
            if name not in taken:
                yield name, Meaning("initial", key)
    for words, meaning in ((STEPS, "steps"), (BATCH, "batch"), (CONTAINER, "container")):
        yield from ((short(name), Meaning(meaning)) for name in words.split())
    for role_name, words in SIZES.items():
        yield from ((short(name), Meaning("size", role_name)) for name in words.split())


def _of_gate(part: str, v: Variable) -> Iterator[str]:
    """Names of one of several parameters of a kind: ``W_xi`` and ``W_ix`` are W_i, U_i is W_hi."""
    gate = plain(v.name.partition("_")[2])
    forms = {
        "input": ("wx{}", "w{}x"),
        "recurrent": ("wh{}", "w{}h", "u{}"),
        "hidden bias": ("b{}",),
        "output": ("wh{}", "w{}"),
        "output bias": ("b{}",),
    }
    for letter in {"g": "gc", "n": "nhg"}.get(gate, gate) if len(gate) == 1 else ():
        yield from (form.format(letter) for form in forms.get(part, ()))
    if gate == "y":
        yield from {"output": ("V", "wout", "why"), "output bias": ("bout",)}.get(part, ())


def dimensions(model: Model, role: str) -> tuple[str, ...]:
    """The dimensions of states, inputs, targets, or of what a vocabulary is as long as."""
    roles = {
        "state": (Role.STATE,),
        "input": (Role.INPUT,),
        "target": (Role.TARGET,),
        "vocabulary": (Role.INPUT, Role.TARGET),
    }[role]
    found = (n for v in model.with_role(*roles) for d in v.shape for n in letters(d))
    return tuple(dict.fromkeys(found))


def _part(model: Model, v: Variable) -> str:
    """Which part of a network a parameter is, by its shape."""
    states = set(dimensions(model, "state"))
    inputs = set(dimensions(model, "input")) - states
    outputs = set(dimensions(model, "target")) - states - inputs
    sides = [{*letters(d)} for d in v.shape if d != 1]
    if any(len(side) != 1 for side in sides):
        return ""
    kinds = tuple(
        sorted(
            "state" if s <= states else "input" if s <= inputs else "output" if s <= outputs else ""
            for s in sides
        )
    )
    return {
        ("state", "state"): "recurrent",
        ("input", "state"): "input",
        ("output", "state"): "output",
        ("state",): "hidden bias",
        ("output",): "output bias",
    }.get(kinds, "")
