"""What compiling gives back: a function of arrays, and the text that it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from symbptt.calculus.windows import Truncation
from symbptt.errors import BindingError
from symbptt.model import Model

Arrays = Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class GradientFunction:
    """``loss, grads = f(params, inputs)``.

    ``params`` maps each parameter and hyperparameter to an array: ``(n,)`` for a column or row,
    ``()`` for a scalar, ``(r, c)`` for a matrix.  ``inputs`` maps each input and target to
    ``(T, B, n)``, or ``(T, n)`` without a batch (``(T, B)`` or ``(T,)`` for a scalar), and initial
    values, which are zero if left out, to ``(B, n)`` or ``(n,)``.  All are float32 or all are
    float64.  What no array says is a whole number in ``inputs``: ``T``, or the size ``n`` of a
    state.

    The loss is the sum over steps and batch, with penalties added once; ``grads`` holds, in the
    shapes of the arrays, the gradient by each parameter, by each initial value, and by the inputs
    if they were derived; with ``truncation``, what truncated BPTT makes of it.

    Raises :class:`BindingError`, one line, for arrays that don't fit the model.
    """

    model: Model
    backend: str
    source: str
    T: int | None
    run: Callable[[Arrays, Arrays], tuple[Any, dict[str, Any]]]
    refusal: type[Exception]
    truncation: Truncation | None = None

    def __repr__(self) -> str:
        steps = "any T" if self.T is None else f"T = {self.T}"
        cut = self.truncation
        kind = "gradient" if cut is None else f"gradient, truncated to ({cut.k1}, {cut.k2}),"
        return f"<{kind} of {self.model.name} for {steps}, backend {self.backend}>"

    def __call__(self, params: Arrays, inputs: Arrays) -> tuple[Any, dict[str, Any]]:
        try:
            return self.run(params, inputs)
        except self.refusal as error:
            raise BindingError(str(error)) from None


@dataclass(frozen=True, repr=False)
class HessianFunction:
    """``loss, grads, products = f(params, inputs, direction)``.

    ``direction`` maps parameters and initial values to arrays of their shapes; what is left out
    does not move.  ``products`` holds, for each gradient and in its shape, the change of that
    gradient along the direction, ``H u``: at a kink of a function (relu), that of one side.

    Raises :class:`BindingError`, one line, for arrays that don't fit the model.
    """

    model: Model
    backend: str
    source: str
    T: int | None
    run: Callable[[Arrays, Arrays, Arrays], tuple[Any, dict[str, Any], dict[str, Any]]]
    refusal: type[Exception]

    def __repr__(self) -> str:
        steps = "any T" if self.T is None else f"T = {self.T}"
        return f"<Hessian-vector product of {self.model.name} for {steps}, backend {self.backend}>"

    def __call__(
        self, params: Arrays, inputs: Arrays, direction: Arrays
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        try:
            return self.run(params, inputs, direction)
        except self.refusal as error:
            raise BindingError(str(error)) from None
