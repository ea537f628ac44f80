r"""The recurrent modules of PyTorch as models: their equations, weights and gradients.

A module's recurrence is that of a built-in cell, whose text is copied for each layer and
direction.  Symbols of one layer among several carry its number, ``U^{(1)}_i``; those of one
direction of two carry ``f`` or ``b``, ``U^{(b)}_i`` or ``U^{(1,b)}_i``.  Outputs are ``h_t``, or
``hf_t`` and ``hb_t``, in the top layer and ``h^{(1)}_t`` and so on below it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from symbptt.errors import ModelError, Place, RequestError, with_article
from symbptt.formula import parse, parse_equations
from symbptt.formula.tree import Node, Relation, Symbol
from symbptt.model import Index, Model, Source, from_sources, initial_key, load
from symbptt.model.names import Naming

Array = npt.NDArray[Any]

#: The parameters of a model that a weight of PyTorch's consists of, row by row of blocks.
Blocks = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Cell:
    """The built-in model that a module computes, and the order in which it stacks the gates.

    PyTorch has two biases in each gate.  Where they are only ever added up, the model has their
    sum, and the gradient by either is the gradient by the sum.  In the GRU's candidate the reset
    gate stands between them, so that they are two in the model as well.
    """

    model: str
    weight_ih: tuple[str, ...]
    weight_hh: tuple[str, ...]
    bias_ih: tuple[str, ...]
    bias_hh: tuple[str, ...]
    states: tuple[str, ...] = ("h",)


CELLS: dict[str, Cell] = {
    "RNN": Cell("elman", ("W_xh",), ("W_hh",), ("b_h",), ("b_h",)),
    "LSTM": Cell(
        "lstm",
        weight_ih=("W_i", "W_f", "W_g", "W_o"),
        weight_hh=("U_i", "U_f", "U_g", "U_o"),
        bias_ih=("b_i", "b_f", "b_g", "b_o"),
        bias_hh=("b_i", "b_f", "b_g", "b_o"),
        states=("h", "c"),
    ),
    "GRU": Cell(
        "gru",
        weight_ih=("W_r", "W_z", "W_n"),
        weight_hh=("U_r", "U_z", "U_n"),
        bias_ih=("b_r", "b_z", "b_n"),
        bias_hh=("b_r", "b_z", "c_n"),
    ),
}


@dataclass(frozen=True)
class TorchModel:
    """A module as a model, with its weights as ``params``.

    ``states`` maps PyTorch's ``h_0`` and ``c_0`` to the names that the initial states in them
    have in ``inputs`` and in gradients, in PyTorch's order of layers and directions, without those
    that an equation such as ``h_0 = 0`` or ``h_0 = s`` gives a value to.
    ``weights`` says which of the model's parameters each of the module's consists of.
    """

    model: Model
    params: Mapping[str, Array]
    states: Mapping[str, tuple[str, ...]]
    weights: Mapping[str, Blocks]

    def grads(self, grads: Mapping[str, Array]) -> dict[str, Array]:
        """The gradients of a compiled function, by the names of ``module.named_parameters()``."""
        return {
            name: np.concatenate([np.concatenate([grads[key] for key in row], -1) for row in rows])
            for name, rows in self.weights.items()
        }


def from_torch(module: Any, loss: str, equations: str = "", **options: Any) -> TorchModel:
    """A module as a model: what :func:`symbptt.from_torch` gives."""
    cell = _cell(module)
    kind = f"torch.nn.{type(module).__name__}"
    parts = tuple(_parts(module))
    weights = {k: blocks for part in parts for k, blocks in part.weights(cell, module.bias).items()}
    given = {name: _values(name, p) for name, p in module.named_parameters()}
    if weights.keys() != given.keys():
        raise RequestError(f"from_torch: this module has other parameters than a {kind} has")
    text = "\n".join(line for part in parts for line in part.equations(cell, module))
    own = [Source(equations, "equations"), Source(loss, "loss")]
    _check_outputs(parts, text, own)
    model = from_sources([Source(text, kind), *own], **{"name": kind, **options})
    free = {initial_key(v.name, step) for v, step in model.initial_values}
    keys = {s: tuple(part.initial_key(s) for part in parts) for s in cell.states}
    states = {f"{s}_0": tuple(key for key in keys[s] if key in free) for s in cell.states}
    return TorchModel(model, _params(weights, given), states, weights)


def _values(name: str, parameter: Any) -> Array:
    """The numbers of a weight; a :class:`RequestError` where it holds none."""
    try:
        values: Array = parameter.detach().cpu().numpy()
    except (RuntimeError, TypeError):  # NotImplementedError, on the meta device, is one of these
        raise RequestError(
            f"from_torch: {name} has no values, on the device '{parameter.device}'; "
            "call module.to_empty(device='cpu') and initialize or load its weights first"
        ) from None
    return values


def _cell(module: Any) -> Cell:
    """The row of a module; a :class:`RequestError` for one that computes something else."""
    kind = type(module).__name__
    torch: Any = sys.modules.get("torch")  # who has a module has imported it
    if torch is None or kind not in CELLS or type(module) is not getattr(torch.nn, kind):
        raise RequestError(
            f"from_torch reads a torch.nn.RNN, LSTM or GRU, not {with_article(kind)}"
        )
    if module.dropout:
        raise RequestError(f"from_torch: dropout={module.dropout} is random; set it to 0")
    if module.proj_size:
        raise RequestError(f"from_torch: proj_size={module.proj_size} is not read; leave it out")
    dtypes = {str(p.dtype).removeprefix("torch.") for p in module.parameters()}
    if dtypes not in ({"float32"}, {"float64"}):
        found = " and ".join(sorted(dtypes))
        raise RequestError(f"from_torch: weights are {found}; call module.double() first")
    return CELLS[kind]


def _params(weights: Mapping[str, Blocks], given: Mapping[str, Array]) -> dict[str, Array]:
    """The model's parameters: the module's cut into blocks, and biases of one name added up."""
    found: dict[str, Array] = {}
    for name, rows in weights.items():
        for row, band in zip(rows, np.split(given[name], len(rows)), strict=True):
            for key, block in zip(row, np.split(band, len(row), axis=-1), strict=True):
                found[key] = found.get(key, 0) + block
    return found


# -- layers and directions --------------------------------------------------------------------

#: What is rewritten in the text of a cell: the share of its input, and any other symbol.
TERM = re.compile(r"W_(?P<gate>\w+) x_t|(?P<symbol>\\bar\{\w\}|\w+)_(?P<index>\w+|\{t-1\})")


@dataclass(frozen=True)
class Part:
    """One layer in one direction: what PyTorch's names of its weights end in, what ours carry,
    its output ``h``, and the outputs ``below`` that it is given."""

    suffix: str
    label: str
    h: str
    below: tuple[str, ...]
    backward: bool

    def spelled(self, symbol: str, subscript: str) -> str:
        r"""A symbol of the cell's as one of this part's: ``\bar{i}^{(1,f)}_t``."""
        if symbol == "h":
            return f"{self.h}_{subscript}"
        return f"{symbol}^{{({self.label})}}_{subscript}" if self.label else f"{symbol}_{subscript}"

    def name(self, symbol: str, subscript: str) -> str:
        """The name that the model has for it."""
        node = parse(self.spelled(symbol, subscript))
        assert isinstance(node, Symbol)
        return Naming().read(node)[0]

    def initial_key(self, state: str) -> str:
        """The key of an initial state: what precedes step 1 or, backwards, follows step T."""
        return initial_key(self.name(state, "t"), Index("T", 1) if self.backward else Index("", 0))

    def weights(self, cell: Cell, bias: bool) -> dict[str, Blocks]:
        """The module's parameters, each as blocks of the model's."""
        inputs = "WV"[: len(self.below)]
        found = {
            "weight_ih": [[W + gate[1:] for W in inputs] for gate in cell.weight_ih],
            "weight_hh": [[gate] for gate in cell.weight_hh],
        }
        if bias:
            found |= {
                "bias_ih": [[b] for b in cell.bias_ih],
                "bias_hh": [[b] for b in cell.bias_hh],
            }
        return {
            name + self.suffix: tuple(tuple(self.name(*s.split("_")) for s in row) for row in rows)
            for name, rows in found.items()
        }

    def equations(self, cell: Cell, module: Any) -> list[str]:
        """The cell's equations up to that of its state, with the symbols of this part."""
        lines = load(cell.model).text.splitlines()
        state = next(i for i, line in enumerate(lines) if line.startswith("h_t"))
        biases = "|".join((*cell.bias_ih, *cell.bias_hh))
        text = "\n".join(lines[: state + 1])
        if not module.bias:
            text = re.sub(rf" \+ ({biases})(?!\w)", "", text)
        if getattr(module, "nonlinearity", "tanh") == "relu":
            text = text.replace("tanh", "relu")
        return TERM.sub(self._rewritten, text).splitlines()

    def _rewritten(self, term: re.Match[str]) -> str:
        if gate := term["gate"]:
            pairs = zip("WV", self.below, strict=False)
            return " + ".join(f"{self.spelled(W, gate)} {h}_t" for W, h in pairs)
        index = term["index"].replace("-", "+") if self.backward else term["index"]
        return self.spelled(term["symbol"], index)


