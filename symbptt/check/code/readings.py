"""How a program may lay out its arrays: the readings that are tried, the likeliest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Form:
    """A layout of a sequence: of an array (T, n), or (T, B, n) if ``batched``.

    ``one_hot``: of a sequence whose vectors are rows of the identity.  ``last``: of the value at
    the last step alone.
    """

    says: str
    make: Callable[[Array], Any]
    batched: bool = False
    one_hot: bool = False
    last: bool = False


def _from_one(a: Array) -> Array:
    return np.concatenate([np.zeros_like(a[:1]), a])


def _numbers(a: Array) -> Array:
    numbers: Array = a.argmax(axis=-1)
    return numbers


FORMS: tuple[Form, ...] = (
    Form("", lambda a: a),
    Form("each {0}_t as a column, (n, 1)", lambda a: a[..., None]),
    Form("{0} as a matrix (n, T), a column for each step", lambda a: a.T),
    Form("{0} as integers, the places of the 1", _numbers, one_hot=True),
    Form("{0} as a dict by t = 1…T", lambda a: {t + 1: v for t, v in enumerate(a)}),
    Form(
        "{0} as a dict by t = 1…T of columns, (n, 1)",
        lambda a: {t + 1: v[..., None] for t, v in enumerate(a)},
    ),
    Form("{0} from index 1 on, nothing at 0", _from_one),
    Form("{0} from index 1 on, nothing at 0, of columns (n, 1)", lambda a: _from_one(a)[..., None]),
    Form("the last step of {0} alone", lambda a: a[-1], last=True),
    Form("the last step of {0} alone, as a column", lambda a: a[-1][..., None], last=True),
    Form("the last step of {0} alone, as a row", lambda a: a[-1][None], last=True),
    Form(
        "the last step of {0} alone, as an integer",
        lambda a: int(a[-1].argmax()),
        one_hot=True,
        last=True,
    ),
    Form("{0} with a batch, (T, B, n)", lambda a: a, batched=True),
    Form("{0} with a batch in front, (B, T, n)", lambda a: a.swapaxes(0, 1), batched=True),
    Form("{0} with a batch behind, (T, n, B)", lambda a: a.swapaxes(1, 2), batched=True),
    Form("{0} with steps and batch behind, (n, B, T)", lambda a: a.T, batched=True),
    Form("{0} as integers, (T, B)", _numbers, batched=True, one_hot=True),
    Form("{0} as integers, (B, T)", lambda a: _numbers(a).T, batched=True, one_hot=True),
    Form("the last step of {0} alone, (B, n)", lambda a: a[-1], batched=True, last=True),
    Form("each {0}_t as a row, (1, n)", lambda a: a[:, None]),
)
PLAIN = FORMS[0]


@dataclass(frozen=True)
class Style:
    """How parameters and initial states are given: ``vector`` and ``state`` name a form."""

    says: tuple[str, ...] = ()
    transposed: bool = False
    vector: str = "n"
    state: str = "n"


_COLUMNS = "vectors as columns, (n, 1)"
_ROWS = "vectors as rows, (1, n)"
_TRANSPOSED = "matrices transposed, for row vectors x W"

STYLES: tuple[Style, ...] = (
    Style(),
    Style((_COLUMNS,), vector="column", state="column"),
    Style((_TRANSPOSED,), transposed=True),
    Style((_TRANSPOSED, "states as rows"), transposed=True, state="row"),
    Style((_TRANSPOSED, _ROWS), transposed=True, vector="row", state="row"),
    Style(("states as rows",), state="row"),
    Style((_ROWS,), vector="row", state="row"),
    Style(("biases as columns, (n, 1)",), vector="column"),
)

VECTORS: dict[str, Callable[[Array], Array]] = {
    "n": lambda v: v,
    "column": lambda v: v[..., None],
    "row": lambda v: v[None] if v.ndim == 1 else v,
}
#: A state with a batch in front, (B, n), as a style has it.
BATCHED_STATES: dict[str, Callable[[Array], Array]] = {
    "n": lambda v: v,
    "column": lambda v: v.T,
    "row": lambda v: v,
}


@dataclass(frozen=True)
class Reading:
    """A style, and a form for the inputs and one for the targets; ``one_hot`` vectors or any."""

    style: Style
    inputs: Form
    targets: Form
    one_hot: bool

    @property
    def batched(self) -> bool:
        return self.inputs.batched or self.targets.batched

    def says(self, inputs: tuple[str, ...], targets: tuple[str, ...]) -> tuple[str, ...]:
        """What had to be read into the program, for its names of inputs and of targets."""
        forms = [(self.inputs, name) for name in inputs] + [(self.targets, n) for n in targets]
        hot = self.one_hot and not all(form.one_hot for form, _ in forms)
        return (
            *(form.says.format(name) for form, name in forms if form.says),
            *self.style.says,
            *(("inputs and targets one-hot",) if hot else ()),
        )

    def parameter(self, a: Array) -> Array:
        """A parameter as the program is given it."""
        if a.ndim == 2:
            return a.T if self.style.transposed else a
        return VECTORS[self.style.vector](a) if a.ndim == 1 else a

    def initial(self, a: Array) -> Array:
        forms = BATCHED_STATES if self.batched else VECTORS
        return forms[self.style.state](a) if a.ndim else a

    def sequence(self, a: Array, *, target: bool) -> Any:
        return (self.targets if target else self.inputs).make(a)


def readings(
    *, vectors: bool, has_inputs: bool, has_targets: bool, one_hot: bool, last: bool
) -> Iterator[Reading]:
    """All readings to try.

    ``vectors``: inputs are vectors, so that they may be one-hot; ``one_hot``: targets may be, for
    a cross-entropy is what compares them; ``last``: the loss is borne at the last step alone.
    """

    def pairs() -> Iterator[tuple[Form, Form]]:
        for x in FORMS if has_inputs else (PLAIN,):
            if x.last or (x.one_hot and not vectors):
                continue
            if not has_targets:
                yield x, x
                continue
            for y in FORMS:
                alike = y is x or y is PLAIN or y.one_hot or y.last or not has_inputs
                usable = (one_hot or not y.one_hot) and (last or not y.last)
                if alike and usable and y.batched is x.batched:
                    yield x, y

    found = list(pairs())
    for x, y in found:
        for style in STYLES:
            hot = x.one_hot or y.one_hot
            if not hot:
                yield Reading(style, x, y, False)
            if hot or (one_hot and has_targets):
                yield Reading(style, x, y, True)


class Pool:
    """Values as specifications, for JSON, over arrays that are kept by number."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self.variants: dict[str, Any] = {}

    def variant(self, key: str, value: Callable[[], Any]) -> str:
        """The key of a value, which is made if there is none yet."""
        if key not in self.variants:
            self.variants[key] = self._spec(value())
        return key

    def _spec(self, value: Any) -> list[Any]:
        if isinstance(value, np.ndarray):
            name = f"a{len(self.arrays)}"
            self.arrays[name] = np.ascontiguousarray(value)
            return ["array", name]
        if isinstance(value, Mapping):
            return ["dict", [[key, self._spec(v)] for key, v in value.items()]]
        if isinstance(value, tuple | list):
            kind = "tuple" if isinstance(value, tuple) else "list"
            return [kind, [self._spec(v) for v in value]]
        return ["value", value]
