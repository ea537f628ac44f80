"""What a function of a program has and needs: parameters, globals, attributes, what it returns.

All of it is told from the syntax tree.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from symbptt.check.code.program import Definition, Program


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function; ``optional`` if it has a default."""

    name: str
    optional: bool = False
    keyword_only: bool = False


def parameters(function: Definition) -> tuple[Parameter, ...]:
    """The parameters of a function, but for ``*args`` and ``**kwargs``."""
    a = function.args
    plain = [*a.posonlyargs, *a.args]
    first_default = len(plain) - len(a.defaults)
    return (
        *(Parameter(p.arg, i >= first_default) for i, p in enumerate(plain)),
        *(
            Parameter(p.arg, default is not None, True)
            for p, default in zip(a.kwonlyargs, a.kw_defaults, strict=True)
        ),
    )


def returned(function: Definition) -> ast.expr | None:
    """What the last ``return`` of a function gives back, tuples put in for their names."""
    own = list(_own(function))
    values = [node for node in own if isinstance(node, ast.Return) and node.value]
    tuples: dict[str, ast.Tuple | ast.List] = {}
    for node in own:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.List):
            for target in node.targets:
                if isinstance(target, ast.Name) and node.value.elts:
                    tuples[target.id] = node.value

    def put_in(e: ast.expr, depth: int = 0) -> ast.expr:
        if isinstance(e, ast.Name) and e.id in tuples and depth < 4:
            return put_in(tuples[e.id], depth + 1)
        if isinstance(e, ast.Tuple | ast.List):
            return ast.Tuple([put_in(part, depth + 1) for part in e.elts], ast.Load())
        return e

    last = max(values, key=lambda node: node.lineno, default=None)
    return put_in(last.value) if last is not None and last.value is not None else None


def _own(function: Definition) -> Iterator[ast.AST]:
    """The nodes of a function, but for those of functions within it."""
    queue: list[ast.AST] = list(function.body)
    while queue:
        node = queue.pop(0)
        yield node
        if not isinstance(node, Definition | ast.Lambda | ast.ClassDef):
            queue += ast.iter_child_nodes(node)


def is_static(function: Definition) -> bool:
    """Whether a method is called without an instance."""
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list)


def attributes(owner: ast.ClassDef) -> frozenset[str]:
    """The attributes of an instance that the methods of a class read or set."""
    return frozenset(
        node.attr
        for method in owner.body
        if isinstance(method, Definition) and method.args.args
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == method.args.args[0].arg
    )


def constants(owner: ast.ClassDef) -> dict[str, float | str | None]:
    """The attributes that ``__init__`` sets to constants, or to parameters with such defaults."""
    start = next(
        (m for m in owner.body if isinstance(m, Definition) and m.name == "__init__"), None
    )
    if start is None:
        return {}
    a = start.args
    plain = [*a.posonlyargs, *a.args]
    pairs = [*zip(plain[::-1], a.defaults[::-1], strict=False)]
    pairs += [(p, d) for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True) if d is not None]
    defaults: dict[str, ast.expr] = {p.arg: d for p, d in pairs}
    found: dict[str, float | str | None] = {}
    for node in ast.walk(start):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            value = node.value
            if isinstance(value, ast.Name):
                value = defaults.get(value.id, value)
            if isinstance(value, ast.Constant) and isinstance(
                value.value, int | float | str | None
            ):
                found[node.targets[0].attr] = value.value
    return found


@dataclass(frozen=True)
class Needed:
    """The top-level statements that a function needs, by number, and the names it reads there."""

    statements: tuple[int, ...]
    globals: frozenset[str]
    free: frozenset[str]


def needed(program: Program, function: str, given: Iterable[str] = ()) -> Needed:
    """What has to be executed for a function to exist and to find its globals.

    ``given`` are globals that are set from outside, whose definitions are not needed.  Loops,
    ``if __name__ == …`` and calls for their effect are never needed: training is not run.
    """
    body = program.tree.body
    binds = [bound(s) for s in body]
    star = [i for i, s in enumerate(body) if _always(s)]
    wanted, known, chosen = [function], set(given) | {function}, set(star)
    read: set[str] = set()
    for name in wanted:
        for i, statement in enumerate(body):
            if name not in binds[i] or i in chosen:
                continue
            chosen.add(i)
            reads = _reads(program, statement)
            read |= reads
            more = reads - known
            known |= more
            wanted += sorted(more)
    defined = set().union(*(binds[i] for i in chosen)) if chosen else set()
    return Needed(tuple(sorted(chosen)), frozenset(read), frozenset(read - defined))


def _always(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and (
        statement.module == "__future__" or any(alias.name == "*" for alias in statement.names)
    )


def bound(statement: ast.stmt) -> frozenset[str]:
    """The names that a top-level statement gives a value to."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return frozenset({name})
        case ast.Import(names) | ast.ImportFrom(names=names):
            return frozenset((a.asname or a.name).partition(".")[0] for a in names)
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            stored = (n for n in ast.walk(statement) if isinstance(n, ast.Name))
            return frozenset(n.id for n in stored if isinstance(n.ctx, ast.Store))
        case ast.Try(body=body, handlers=handlers):
            inner = [*body, *(s for h in handlers for s in h.body)]
            return frozenset().union(*map(bound, inner))
        case ast.With(body=body):
            return frozenset().union(*map(bound, body))
    return frozenset()


def _reads(program: Program, statement: ast.stmt) -> set[str]:
    """The global names that a statement reads, once it is executed or called."""
    if not isinstance(statement, Definition | ast.ClassDef):
        return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
    first, last = statement.lineno, statement.end_lineno or statement.lineno
    inner = {
        s.get_name()
        for table in program.tables
        if first <= table.get_lineno() <= last
        for s in table.get_symbols()
        if s.is_global()
    }
    outer: list[ast.AST] = [*statement.decorator_list]
    if isinstance(statement, ast.ClassDef):
        outer += statement.bases
    else:
        outer += [*statement.args.defaults, *(d for d in statement.args.kw_defaults if d)]
    return inner | {n.id for o in outer for n in ast.walk(o) if isinstance(n, ast.Name)}
