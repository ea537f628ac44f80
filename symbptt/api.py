"""The functions that users call, each a few lines over the layers below.

Wherever a model is expected, a built-in name, the path of a model file or of a document, or
equations as text will do as well.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from symbptt import model as _model
from symbptt.errors import (
    DerivationError,
    FormulaError,
    ModelError,
    ModelWarning,
    RequestError,
    with_article,
)
from symbptt.files import write_whole
from symbptt.model import Model

if TYPE_CHECKING:
    from symbptt.calculus import AnyDerivation, Derived, Graph
    from symbptt.check.documents.document import Document
    from symbptt.check.findings import Report as CheckReport
    from symbptt.compile import GradientFunction, HessianFunction
    from symbptt.evidence.report import Report
    from symbptt.torch_modules import TorchModel

ModelLike = Model | str | Path

#: What :func:`derive` says of ``truncate``: k, or (k1, k2).
Truncate = int | tuple[int, int]


class RecurrentModel(Model):
    """A model with the method that needs the engine."""

    def unroll(self, T: int) -> Graph:
        """The network unrolled for ``T`` steps: ``.nodes``, ``.edges``, ``.loss``."""
        return unroll(self, T)


def load(source: ModelLike, **options: Any) -> RecurrentModel:
    r"""The model of a built-in name, a model file, a document, or equations as text.

    Text has one equation a line, the loss among them; a file may hold such text too.  Of a
    document (Markdown, LaTeX, a notebook, …) it is the model that its forward equations define.
    ``options`` are the keys of a model file (``functions``, ``shapes``, ``bindings``, …) for
    equations given as text.

    Raises ``RequestError`` if there is no such model, ``FormulaError`` and ``ModelError``,
    with the place, for what can't be read or is no recurrent model.  Warns with ``ModelWarning``
    of a reading that may not be meant; the model has these ``.notes`` too.

    >>> load("elman").unroll(2).nodes.keys()
    dict_keys([z_1, h_1, o_1, y_1, z_2, h_2, o_2, y_2])
    """
    try:
        found = source if isinstance(source, Model) else _loaded(source, **options)
    except RecursionError:
        raise RequestError("a formula is too deep or too long; give a part of it a name") from None
    if isinstance(found, RecurrentModel):
        return found
    if not isinstance(source, Model):
        for note in found.notes:
            warnings.warn(note, ModelWarning, stacklevel=2)
    return RecurrentModel(**{f.name: getattr(found, f.name) for f in fields(Model)})


def _loaded(source: str | Path, **options: Any) -> Model:
    """The model of what is one, or of a document."""
    try:
        return _model.load(source, **options)
    except (FormulaError, ModelError, RequestError):
        if not _is_file(source):
            raise
        from symbptt.check.networks.defined import is_document, model_of

        if not is_document(Path(source)):
            raise
    return model_of(Path(source))


def _is_file(source: str | Path) -> bool:
    try:
        return isinstance(source, str | Path) and Path(source).is_file()
    except (OSError, ValueError):
        return False


def from_torch(module: Any, loss: str, equations: str = "", **options: Any) -> TorchModel:
    r"""A ``torch.nn.RNN``, ``LSTM`` or ``GRU`` as a model, with its weights as ``params``.

    The loss, and equations of an output if there is one, are text.  ``h_t`` is what the module
    returns, the top layer's output; ``hf_t`` and ``hb_t`` are its two halves where the module is
    bidirectional.  Equations and weights have the names of the cells ``elman``, ``lstm`` and
    ``gru``, to which several layers add their number: ``c^{(1)}_t`` is ``c_1`` and ``U^{(2)}_i`` is
    ``U_i_2``.  The two biases of a gate are one, their sum, but for those that the GRU's reset
    gate stands between.  ``options`` are those of :func:`load`.

    The result has ``.model``; ``.params``, copies in the dtype of the module; ``.states``, the
    names that the layers of PyTorch's ``h_0`` and ``c_0`` have in ``inputs`` and in gradients, but
    for those that an equation, ``h_0 = s``, gives a value to;
    and ``.grads(grads)``, gradients by the names of ``module.named_parameters()``, in their shapes.
    Inputs are ``(T, B, n)`` or ``(T, n)``, whatever ``batch_first`` says.

    Raises ``RequestError`` for any other module, for dropout and for projections.

    Source: the equations in the documentation of ``torch.nn.RNN``, ``LSTM`` and ``GRU``.

    >>> import torch
    >>> gru = torch.nn.GRU(2, 3, num_layers=2).double()
    >>> found = from_torch(gru, r"L = \sum_{t=1}^{T} squared_error(h_t, d_t)")
    >>> found.params["W_n_1"].shape, found.states
    ((3, 2), {'h_0': ('h_1_0', 'h_0')})
    """
    from symbptt.torch_modules import from_torch

    found = from_torch(module, loss, equations, **options)
    return replace(found, model=load(found.model))


def unroll(model: ModelLike, T: int) -> Graph:
    """Copy the equations for t = 1…T into a graph of named nodes."""
    from symbptt.calculus import unroll

    return unroll(load(model), T)


@overload
def derive(
    model: ModelLike,
    T: int | None = None,
    *,
    inputs: bool = False,
    truncate: Truncate | None = None,
    mode: Literal["reverse"] = "reverse",
) -> AnyDerivation: ...


@overload
def derive(
    model: ModelLike,
    T: int | None = None,
    *,
    inputs: bool = False,
    truncate: Truncate | None = None,
    mode: str,
) -> Derived: ...


def derive(
    model: ModelLike,
    T: int | None = None,
    *,
    inputs: bool = False,
    truncate: Truncate | None = None,
    mode: str = "reverse",
) -> Derived:
    """Derive backpropagation through time, for a symbolic T or a given one.

    With ``inputs``, the gradients by the inputs and targets are derived too.

    With ``truncate=(k1, k2)``, truncated BPTT: windows end at the steps k1, 2 k1, … and T; each
    takes the losses of the steps since the one before, and goes back k2 steps from its end, where
    the state is cut.  ``truncate=k`` is (1, k): each step's loss flows back over k steps.  With
    k2 ≥ T nothing is cut.  Of several recurrences each is followed for k2 steps: one from T to 1
    from the first of a window's losses on, and one whose last value starts another from T back, in
    windows that have the first step.

    With ``mode="forward"``, real-time recurrent learning, for every T.  Of a model that takes
    several passes over time, derivatives are carried along each recurrence in its own direction;
    what a later pass reads is kept for every step.

    Raises ``DerivationError`` for numbers that make no windows, as k2 < k1, and for a model of
    which no one window is that of k2 steps of each recurrence.

    >>> derive("elman", truncate=3).gradients["W_hh"]
    Σ_{e=1}^T Σ_{t=Max(1, e - 2)}^e δ^{z,(e)}_t*h_{t-1}.T
    >>> derive("elman", mode="forward").sensitivity("h", "W_hh")
    DiagMatrix(-HadamardPower(h_t, 2) + 1)*(KroneckerProduct(h_{t-1}.T, I) + W_hh*∂h_{t-1}/∂W_hh)
    """
    from symbptt.calculus import derive_in

    return derive_in(mode, load(model), T, inputs=inputs, windows=truncate)


def render(
    derivation: Derived | ModelLike,
    format: str = "text",
    notation: str | None = None,
    layout: str | None = None,
    *,
    evidence: Report | None = None,
    figure: str | None = None,
) -> Any:
    """A derivation as ``text``, ``latex``, ``markdown``, ``html``, ``pdf`` (bytes) or ``json``.

    ``fragment`` is LaTeX to include in a document of one's own.  ``notation`` is a preset's
    name (by default the model's own), ``layout`` that of printed Jacobians, ``numerator`` or
    ``denominator``.  ``evidence`` takes a report of :func:`verify`, ``figure`` the address of a
    drawing for Markdown.

    Raises ``RequestError`` for a format, notation or layout that doesn't exist, and for PDF
    where pdflatex is not installed.
    """
    from symbptt.render import render_derivation

    d = derive(derivation) if isinstance(derivation, ModelLike) else derivation
    return render_derivation(d, format, notation, layout, evidence=evidence, figure=figure)


@overload
def compile(
    model: ModelLike,
    backend: str = "numpy",
    *,
    T: int | None = None,
    functions: Mapping[str, str] | None = None,
    inputs: bool = False,
    truncate: Truncate | None = None,
    mode: str = "reverse",
    products: None = None,
    checkpoints: bool = False,
) -> GradientFunction: ...


@overload
def compile(
    model: ModelLike,
    backend: str = "numpy",
    *,
    T: int | None = None,
    functions: Mapping[str, str] | None = None,
    products: str,
) -> HessianFunction: ...


def compile(
    model: ModelLike,
    backend: str = "numpy",
    *,
    T: int | None = None,
    functions: Mapping[str, str] | None = None,
    inputs: bool = False,
    truncate: Truncate | None = None,
    mode: str = "reverse",
    products: str | None = None,
    checkpoints: bool = False,
) -> GradientFunction | HessianFunction:
    """The gradient as a function: ``loss, grads = f(params, inputs)``, dicts of arrays by name.

    Shapes: a matrix parameter ``(r, c)``, a column ``(n,)``; an input or target ``(T, B, n)`` or
    ``(T, n)``; an initial value ``(B, n)`` or ``(n,)``, zeros if left out.  The loss is summed
    over steps and batch, penalties are added once; ``grads`` has the parameters and the initial
    values, and with ``inputs`` the inputs too.  ``functions`` says what abstract functions stand
    for; with ``truncate``, as for :func:`derive`, ``grads`` are those of truncated BPTT.

    With ``checkpoints`` memory grows with √T instead of T: the values of all but the states before
    every 2√T steps are computed again on the way back, in some 1.4 times the time.  In ``forward``
    mode the function goes forward in time only, in memory that is free of T.  With
    ``products="hessian"`` it is ``loss, grads, hv = f(params, inputs, direction)``, where ``hv`` is
    the change of ``grads`` along a direction, a dict like ``params``.

    Raises ``BindingError`` where a function is not bound or an array does not fit.

    >>> import numpy as np
    >>> f = compile("elman-linear", functions={"L_t": "squared_error"})
    >>> shapes = {"W_hh": (3, 3), "W_xh": (3, 2), "b_h": 3, "W_hy": (4, 3), "b_y": 4}
    >>> params = {name: np.ones(shape) for name, shape in shapes.items()}
    >>> loss, grads = f(params, {"x": np.ones((5, 2)), "d": np.ones((5, 4))})
    >>> grads["W_xh"].shape
    (3, 2)
    """
    from symbptt.calculus import derive_in
    from symbptt.compile import compile_gradient, compile_hessian

    bound = _model.bind(load(model), functions)
    _model.require_bound(bound)
    d = derive_in(mode, bound, inputs=inputs, windows=truncate)
    if products is None:
        return compile_gradient(d, backend, T, checkpoints=checkpoints)
    if checkpoints:
        raise RequestError("Hessian-vector products keep all values; leave out checkpoints")
    return compile_hessian(d, backend, T, products)


def export(
    model: ModelLike,
    path: str | Path | None = None,
    backend: str = "numpy",
    *,
    functions: Mapping[str, str] | None = None,
    truncate: Truncate | None = None,
    check: bool = True,
    mode: str = "reverse",
    products: str | None = None,
    checkpoints: bool = False,
) -> str:
    """The gradient as a standalone source file; returns its text and writes it to ``path``, and
    what belongs to it beside: with the backend ``c`` a header and a Python module that calls it.

    ``mode``, ``products`` and ``checkpoints`` are those of :func:`compile`.

    The function is verified before anything is written; a failure raises
    ``DerivationError`` and leaves no file behind.
    """
    from symbptt import __version__
    from symbptt.calculus import derive_in
    from symbptt.compile import compile_gradient, compile_hessian, export_files
    from symbptt.evidence.verify import verify, verify_products

    bound = _model.bind(load(model), functions)
    _model.require_bound(bound)
    d = derive_in(mode, bound, windows=truncate)
    target = Path(path) if path is not None else None
    name = "" if target is None else target.stem
    files = export_files(
        d, backend, version=__version__, products=products, checkpoints=checkpoints, name=name
    )
    first = next(iter(files))
    if target is not None and len(files) > 1 and target.suffix != first:
        raise RequestError(f"'{target.name}' is to be C; name a file that ends in {first}")
    if check:
        if products is None:
            T = 7 if checkpoints else 2 if truncate is None else None  # long enough to be cut
            f = compile_gradient(d, backend, checkpoints=checkpoints)
            report = verify(d, {backend: f}, T=T)
        else:
            report = verify_products(compile_hessian(d, backend, products=products))
        if not report.passed:
            raise DerivationError(f"{bound.name}: not exported, verification failed: {report}")
    if target is not None and len(files) == 1:
        write_whole(target, files[first])
    elif target is not None:
        for suffix, text in files.items():
            write_whole(target.with_suffix(suffix), text)
    return files[first]


def explain(model: ModelLike, *, functions: Mapping[str, str] | None = None) -> str:
    """The schedule of the compiled gradient as text: what runs in a loop over t and what for all
    steps at once, with the floating-point operations and the bytes (float64) of each part.

    B is the batch, T the number of steps; the other letters are the model's dimensions.

    >>> print(explain("elman").splitlines()[-1])
    of highest order: 4 B T m n + 6 B T k n + 6 B T n²
    """
    from symbptt.calculus import derive as derived
    from symbptt.compile.explain import explained

    bound = _model.bind(load(model), functions)
    _model.require_bound(bound)
    return explained(derived(bound))


def verify(
    model: ModelLike,
    *,
    T: int | None = None,
    functions: Mapping[str, str] | None = None,
    truncate: Truncate | None = None,
    seed: int = 0,
    witnesses: Iterable[str] = (),
    progress: Callable[[str], None] | None = None,
    mode: str = "reverse",
) -> Report:
    """Prove a derivation and the functions compiled from it; a report says how.

    The derivation is proved by exact arithmetic modulo 2⁶¹-1 against forward-mode derivatives
    and, for every T, by induction; where its functions are bound, the compiled gradients are
    compared with complex-step derivatives and with the hand-written numeric BPTT.
    ``witnesses=("torch", "jax")`` has them compared with the autograd of PyTorch and JAX too.

    With ``truncate``, as for :func:`derive`, the truth is a forward pass whose state is cut at the
    same places, and the proof is for given T, one of them long enough to be cut.  In ``forward``
    mode what is proved is real-time recurrent learning, and that its gradients are those of
    reverse mode.

    Raises ``RequestError`` for a witness that is unknown or not installed, ``BindingError``
    where one is asked about a model whose functions are not bound.
    """
    from symbptt.calculus import derive_in
    from symbptt.compile import compile_gradient
    from symbptt.evidence.verify import verify

    found = load(model)
    bound = _model.bind(found, functions)
    d = derive_in(mode, bound, windows=truncate)
    compiled: dict[str, GradientFunction] = {}
    if witnesses:
        _model.require_bound(bound)
    if not bound.abstract:
        compiled["numpy"] = compile_gradient(d, "numpy")
        if mode == "reverse":
            cut = d.truncation
            steps = T or (3 if cut is None else min(cut.k1 + cut.k2, 6))
            compiled["lambdify"] = compile_gradient(d, "lambdify", steps)
    abstract = derive_in(mode, found, windows=truncate) if bound is not found else None
    return verify(
        d, compiled, abstract=abstract, seed=seed, T=T, witnesses=witnesses, progress=progress
    )


def check(
    text_or_path: str | Path | Document,
    model: ModelLike | None = None,
    names: Mapping[str, str] | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> CheckReport:
    r"""The verdict on every gradient formula of a document, or on one formula.

    ``text_or_path`` is the path of a document, its text, or a formula without delimiters.  Claims
    are judged by the document's own forward equations or by ``model``; ``names`` says which of
    the model's names the document's symbols have: ``{"s": "h", "U": "W_xh"}``.  What a file
    ``notes.symbptt.toml`` beside ``notes.md`` says of both is used too, where nothing is given.

    ``progress`` is told, formula by formula, how far it is.

    The report has ``.findings``, ``.faults()``, ``.passed`` and ``.summary``, and prints as text.

    Raises ``RequestError`` for a file that can't be read, for names that are not text and for
    those in ``notes.symbptt.toml`` that the model in it doesn't have.
    """
    from symbptt.check.documents.document import Document
    from symbptt.check.documents.given import document_of
    from symbptt.check.judging import check_document
    from symbptt.check.sidecar import Sidecar, beside, checked_names, of_model

    if isinstance(text_or_path, Document):
        document = text_or_path
    elif isinstance(text_or_path, str | Path):
        document = document_of(text_or_path)
    else:
        given = with_article(type(text_or_path).__name__)
        raise RequestError(f"a document is a path or a text, not {given}")
    said = beside(Path(document.file)) if document.file else Sidecar()
    beside_it = model is None
    model = said.model if model is None else model
    named = {**said.names, **checked_names(names or {}, "check()")}
    loaded = None if model is None else load(model)
    if loaded is not None and beside_it:
        of_model(said.names, loaded)
    return check_document(
        document,
        loaded,
        named or None,
        None if model is None or isinstance(model, Model) else str(model),
        progress=progress,
    )