def _defined(nodes: Iterable[Node]) -> set[str]:
    """The names on the left sides of equations."""
    lefts = [node.sides[0] for node in nodes if isinstance(node, Relation)]
    return {Naming().read(left)[0] for left in lefts if isinstance(left, Symbol)}


def _check_outputs(parts: Sequence[Part], text: str, own: Sequence[Source]) -> None:
    """Refuse a loss that, with the user's equations, uses nothing of what the module computes."""
    computed = _defined(parse_equations(text))
    outputs = [f"{part.h}_t" for part in parts if "^" not in part.h]
    are = "a bidirectional module's outputs are" if len(outputs) > 1 else "the module's output is"
    known = f"{are} {' and '.join(outputs)}"
    naming = Naming(indexed=frozenset({*computed, "h"}))
    nodes = [(n, source) for source in own for n in parse_equations(source.text, file=source.file)]
    defined = _defined(node for node, _ in nodes)
    used: dict[str, Place] = {}
    for node, source in nodes:
        for symbol in node.walk():
            if isinstance(symbol, Symbol) and naming.read(symbol)[1] is not None:
                used.setdefault(naming.read(symbol)[0], source.place(symbol.span))
    if "h" in used.keys() - computed - defined:
        raise ModelError(f"h_t is no quantity of this model; {known}", used["h"])
    if nodes and not computed & used.keys():
        given = [f"{name}_t" for name in used if name not in defined]
        verb = "is" if len(given) == 1 else "are"
        taken = f"{' and '.join(given)} {verb} taken as given; " if given else ""
        raise ModelError(
            f"the loss uses nothing that the module computes; {taken}{known}",
            nodes[-1][1].place(nodes[-1][0].span),
        )


def _parts(module: Any) -> Iterator[Part]:
    """Each layer in each direction, in PyTorch's order."""
    ways = ("f", "b") if module.bidirectional else ("",)
    below: tuple[str, ...] = ("x",)
    for layer in range(1, module.num_layers + 1):
        top = layer == module.num_layers
        number = str(layer) if module.num_layers > 1 else ""
        outputs = tuple(f"h{way}" if top else f"h{way}^{{({layer})}}" for way in ways)
        for way, h in zip(ways, outputs, strict=True):
            label = ",".join(filter(None, (number, way)))
            suffix = f"_l{layer - 1}{'_reverse' * (way == 'b')}"
            yield Part(suffix, label, h, below, backward=way == "b")
        below = outputs
