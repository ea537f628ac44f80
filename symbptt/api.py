"""The functions that users call, each a few lines over the layers below.

Wherever a model is expected, a built-in name, the path of a model file, or equations as text
will do as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symbptt import model as _model
from symbptt.model import Model

if TYPE_CHECKING:
    from symbptt.calculus import Derivation, Graph
    from symbptt.compile import GradientFunction
    from symbptt.evidence import Report

ModelLike = Model | str | Path


class RecurrentModel(Model):
    """A model with the method that needs the engine."""

    def unroll(self, T: int) -> Graph:
        """The network unrolled for ``T`` steps: ``.nodes``, ``.edges``, ``.loss``."""
        return unroll(self, T)


def load(source: ModelLike, **options: Any) -> RecurrentModel:
    r"""The model of a built-in name, a model file, or equations as text.

    Text has one equation a line, the loss among them.  ``options`` are the keys of a model
    file (``functions``, ``shapes``, ``bindings``, …) for equations given as text.

    Raises ``RequestError`` if there is no such model, ``FormulaError`` and ``ModelError``,
    with the place, for what can't be read or is no recurrent model.

    >>> load("elman").unroll(2).nodes.keys()
    dict_keys([z_1, h_1, o_1, y_1, z_2, h_2, o_2, y_2])
    """
    found = source if isinstance(source, Model) else _model.load(source, **options)
    if isinstance(found, RecurrentModel):
        return found
    return RecurrentModel(**{f.name: getattr(found, f.name) for f in fields(Model)})


def unroll(model: ModelLike, T: int) -> Graph:
    """Copy the equations for t = 1…T into a graph of named nodes."""
    from symbptt.calculus import unroll

    return unroll(load(model), T)


def derive(model: ModelLike, T: int | None = None, *, inputs: bool = False) -> Derivation:
    """Derive backpropagation through time, for a symbolic T or a given one.

    With ``inputs``, the gradients by the inputs and targets are derived too.
    """
    from symbptt.calculus import derive

    return derive(load(model), T, inputs=inputs)
