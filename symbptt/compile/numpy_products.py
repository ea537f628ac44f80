"""Hessian-vector products as NumPy code: the gradient's loops, with a tangent for each line."""

from __future__ import annotations

from collections.abc import Iterator

from symbptt.calculus import Derivation
from symbptt.calculus import nodes as nd
from symbptt.compile.conditions import point
from symbptt.compile.function import HessianFunction
from symbptt.compile.identifiers import step_label
from symbptt.compile.intermediate import with_intermediates
from symbptt.compile.loader import load_module
from symbptt.compile.numpy_module import TAKEN, module_text
from symbptt.compile.numpy_writer import Writer
from symbptt.compile.plain import plain
from symbptt.compile.program import Loop, Quantity, Statement, program
from symbptt.compile.share import share
from symbptt.compile.tangents import initially_moving, operated, with_tangents
from symbptt.model import Index, Role, Variable, initial_key

#: More names of the template, and of the body below.
TAKEN_PRODUCTS = (*TAKEN, "direction", "moved", "moving", "hessian_vector_product")


def compile_products(derivation: Derivation, T: int | None = None) -> HessianFunction:
    """The loss, its gradients and a Hessian-vector product as a NumPy function."""
    source = products_module(derivation, T=T)
    module = load_module(source, "numpy_products")
    return HessianFunction(
        derivation.model, "numpy", source, T, module.hessian_vector_product, module.ArrayError
    )


def products_module(derivation: Derivation, version: str = "", T: int | None = None) -> str:
    """The text of a module that computes loss, gradients and Hessian-vector products."""
    whole = with_tangents(with_intermediates(share(program(derivation))))
    writer = ProductWriter(whole, TAKEN_PRODUCTS)
    return module_text("compiled/numpy_products.py.j2", writer, version, T)


class ProductWriter(Writer):
    """Writes a program with tangents; ``R_h[t]`` is the change of ``h[t]`` along the direction."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (*initially_moving(self.program.model), *map(of, self.tangents())):
            if operated(name) not in self.variables:
                tangent = self.names.new(f"R_{self.variables[name]}")
                self.variables[operated(name)] = tangent
        for key in self.program.gradient_keys:
            self.gradients[operated(key)] = self.names.new(f"hv_{step_label(key)}")

    def tangents(self) -> Iterator[str]:
        """The keys of what there is a tangent of at each step, in order."""
        for s in self.program.statements:
            if s.quantity is Quantity.TANGENT:
                yield s.key

    def arrays(self) -> Iterator[str]:
        """The variables and their tangents."""
        yield from super().arrays()
        for s in self.program.of(Loop.FORWARD, Quantity.SHARED):
            yield f"{self.variables[s.key]} = {{}}"
        yield "# R{v} is the change of v along the direction."
        model, computed = self.program.model, set(self.tangents())
        for v in (*model.parameters, *model.given, *model.with_role(Role.STATE, Role.COMPUTED)):
            key = operated(v.name)
            starts = {s: start for s in v.initial_steps if (start := self.moved(v, s)) is not None}
            if v in model.parameters:
                yield f'{self.variables[key]} = moved["{v.name}"]'
            elif v in model.given and key in self.variables:
                x, Rx = self.variables[v.name], self.variables[key]
                yield f"{Rx} = {{t: np.zeros_like(a) for t, a in {x}.items()}}"
                yield from (f"{Rx}[{point(s)}] = {start}" for s, start in starts.items())
            elif key in computed:
                inside = ", ".join(f"{point(s)}: {start}" for s, start in starts.items())
                yield f"{self.variables[key]} = {{{inside}}}"
        adjoints = (key for key in self.tangents() if of(key) not in model.variables)
        yield from (f"{self.variables[key]} = {{}}" for key in adjoints)

    def moved(self, v: Variable, s: Index) -> str | None:
        """Source for the change of a value at a step outside 1…T; None if it is computed."""
        initial = self.program.model.initial
        if (v.name, s) not in initial:
            return f'moved.initial("{initial_key(v.name, s)}")'
        start = initial[v.name, s]
        if start is not None and start.step is not None:
            return None
        if start is None or operated(start.name) not in self.variables:
            return f"np.zeros_like({self.variables[v.name]}[{point(s)}])"
        layout = self.code.layout(tuple(map(nd.dimension, v.shape))) or ["1"]
        return f"given.spread({', '.join([self.variables[operated(start.name)], *layout])})"

    def starts(self, stage: int) -> Iterator[str]:
        """The initial values that are last values of passes before this one, and their changes."""
        yield from super().starts(stage)
        model, computed = self.program.model, set(self.tangents())
        for (name, s), start in model.initial.items():
            if start is None or start.step is None or operated(name) not in computed:
                continue
            if model.stage_of(name) == stage:
                at, value, R = point(s), self.variables[name], self.variables[operated(name)]
                change = f"np.zeros_like({value}[{at}])"
                if operated(start.name) in computed:
                    change = f"{self.variables[operated(start.name)]}[{point(start.step)}]"
                yield f"{R}[{at}] = {change}"

    def zeros(self) -> Iterator[str]:
        yield from super().zeros()
        for v in self.program.model.parameters:
            yield f"{self.gradients[operated(v.name)]} = np.zeros_like({self.variables[v.name]})"

    def results(self) -> Iterator[str]:
        """The gradients, what the direction makes of them, and the end."""
        for name, key_of in (("grads", str), ("products", operated)):
            yield f"{name} = {{"
            for key in self.program.gradient_keys:
                yield f'    "{key}": {self.gradients[key_of(key)]},'
            yield "}"
        yield "return (*given.result(loss, grads), given.result(loss, products)[1])"

    def comment(self, s: Statement) -> str:
        """What a statement computes, as mathematics; of a long tangent, its left side."""
        if not s.key.startswith("R{"):
            return super().comment(s)
        L = self.program.model.loss_name
        if s.quantity is Quantity.TANGENT:
            return f"R{{{plain(s.symbol)}}}"
        return f"R{{∂{L}/∂{plain(s.symbol)}}}"


def of(key: str) -> str:
    """What a tangent is of.

    >>> of("R{h}")
    'h'
    """
    return key.removeprefix("R{").removesuffix("}")
