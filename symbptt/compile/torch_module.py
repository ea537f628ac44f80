"""The backend ``torch``: a function of tensors that PyTorch differentiates by our gradients."""

from __future__ import annotations

from typing import Any

from symbptt.calculus import Derivation
from symbptt.compile.extras import needed
from symbptt.compile.function import Arrays, GradientFunction
from symbptt.compile.library_writer import library_module
from symbptt.compile.loader import load_module
from symbptt.compile.torch_writer import TAKEN_TORCH, TorchWriter


def compile_torch(derivation: Derivation, T: int | None = None) -> GradientFunction:
    """The derivation as a function that PyTorch runs."""
    needed("torch", "PyTorch", "torch")
    source = torch_module(derivation, T=T)
    module = load_module(source, "torch")

    def called(params: Arrays, inputs: Arrays) -> tuple[Any, dict[str, Any]]:
        loss, grads = module.loss_and_gradients(params, inputs)
        return loss.numpy()[()], {name: gradient.numpy() for name, gradient in grads.items()}

    return GradientFunction(derivation.model, "torch", source, T, called, module.ArrayError)


def torch_module(derivation: Derivation, version: str = "", T: int | None = None) -> str:
    """The text of a module that computes the loss and its gradients with PyTorch."""
    return library_module(TorchWriter, TAKEN_TORCH, derivation, version, T)
