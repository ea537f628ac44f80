"""A function that computes gradients, run and compared with the derived ones.

The function is run in a process of its own, with limits on time, memory and files; these are
limits, not a sandbox (:mod:`symbptt.check.code.process`).  Nothing of the program is imported or
executed in this process.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symbptt.calculus import derive
from symbptt.check.code.answers import Answer, answer
from symbptt.check.code.calls import Call, call_of, trial
from symbptt.check.code.compare import Outcome, compared, score
from symbptt.check.code.names import Names, names_of
from symbptt.check.code.points import (
    LENGTHS,
    Point,
    compares_distributions,
    point,
    sizes_of,
    vectors_in,
)
from symbptt.check.code.process import Limits, Reply, run
from symbptt.check.code.program import Definition, Program, read_program
from symbptt.check.code.readings import Pool, Reading, readings
from symbptt.check.code.report import CodeComparison, CodeReport
from symbptt.check.code.scope import returned
from symbptt.compile import GradientFunction, compile_gradient
from symbptt.errors import RequestError
from symbptt.model import Model, bind, load, require_bound
from symbptt.model.model import Role

__all__ = ["CodeComparison", "CodeReport", "Limits", "check_code"]


def check_code(
    path: str | Path,
    function: str,
    model: Model | str | Path,
    names: Mapping[str, str] | None = None,
    progress: Callable[[str], None] | None = None,
    limits: Limits | None = None,
) -> CodeReport:
    """Run a function, or ``Class.method``, of a file and compare its gradients with the derived.

    The file is Python, a notebook, or a document with blocks of Python.  What the function's
    parameters, the globals it reads and what it returns are is told by their names; ``names`` maps
    those that are not to the model's: ``{"weights_in": "W_xh", "start": "h_0", "n": "T"}``.

    **This executes the file's code**, under ``limits``, which are no sandbox: run what you would
    run yourself.

    Raises :class:`RequestError` where the file, the function or a name can't be used.
    """
    tell = progress or (lambda line: None)
    program = read_program(path)
    name, definition = program.function(function)
    bound = bind(load(model) if isinstance(model, str | Path) else model)
    require_bound(bound)
    known = names_of(bound, names)
    call = call_of(program, name, definition, known)
    tell(f"deriving the gradients of {bound.name}")
    f = compile_gradient(derive(bound))
    trials = _Trials(program, definition, call, known, f, limits or Limits())
    tell(f"running {function}")
    return trials.report()


@dataclass(frozen=True)
class _Trials:
    """A function that is called in one reading after another, and then in the best one."""

    program: Program
    definition: Definition
    call: Call
    names: Names
    f: GradientFunction
    limits: Limits
    slow: list[str] = field(default_factory=list)

    @property
    def model(self) -> Model:
        return self.names.model

    @property
    def place(self) -> str:
        return self.program.place(self.definition.lineno)

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(v.name for v in self.model.parameters)

    def report(self) -> CodeReport:
        """Find the reading that fits best, and compare what is returned in it."""
        tried = list(self.readings())
        points: dict[tuple[bool, bool], Point] = {}
        pairs: list[tuple[Reading, Point]] = []
        for reading in tried:
            kind = (reading.batched, reading.one_hot)
            if kind not in points:
                found = self.point(LENGTHS[-1], *kind)
                if found is None:
                    continue
                points[kind] = found
            pairs.append((reading, points[kind]))
        outcomes, why = self.outcomes(pairs)
        best = self.best(outcomes)
        if best is None:
            nameless = "it returned nothing that is a gradient by its name"
            return self.inconclusive(nameless if outcomes or not why else why)
        reading = best.reading
        kinds = (reading.batched, reading.one_hot)
        more = [self.point(T, *kinds, seed=1) for T in LENGTHS]
        last, why = self.outcomes([(reading, p) for p in more if p is not None])
        last = [o for o in last if o.answer.gradients]
        notes = [*self.program.notes, *self.slow]
        if len(last) < len(LENGTHS):
            left = sorted({*LENGTHS} - {o.point.T for o in last})
            notes.append(f"not compared at T = {', '.join(map(str, left))}: {why}")
        names = [*self.parameters, *(k for k in best.answer.gradients if k not in self.parameters)]
        order = ("gradients in the order of the parameters",) if best.answer.in_order else ()
        comparisons = compared([best, *last], names, self.line_of)
        return CodeReport(
            function=self.call.function,
            place=self.place,
            model=self.model.name,
            comparisons=comparisons,
            readings=(*self.said(reading), *order),
            notes=tuple(notes),
            lengths=tuple(sorted({o.point.T for o in (best, *last)})),
            sizes=best.point.at.sizes,
            batch=best.point.at.batch,
        )

    def readings(self) -> Iterator[Reading]:
        model = self.model
        steps = {t for part in model.loss if not part.steps.once for t in part.steps.at(9)}
        return readings(
            vectors=vectors_in(model),
            has_inputs=bool(model.with_role(Role.INPUT)),
            has_targets=bool(model.with_role(Role.TARGET)),
            one_hot=compares_distributions(model),
            last=steps == {9},
        )

    def point(self, T: int, batched: bool, one_hot: bool, seed: int = 0) -> Point | None:
        sizes = sizes_of(self.model, one_vocabulary=self.call.one_vocabulary)
        initial = frozenset(self.call.names_of("initial"))
        return point(self.f, T, sizes, batched=batched, one_hot=one_hot, initial=initial, seed=seed)

    def outcomes(self, pairs: Sequence[tuple[Reading, Point]]) -> tuple[list[Outcome], str]:
        """What the function returned, where it did; and why it did not where it went furthest."""
        pool, tags = Pool(), dict[Point, str]()
        calls = [
            trial(self.call, reading, p, tags.setdefault(p, str(len(tags))), pool)
            for reading, p in pairs
        ]
        job = {
            "function": self.call.function,
            "constants": self.call.constants,
            "statements": self.call.needs.statements,
            "variants": pool.variants,
            "trials": calls,
        }
        reply = run(self.program.text, job, pool.arrays, self.limits)
        if reply.silence:
            return [], reply.silence
        if "failed" in reply.data:
            return [], f"its program could not be loaded: {self.raised(reply.data['failed'])}"
        found: list[Outcome] = []
        errors: list[tuple[int, str]] = []
        try:
            results = reply.data["trials"]
            for (reading, p), result in zip(pairs, results, strict=False):
                if "value" in result:
                    found.append(Outcome(p, reading, self.answer(result["value"], reply)))
                else:
                    read = "; ".join(self.said(reading))
                    why = self.raised(result) + (f" (read: {read})" if read else "")
                    errors.append((result["line"] or 0, why))
        except (LookupError, TypeError, ValueError):
            return [], "its answer can't be read"
        if len(results) < len(pairs):
            self.slow.append(f"for lack of time {len(results)} of {len(pairs)} readings were tried")
        return found, max(errors, key=lambda e: e[0])[1] if errors else ""

    def answer(self, tree: Any, reply: Reply) -> Answer:
        written = returned(self.definition)
        return answer(tree, reply.arrays, written, self.names, self.call.order)

    def raised(self, error: Mapping[str, Any]) -> str:
        """An exception in one line, with the place."""
        where = f"{self.program.place(error['line'])}: " if error.get("line") else ""
        return f"{where}{error['error']}: {error['message']}"

    def best(self, outcomes: Sequence[Outcome]) -> Outcome | None:
        """The outcome whose reading fits best: the first of those with the highest score."""
        best: tuple[tuple[int, ...], Outcome] | None = None
        for o in outcomes:
            if not o.answer.gradients:
                continue
            found = score(o, self.parameters)
            if best is None or found > best[0]:
                best = found, o
            whole = o.answer.loss is None or found[2]
            if whole and found[:2] == (len(self.parameters),) * 2:
                break
        return best[1] if best else None

    def said(self, reading: Reading) -> tuple[str, ...]:
        """What had to be read into the program."""
        targets = tuple(v.name for v in self.model.with_role(Role.TARGET))
        inputs = tuple(v.name for v in self.model.with_role(Role.INPUT))
        return reading.says(inputs, targets)

    def line_of(self, label: str) -> str:
        """Where a gradient of the program last gets its value, or the function itself."""
        lines = [
            node.lineno
            for node in ast.walk(self.definition)
            if isinstance(node, ast.Assign | ast.AugAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if label and _assigned(target) == label
        ]
        return self.program.place(max(lines, default=self.definition.lineno))

    def inconclusive(self, why: str) -> CodeReport:
        """The report on a function that could not be compared."""
        if not self.parameters:
            raise RequestError(f"{self.model.name} has no parameters to compare gradients by")
        found = tuple(
            CodeComparison(name, f"the gradient by {name}", "inconclusive", self.place, why)
            for name in self.parameters
        )
        return CodeReport(
            self.call.function, self.place, self.model.name, found, notes=self.program.notes
        )


def _assigned(target: ast.expr) -> str:
    """The name that a statement gives a value to: of ``grads["dW"]`` the key."""
    match target:
        case ast.Name(id=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key
        case ast.Attribute(attr=name):
            return name
    return ""
