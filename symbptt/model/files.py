"""Where models come from: a built-in name, a model file, or equations as text."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from symbptt.errors import (
    BindingError,
    FormulaError,
    ModelError,
    RequestError,
    did_you_mean,
    with_article,
)
from symbptt.formula import parse, parse_equations
from symbptt.formula.tree import Symbol
from symbptt.model.bind import check_bindings
from symbptt.model.build import build
from symbptt.model.draft import Source
from symbptt.model.functions import canonical
from symbptt.model.model import Model, Role
from symbptt.model.names import Naming
from symbptt.model.outline import Statement, function_defined
from symbptt.model.terms import Dim, summed

#: The keys of a model file and what each may hold.
KEYS: dict[str, type] = {
    "name": str,
    "title": str,
    "reference": str,
    "equations": str,
    "loss": str,
    "functions": list,
    "hyperparameters": list,
    "shapes": dict,
    "bindings": dict,
    "notation": str,
}


@cache
def builtin_names() -> tuple[str, ...]:
    """The built-in models, ``elman`` first."""
    cells = files("symbptt.model") / "cells"
    names = sorted(p.name.removesuffix(".toml") for p in cells.iterdir() if ".toml" in p.name)
    return tuple(sorted(names, key=lambda n: (n != "elman", n)))


def load(source: str | Path, **options: Any) -> Model:
    r"""The model of a built-in name, a model file, or equations as text.

    Text has one equation a line and the loss among them; a file may hold such text too.
    ``options`` are the keys of a model file (``functions``, ``shapes``, ``bindings``, …) for a
    model given as text.

    Raises :class:`RequestError` if there is no such model, :class:`FormulaError` and
    :class:`ModelError` for what can't be read or makes no model.

    >>> model = load(r"h_t = tanh(W h_{t-1} + U x_t); L = \sum_{t=1}^{T} squared_error(h_t, d_t)")
    >>> {v.name: v.role.value for v in model.variables.values()}
    {'h': 'state', 'x': 'input', 'd': 'target', 'W': 'parameter', 'U': 'parameter'}
    """
    if not isinstance(source, str | Path) or not str(source).strip():
        kind = "nothing" if isinstance(source, str) else with_article(type(source).__name__)
        raise RequestError(f"a model is a name, a path or equations as text, not {kind}")
    if isinstance(source, str) and ("=" in source or "\n" in source):
        return from_text(source, **options)
    if options:
        given = ", ".join(options)
        raise RequestError(f"{given} can be given with equations as text only, not with '{source}'")
    if str(source) in builtin_names():
        return _builtin(str(source))
    if "\0" in str(source) or len(str(source)) > 1000:
        raise RequestError("this is neither a model's name, nor a path, nor equations")
    path = Path(source)
    if path.is_dir():
        raise RequestError(f"'{source}' is a folder; name a model file in it")
    if path.suffix == ".toml" or path.exists():
        return from_file(path)
    raise RequestError(f"no model '{source}'{did_you_mean(str(source), builtin_names())}")


@cache
def _builtin(name: str) -> Model:
    text = (files("symbptt.model") / "cells" / f"{name}.toml").read_text(encoding="utf-8")
    return from_toml(text, f"{name}.toml", default_name=name)


def from_file(path: Path) -> Model:
    """The model of a TOML file, or of a file of another kind that holds equations alone."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise RequestError(f"'{path}' is not a text file in UTF-8") from None
    except OSError as error:
        raise RequestError(f"can't read '{path}': {error.strerror}") from None
    if path.suffix != ".toml" and _why_not_toml(text) is not None:
        return _of_equations(Source(text, str(path)), default_name=path.stem)
    return from_toml(text, str(path), default_name=path.stem)


#: What to do with a file that is no model file.
MODEL_FILE = (
    "a model file is TOML: put the equations in equations = '''…''' and the loss in loss = '…'"
)


def _why_not_toml(text: str) -> str | None:
    """What is wrong with a text as TOML, or None."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return str(error)
    return None


def _of_equations(source: Source, default_name: str) -> Model:
    """The model of a file with nothing but equations in it, the loss among them."""
    try:
        parse_equations(source.text, file=source.file)
    except FormulaError as error:
        raise RequestError(
            f"{error.headline}; the file was read as equations, as it is not TOML ({MODEL_FILE})"
        ) from None
    return _from_parts([source], None, name=default_name)


def from_toml(text: str, file: str, default_name: str) -> Model:
    """The model of the text of a model file; errors name lines of the file."""
    if (why := _why_not_toml(text)) is not None:
        raise RequestError(f"{file}: not a TOML file: {why}; {MODEL_FILE}")
    data = tomllib.loads(text)
    _check_keys(data, file)
    equations = data.pop("equations", None)
    if equations is None:
        raise RequestError(f"{file}: no 'equations'; add equations = '''…'''")
    loss = data.pop("loss", None)
    data.setdefault("name", default_name)
    return _from_parts(
        [Source(equations, file, _line_of(text, equations))],
        None if loss is None else Source(loss, file, _line_of(text, loss)),
        **data,
    )


def from_text(text: str, **options: Any) -> Model:
    """The model of equations given as text, one a line or separated by semicolons."""
    _check_keys(options, "load()")
    if "equations" in options:
        raise RequestError("load(): the equations are the text itself, not an option")
    loss = options.pop("loss", None)
    return _from_parts([Source(text)], None if loss is None else Source(loss), **options)


def from_sources(sources: Sequence[Source], **options: Any) -> Model:
    """The model of equations that stand in several texts, the loss among them."""
    _check_keys(options, "load()")
    return _from_parts(sources, None, **options)


def printable(text: str) -> str:
    """Words of a user in one line, without characters that steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _check_keys(data: Mapping[str, Any], where: str) -> None:
    for key, value in data.items():
        if key not in KEYS:
            raise RequestError(f"{where}: no key '{key}'{did_you_mean(key, KEYS)}")
        wanted = (list, tuple) if KEYS[key] is list else KEYS[key]
        names = not isinstance(value, list | tuple) or all(isinstance(x, str) for x in value)
        if not isinstance(value, wanted) or not names:
            kind = "text" if wanted is str else "a table" if wanted is dict else "a list of names"
            raise RequestError(f"{where}: '{key}' must be {kind}")


