"""Forward mode as NumPy code: a loop over t for each pass over time.

It keeps nothing but the last steps, and those values and sensitivities that a later pass reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import chain

import sympy as sp
from sympy.matrices.expressions import MatrixExpr, MatrixSymbol

from symbptt.calculus import ForwardDerivation
from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.forward_derivation import Carried
from symbptt.compile.code import ATOM, Code
from symbptt.compile.conditions import condition, point
from symbptt.compile.fitting import ends_of, parts_of, put_in
from symbptt.compile.function import GradientFunction
from symbptt.compile.loader import load_module
from symbptt.compile.numpy_module import TAKEN, module_text
from symbptt.compile.numpy_writer import WIDTH, Line, Writer, gathered, indented
from symbptt.compile.plain import plain
from symbptt.compile.program import (
    Loop,
    Part,
    Program,
    Quantity,
    Statement,
    forward,
    shared_factor,
)
from symbptt.compile.quoting import quoted_lines
from symbptt.compile.sensitivity_code import HELPERS, SensitivityCode, is_diagonal

#: More names of the template, and of the body below.
TAKEN_FORWARD = (*TAKEN, *HELPERS, "zeros", "start", "shaped", "carried", "kept", "lag", "p")


def compile_forward(derivation: ForwardDerivation, T: int | None = None) -> GradientFunction:
    """Forward mode as a NumPy function, for any T (or for one)."""
    source = forward_module(derivation, T=T)
    module = load_module(source, "numpy_forward")
    return GradientFunction(
        derivation.model, "numpy", source, T, module.loss_and_gradients, module.ArrayError
    )


def forward_module(derivation: ForwardDerivation, version: str = "", T: int | None = None) -> str:
    """The text of a module that computes the loss and its gradients with no backward pass."""
    writer = ForwardWriter(within_program(derivation), TAKEN_FORWARD, derivation=derivation)
    return module_text("compiled/numpy_forward.py.j2", writer, version, T)


def within_program(d: ForwardDerivation) -> Program:
    """The forward pass, and the backward pass within a step."""
    model = d.model
    statements = [
        replace(s, stage=d.pass_of(s.parts[0].expression)) if s.quantity is Quantity.LOSS else s
        for s in forward(d.reverse)
    ]
    for name, r in d.outputs.recursions.items():
        expressions, factor = shared_factor([c.expression for c in r.contributions])
        parts = tuple(Part(e, c.steps) for c, e in zip(r.contributions, expressions, strict=True))
        head = Statement(Loop.BACKWARD, Quantity.ADJOINT, name, r.symbol, parts, r.support, factor)
        statements.append(replace(head, stage=model.stage_of(name)))
    for name, g in d.outputs.gradients.items():
        for c in g.contributions:
            loop = Loop.AFTER if c.steps.once else Loop.BACKWARD
            part = (Part(c.expression, c.steps),)
            share = Statement(loop, Quantity.GRADIENT, name, g.symbol, part, c.steps)
            statements.append(replace(share, stage=d.pass_of(c.expression)))
    return Program(model, tuple(statements))


@dataclass
class ForwardWriter(Writer):
    """Writes a forward derivation; ``S_h[t]["W"]`` is ``∂h_t/∂W``, (B, rows, columns)."""

    derivation: ForwardDerivation = field(kw_only=True)
    code: SensitivityCode = field(init=False)
    groups: dict[tuple[str, ...], str] = field(default_factory=dict)
    constants: dict[tuple[str, sp.Expr], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.derivation.condensed:
            self.variables[f"∂{name}"] = self.names.new(f"S_{name}")
        self.code = SensitivityCode(
            self.variables,
            sizes=self.code.sizes,
            sensitivity=self.sensitivity,
            identity=partial(self.constant, "eye"),
            ones=partial(self.constant, "ones"),
        )
        self.keys = {place: key for key, place in self.derivation.places.items()}

    def helpers(self) -> Iterator[str]:
        """The functions that were called, of numbers and of matrices."""
        yield from super().helpers()
        yield from (HELPERS[name] for name in HELPERS if name in self.code.matrix_helpers)

    def sensitivity(self, s: jn.Sensitivity) -> str:
        """Source for ``∂h_t/∂W``; for any θ, that of the loop's variable."""
        key = "p" if s.by == self.derivation.theta else f'"{self.keys[s.by]}"'
        return f"{self.variables[f'∂{s.of.name}']}[{s.of.index}][{key}]"

    def constant(self, what: str, size: sp.Expr) -> str:
        """The variable of an identity matrix (``eye``) or of a column of ones (``ones``)."""
        if (what, size) not in self.constants:
            simple = size.is_Symbol or size.is_Integer
            label = size if simple else f"{len(self.constants) + 1}_"
            self.constants[what, size] = self.names.new(f"{what}_{label}")
        return self.constants[what, size]

    def said(self, left: MatrixExpr, right: MatrixExpr, sign: str, when: str) -> Iterator[Line]:
        """A comment."""
        text = f"{plain(left)} = {sign}{plain(right)}".replace(
            f"∂{self.derivation.theta.name}", "∂θ"
        )
        yield from (Line(f"# {line}", when) for line in quoted_lines(text, self.room - 2))

    def facts(self) -> dict[str, object]:
        d = self.derivation
        return {"real_time": d.real_time, "grows": d.grows, "causal": d.model.is_causal}

    # -- sections -----------------------------------------------------------------------------

    def body(self) -> Iterator[str]:
        """All lines, in order."""
        loops = [list(self.step(i)) for i in range(len(self.program.model.stages))]
        after = list(self.lines(self.program.of(Loop.AFTER)))
        before = [*self.zeros(), "loss = 0.0"]
        starts = [list(self.starts(i)) for i in range(len(loops))]
        yield "T = given.T"
        yield from self.arrays()
        for keys, name in self.groups.items():
            yield from assigned(name, [f'"{key}"' for key in keys])
        said = set(re.findall(r"\w+", "\n".join(chain(*loops, after))))
        for (what, size), name in self.constants.items():
            if name in said:  # and not only in a line that was too long
                yield f"{name} = np.{what}({self.code.size(size)}, dtype=given.dtype)"
        yield from before
        for i, lines in enumerate(loops):
            kept, reverse = list(self.kept(i)), self.program.model.stages[i].reverse
            yield from ("", *starts[i], *(assigned("kept", kept) if kept else ()))
            yield f"for t in {'range(T, 0, -1)' if reverse else 'range(1, T + 1)'}:"
            yield from indented(lines)
            if kept:
                yield "    # What no later step needs is forgotten."
                yield "    for values, lag in kept:"
                yield f"        values.pop(t {'+' if reverse else '-'} lag, None)"
        yield from ("", *after, *([""] if after else ()), "grads = {")
        for key in self.derivation.places:
            yield f'    "{key}": {self.result(key)},'
        yield from ("}", "return given.result(loss, grads)")

    def step(self, stage: int) -> Iterator[str]:
        """The lines of the loop of a pass over time."""
        yield from self.lines(self.program.of(Loop.FORWARD, stage=stage))
        yield from gathered(self.carried(stage))
        yield from self.lines(self.program.of(Loop.BACKWARD, stage=stage))
        yield from gathered(self.contracted(stage))

    def zeros(self) -> Iterator[str]:
        """What the loop fills or adds to."""
        for v in self.derivation.model.parameters:
            if self.derivation.direct(v.name):
                yield f"{self.gradients[v.name]} = np.zeros_like({self.variables[v.name]})"
        for name in self.derivation.outputs.recursions:
            yield f"{self.variables[f'δ^{name}']} = {{}}"
        keys = tuple(key for key in self.derivation.places if self.is_carried(key))
        if keys:
            yield f"carried = {{p: zeros(given, 1, p)[:, 0] for p in {self.group(keys)}}}"

    def starts(self, stage: int) -> Iterator[str]:
        """The sensitivities of a pass, with those of initial values."""
        d = self.derivation
        yield from super().starts(stage)
        for name, line in self.lines_of(stage).items():
            S = self.variables[f"∂{name}"]
            if self.is_known(name):
                rows, group = self.code.size(nd.entries(line.symbol)), self.group(d.carries(name))
                yield f"{S} = dict.fromkeys(range(1, T + 1), start(given, {rows}, {group}))"
            else:
                yield f"{S} = {{}}"
            for s in d.model.variables[name].initial_steps:
                rows, group = self.code.size(nd.entries(line.symbol)), self.group(d.carries(name))
                itself = d.start(name, s)
                more = f', "{itself}"' if isinstance(itself, str) else ""
                yield f"{S}[{point(s)}] = start(given, {rows}, {group}{more})"
                if isinstance(itself, nd.At):
                    last = f"{self.variables[f'∂{itself.name}']}[{itself.index}]"
                    yield f"{S}[{point(s)}].update({last})"

    def is_known(self, name: str) -> bool:
        """Whether a sensitivity is set for all steps at once: that of an input used at later
        steps, by which nothing changes."""
        return name not in self.program.model.order and not self.program.model.is_causal

    @cached_property
    def kept_values(self) -> frozenset[str]:
        """What stays for a later pass; a loss in its stable form may read more than its terms."""
        d = self.derivation
        read = d.read_later(
            (s.stage, p.expression) for s in self.program.statements for p in s.parts
        )
        return d.kept_values | {a.name for a in read}

    def lines_of(self, stage: int) -> dict[str, Carried]:
        """What a pass carries: inputs are carried by each."""
        model = self.program.model
        return {
            name: line
            for name, line in self.derivation.condensed.items()
            if name not in model.order or model.stage_of(name) == stage
        }

    def kept(self, stage: int) -> Iterator[str]:
        """What the loop of a pass fills, with how many steps of it a later one may need."""
        d, names = self.derivation, self.program.model.stages[stage].names
        lags = {v.name: len(v.initial_steps) for v in d.model.variables.values()}
        for start in d.model.initial.values():
            if start is not None and start.step is not None:
                lags[start.name] = max(1, lags[start.name])
        for name in names:
            if name not in self.kept_values:
                yield f"({self.variables[name]}, {lags[name]})"
        for name in self.lines_of(stage):
            if name not in d.kept_sensitivities and not self.is_known(name):
                yield f"({self.variables[f'∂{name}']}, {lags[name]})"
        outputs = (name for name in d.outputs.recursions if name in names)
        yield from (f"({self.variables[f'δ^{name}']}, 0)" for name in outputs)

    def result(self, key: str) -> str:
        """Source for a finished gradient."""
        if not self.is_carried(key):
            return self.gradients[key]
        text = f'shaped(given, "{key}", carried["{key}"])'
        return f"{self.gradients[key]} + {text}" if self.derivation.direct(key) else text

    def is_carried(self, key: str) -> bool:
        """Whether a gradient is more than what θ adds within a step."""
        d = self.derivation
        return not d.direct(key) or bool(al.find(d.gradients[key], jn.Sensitivity))

    def group(self, keys: tuple[str, ...]) -> str:
        """A name for some θ."""
        if keys not in self.groups:
            self.groups[keys] = self.names.new(f"theta_{len(self.groups) + 1}")
        return self.groups[keys]

    # -- within the loop ------------------------------------------------------------------------

    def comment(self, s: Statement) -> str:
        text = super().comment(s)
        if s.quantity is Quantity.GRADIENT and self.is_carried(s.key):
            return text.replace(" = ", " = … + ", 1).replace("… + … +", "… +")
        return text

    def carried(self, stage: int) -> Iterator[Line]:
        """``∂v_t/∂θ`` for every quantity that a pass carries."""
        d = self.derivation
        for name, line in self.lines_of(stage).items():
            if line.support.is_empty or self.is_known(name):
                continue  # only its initial values reach the loss
            S, when = self.variables[f"∂{name}"], condition(line.support)
            left = jn.Sensitivity(line.symbol, d.theta)
            yield from self.said(left, line.expression, "", when)
            yield Line(f"{S}[t] = {{}}", when)
            named = {i.of.name for i in line.immediates}
            own = [key for v, key in d.immediate if v in named]
            for key in own:
                e = d.concrete(line.expression, key)
                yield from self.fitted_matrix(e, f'{S}[t]["{key}"] = ', when)
            rest = tuple(key for key in d.carries(name) if key not in own)
            for e, keys in self.alike(line, rest).items():
                yield Line(f"for p in {self.group(keys)}:", when)
                if al.is_zero(e):
                    rows = self.code.size(nd.entries(line.symbol))
                    yield Line(f"    {S}[t][p] = zeros(given, {rows}, p)", when)
                else:
                    yield from self.fitted_matrix(e, f"    {S}[t][p] = ", when)

    def alike(self, line: Carried, keys: Iterable[str]) -> dict[MatrixExpr, tuple[str, ...]]:
        """A recursion for some θ, those together that differ in θ alone."""
        d = self.derivation
        found: dict[MatrixExpr, tuple[str, ...]] = {}
        for key in keys:
            e = d.for_any(d.concrete(line.expression, key))
            e = al.zeros((1, 1)) if al.is_zero(e) else e
            found[e] = (*found.get(e, ()), key)
        return found

    def contracted(self, stage: int) -> Iterator[Line]:
        """``∂L/∂θ += (∂v_t/∂θ)ᵀ a``, with a the derivative of the loss of the step by v_t."""
        d = self.derivation
        for of, e, steps in d.contractions:
            keys = tuple(key for key in d.places if d.moves(of, key))
            if not keys or d.pass_of(of, e) != stage:
                continue
            when = condition(steps)
            seen = jn.Sensitivity(of, d.theta)
            share = al.times(al.transpose(seen), al.vec(e))
            total = jn.Sensitivity(MatrixSymbol(d.model.loss_name, 1, 1), d.theta)
            yield from self.said(total, share, "Σ_t ", when)
            row = self.names.new(f"a_{of.name}")
            yield from self.fitted_matrix(al.transpose(al.vec(e)), f"{row} = ", when)
            yield Line(f"for p in {self.group(keys)}:", when)
            yield Line(f"    carried[p] += ({row} @ {self.sensitivity(seen)})[..., 0, :]", when)

    def fitted_matrix(self, e: MatrixExpr, head: str, when: str) -> Iterator[Line]:
        """``head`` and a matrix on one line; what makes it too long gets a name first."""
        indent = head[: len(head) - len(head.lstrip())]
        while len(head) + len(self.code.matrix(e).text) > self.room:
            part = self.longest_matrix(e, self.room - 12 - len(indent))
            if part is None:
                break
            jacobian = self.code.is_jacobian(part)
            code = self.code.matrix(part) if jacobian else self.code.array(part)
            name = self.names.new(f"part_{len(self.code.matrices) + len(self.code.known) + 1}")
            yield Line(f"{indent}{name} = {code.text}", when)
            stand_in = MatrixSymbol(name, *part.shape)
            known = self.code.matrices if jacobian else self.code.known
            known[stand_in] = Code(name, ATOM, code.batched)
            e = put_in(e, part, stand_in)
        code = self.code.matrix(e)
        number = al.is_scalar(e) and not code.batched
        yield Line(
            head + (f"np.full((1, 1), {code.text}, given.dtype)" if number else code.text), when
        )

    def longest_matrix(self, e: MatrixExpr, room: int) -> MatrixExpr | None:
        """The longest part of an expression, or end of a product, that fits a line of its own."""
        for parts in (parts_of(e), ends_of(e)):
            fit: dict[MatrixExpr, int] = {}
            for part in parts:
                if not is_diagonal(part):
                    matrix = self.code.is_jacobian(part)
                    code = self.code.matrix(part) if matrix else self.code.array(part)
                    fit[part] = len(code.text)
            fit = {part: length for part, length in fit.items() if 20 < length <= room}
            if fit:
                return max(fit, key=fit.__getitem__)
        return None


def assigned(name: str, items: list[str]) -> Iterator[str]:
    """A tuple under a name, one item a line where they don't fit on one."""
    inside = ", ".join(items) + ("," if len(items) == 1 else "")
    if len(f"{name} = ({inside})") <= WIDTH - 4:
        yield f"{name} = ({inside})"
    else:
        yield from (f"{name} = (", *(f"    {item}," for item in items), ")")