def _line_of(text: str, value: str) -> int:
    """The line of the file on which a string of it begins."""
    start = text.find(value)
    return 1 + text.count("\n", 0, max(start, 0))


def _from_parts(
    equations: Sequence[Source],
    loss: Source | None,
    *,
    functions: tuple[str, ...] | list[str] = (),
    hyperparameters: tuple[str, ...] | list[str] = (),
    shapes: Mapping[str, Any] | None = None,
    bindings: Mapping[str, str] | None = None,
    **labels: Any,
) -> Model:
    where = equations[0].file or "load()"
    functions = [_canonical(name) for name in functions]
    for name in functions:
        if not name.isidentifier():
            raise RequestError(
                f"{where}: '{name}' can't be a function: use letters, digits and single _"
            )
        if canonical(name) == name:  # an alias, such as sigma, may be declared to mean another
            raise RequestError(
                f"{where}: 'functions' names {name}, which is known; leave it out, or rename it"
            )
    statements = [s for source in equations for s in _statements(source, functions)]
    losses = _statements(loss, functions) if loss is not None else []
    if len(losses) > 1:
        raise ModelError("the loss is one equation", losses[1].place)
    model = build(
        statements,
        losses[0] if losses else None,
        functions=functions,
        shapes={_canonical(n): _shape(n, value, where) for n, value in (shapes or {}).items()},
        hyperparameters=map(_canonical, hyperparameters),
        labels={key: printable(value) for key, value in labels.items()},
    )
    used = _used(model)
    for key, names in {"[shapes]": shapes or {}, "'hyperparameters'": hyperparameters}.items():
        for name in names:
            if _canonical(name) not in used:
                raise RequestError(f"{where}: {key} names {name}, which the model does not use")
    for name in hyperparameters:
        role = model.variables[_canonical(name)].role
        if role is not Role.HYPERPARAMETER:
            raise RequestError(
                f"{where}: 'hyperparameters' names {name}, which has a time index: it is {role}"
            )
    called = {*model.abstract, *filter(None, (function_defined(s, "t") for s in statements))}
    for name in functions:
        if not called & {name, f"{name}_t"}:
            raise RequestError(
                f"{where}: 'functions' names {name}, which the model does not call; "
                f"a call is {name}(…), with its arguments in brackets"
            )
    model = replace(model, bindings=dict(bindings or {}))
    try:
        check_bindings(model, model.bindings)
    except BindingError as error:
        raise BindingError(f"{where}: {error}") from None
    return model


def _canonical(name: str) -> str:
    """The name that a spelling has in a model: ``α`` and ``\\alpha`` are alpha."""
    try:
        node = parse(name)
    except FormulaError:
        return name
    return Naming().read(node)[0] if isinstance(node, Symbol) else name


def _used(model: Model) -> set[str]:
    sources = {source.name for source in model.initial.values() if source is not None}
    return sources | {e.name for e in model.equations} | {r.name for r in model.references()}


def _statements(source: Source, functions: tuple[str, ...] | list[str]) -> list[Statement]:
    nodes = parse_equations(
        source.text, functions=functions, file=source.file, first_line=source.first_line
    )
    return [Statement(node, source) for node in nodes]


def _shape(name: str, value: Any, where: str) -> tuple[Dim, Dim]:
    """``"n, m"``, ``"n"`` (a column) or 1; also sums, ``"4n, n+m"``."""
    parts = str(value).replace("×", ",").replace("x", ",").split(",")
    dims = [_dimension(part) for part in parts]
    if not 1 <= len(dims) <= 2 or None in dims:
        raise RequestError(
            f'{where}: [shapes] {name} = "{value}": write "n, m", "n" for a column, or "1"'
        )
    rows, cols = (*dims, 1)[:2]
    return cast(Dim, rows), cast(Dim, cols)


def _dimension(text: str) -> Dim | None:
    """A dimension as written: a name, a number, a sum of multiples; None for what is none."""
    terms: list[tuple[str, int]] = []
    number = 0
    for piece in text.split("+"):
        found = re.fullmatch(r"\s*([0-9]{0,6})\s*([^\W\d_]*)\s*", piece)
        if found is None or not any(found.groups()) or found[1].startswith("0"):
            return None
        many = int(found[1] or 1)
        if found[2]:
            terms.append((found[2], many))
        else:
            number += many
    return summed(terms, number)
