"""The statements of a model sorted into equations, initial values and the loss."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symbptt.errors import ModelError, Place
from symbptt.formula import resolve_calls
from symbptt.formula.names import written
from symbptt.formula.tree import Call, Group, Node, Number, Power, Product, Relation, Sum, Symbol
from symbptt.model.draft import Formula, Source
from symbptt.model.exponents import Written, check_exponents, check_formula
from symbptt.model.functions import CONVENTIONAL, canonical
from symbptt.model.loss import LossPart, loss_parts
from symbptt.model.model import Start
from symbptt.model.names import RESERVED, Naming, symbols
from symbptt.model.steps import LAST
from symbptt.model.terms import Dim, Index

#: The way out where a loss is weighed by its step.
WEIGHT_OF_A_STEP = 'an input: write w_t, and declare w = "1" under [shapes]'


@dataclass(frozen=True)
class Statement:
    """One relation of the model's text: its tree and the text it stands in."""

    node: Node
    source: Source

    @property
    def place(self) -> Place:
        return self.source.place(self.node.span)

    @property
    def text(self) -> str:
        return self.source.text[self.node.span.start : self.node.span.end]


@dataclass
class Outline:
    """What is known of a model while it is being built."""

    naming: Naming
    functions: frozenset[str] = frozenset()
    shapes: Mapping[str, tuple[Dim, Dim]] = field(default_factory=dict)
    defined: dict[str, Statement] = field(default_factory=dict)
    right: dict[str, Node] = field(default_factory=dict)
    initial: dict[tuple[str, Index], Start | None] = field(default_factory=dict)
    loss_name: str = "L"
    loss: tuple[LossPart, ...] = ()
    loss_statement: Statement | None = None
    formulas: dict[str, Formula] = field(default_factory=dict)
    function_texts: list[str] = field(default_factory=list)


def outline(
    statements: Sequence[Statement],
    loss: Statement | None,
    *,
    functions: frozenset[str],
    shapes: Mapping[str, tuple[Dim, Dim]],
) -> Outline:
    """The outline of a model; a :class:`ModelError` for a statement that has no place in one."""
    time = Naming().time
    statements = [*statements, *([loss] if loss else [])]
    defined = {name for s in statements if (name := function_defined(s, time)) is not None}
    functions |= defined
    read = [_with_calls(s, functions, time) for s in statements]
    read = _unfused(read, time)
    known = Outline(Naming(time, _time_indexed(read, time)), functions - defined, shapes)
    for statement in read:
        _check_steps(statement, known.naming)
        _sort(statement, known)
    for formula in known.formulas.values():
        check_formula(formula, known.naming)
    check_exponents(_written(read, known), known.naming, known.defined)
    if known.loss_statement is None:
        end = read[-1].place if read else None
        raise ModelError(r"no loss: add a line such as L = \sum_{t=1}^{T} …", end)
    if not known.defined:
        raise ModelError("no equations: nothing is computed", known.loss_statement.place)
    return known


def function_defined(statement: Statement, time: str) -> str | None:
    """The name of the function that a statement defines, as ``swish(z) = …`` does."""
    if not isinstance(statement.node, Relation):
        return None
    match statement.node.sides[0]:
        case Product((Symbol() as name, Group("(", items)), ("",)) | Call(Symbol() as name, items):
            plain = all(isinstance(i, Symbol) and i == Symbol(i.base) for i in items)
            if plain and items and Symbol(time) not in items:
                return Naming(time).read(name)[0]
    return None


def _with_calls(statement: Statement, declared: frozenset[str], time: str) -> Statement:
    """The statement with every ``name(…)`` that is a call made one."""
    naming = Naming(time)
    operands = {
        naming.read(f)[0]
        for node in statement.node.walk()
        if isinstance(node, Product)
        for f, after in zip(node.factors, (*node.factors[1:], None), strict=True)
        if isinstance(f, Symbol) and not isinstance(after, Group)
    }

    def is_function(symbol: Symbol) -> bool:
        name, index = naming.read(symbol)
        if name in declared or name in CONVENTIONAL or canonical(name) is not None:
            return True
        # A word in small letters before a bracket is a function, if misspelled; h_t (…),
        # W (…) and a (…) are products.
        word = index is None and name.isalpha() and name.islower() and len(symbol.base) > 2
        return word and name not in operands and name not in _GREEK

    return replace(statement, node=resolve_calls(statement.node, is_function))


_GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "rho",
        "tau",
        "upsilon",
        "chi",
        "omega",
    ]
)


def _time_indexed(statements: Sequence[Statement], time: str) -> frozenset[str]:
    """The names that carry the time index somewhere."""
    naming = Naming(time)
    groups = [list(symbols(s.node)) for s in statements]
    found = {name for group in groups for name, i in map(naming.read, group) if i is not None}
    # y_T alone, with no y_t anywhere, still is y at the last step.
    every = [reading for group in groups for n in group for reading in naming.steps(n)]
    found |= {name for name, when in every if when.anchor == "T"}
    # So is d_2 beside y_2, y_{c,2} or y^{(2)} in a loss, if d stands nowhere else.
    for s, group in zip(statements, groups, strict=True):
        if not (isinstance(s.node, Relation) and s.node.sides[0] in group):
            continue
        if _bare_name(left := s.node.sides[0]) in found or left.subscripts:
            continue
        elsewhere = {_bare_name(n) for other in groups if other is not group for n in other}
        named = {when for n in group for name, when in naming.steps(n) if name in found}
        alone = [naming.steps(n) for n in group if _bare_name(n) not in elsewhere]
        found |= {steps[0][0] for steps in alone if len(steps) == 1 and steps[0][1] in named}
    return frozenset(found)


def _bare_name(symbol: Symbol) -> str:
    return "_".join([symbol.base, *symbol.accents])


def _unfused(statements: list[Statement], time: str) -> list[Statement]:
    """``Wh_{t-1}``, a weight run into its vector as TeX sets it, taken apart.

    Only a capital and a small letter, with a time index, that no equation defines.
    """
    naming = Naming(time)
    defined = {
        naming.read(left)[0]
        for s in statements
        if isinstance(s.node, Relation) and isinstance(left := s.node.sides[0], Symbol)
    }

    def change(node: Node) -> Node:
        if isinstance(node, Symbol) and re.fullmatch("[A-Z][a-z]", node.base):
            name, index = naming.read(node)
            if index is not None and name not in defined:
                weight = Symbol(node.base[0], span=node.span)
                return Product((weight, replace(node, base=node.base[1])), ("",), span=node.span)
        return node.rebuilt(change)

    return [replace(s, node=change(s.node)) for s in statements]


def _written(statements: list[Statement], known: Outline) -> list[Written]:
    return [
        Written(symbol, s.source, in_loss=s is known.loss_statement)
        for s in statements
        for symbol in symbols(s.node)
    ]


def _check_steps(statement: Statement, naming: Naming) -> None:
    """Refuse an index with the letter of time in it that is no step: ``x_{T-t}``, ``h_{t-k}``."""
    t = naming.time
    for node in statement.node.walk():
        if not isinstance(node, Symbol):
            continue
        for part in (*node.subscripts, *node.superscripts, *node.indices):
            timed = any(isinstance(n, Symbol) and n.base == t for n in part.walk())
            if timed and naming.index(part) is None and not isinstance(part, Symbol):
                above = part in node.superscripts
                raise ModelError(
                    f"this is no step; a step is {t}, or {t} plus or minus a whole number"
                    f"{f'; a power that changes with {t} is {WEIGHT_OF_A_STEP}' * above}",
                    statement.source.place(part.span),
                )


def _sort(statement: Statement, known: Outline) -> None:
    """File a statement as an equation, an initial value or the loss."""
    node, naming = statement.node, known.naming
    if not isinstance(node, Relation) or node.operators != ("=",):
        what = "more than one relation" if isinstance(node, Relation) else "no ="
        raise ModelError(f"an equation is 'name_t = formula'; this has {what}", statement.place)
    left, right = node.sides
    if isinstance(left, Call) and not _at_a_time(left, naming):
        _define(left, right, statement, known)
        return
    if not isinstance(left, Symbol) or left.primes:
        raise ModelError(
            f"the left side of an equation is one symbol, such as h_t{_instead(statement, naming)}",
            statement.source.place(left.span),
        )
    name, index = naming.read(left)
    place = statement.source.place(left.span)
    check_name(name, place)
    if index is None:
        if known.loss_statement is not None:
            first = known.loss_statement.place.label
            raise ModelError(
                f"{name} has no time index, and the loss is already defined ({first}); "
                f"write {name}_{naming.time} for a quantity of each step",
                place,
            )
        known.loss_name, known.loss_statement = name, statement
        known.loss = loss_parts(right, naming, statement.source)
    elif index.anchor == "t":
        if name in known.defined:
            raise ModelError(
                f"{name} is defined twice; the first is at {known.defined[name].place.label}",
                place,
            )
        known.defined[name] = statement
        known.right[name] = _shifted(right, -index.offset, naming) if index.offset else right
    elif (index.offset > 0) if index.anchor else (index.offset <= 0):
        known.initial[name, index] = _initial_value(name, index, right, statement, known)
    else:
        raise ModelError(
            f"an equation holds for every step: write {name}_{naming.time}, not {name}_{index}",
            place,
        )


def _at_a_time(left: Node, naming: Naming) -> tuple[Symbol, Node] | None:
    """The symbol and the step of ``h(t)``."""
    match left:
        case Product((Symbol() as symbol, Group("(", (step,))), ("",)) | Call(symbol, (step,)):
            if (index := naming.index(step)) is not None and index.anchor == "t":
                return symbol, step
    return None


def _in_text(node: Node, statement: Statement) -> str:
    return statement.source.text[node.span.start : node.span.end]


def _script(node: Node) -> str:
    step = written(node)
    return step if len(step) == 1 else f"{{{step}}}"


def _instead(statement: Statement, naming: Naming) -> str:
    """How to write a left side that is meant as one symbol, if it is clear which."""
    assert isinstance(statement.node, Relation)
    left = statement.node.sides[0]
    match left:
        case Power(Symbol(subscripts=(_, *_)) as base, Number(value)):
            name, index = naming.read(base)
            if index is not None and "_" not in name:
                step = _script(base.subscripts[-1])
                return (
                    f"; ^{value} is read as a power: write {name}{value}_{step} "
                    f"or {name}^{{({value})}}_{step}"
                )
            return f"; ^{value} is read as a power: for a label write ^{{({value})}}"
    if (timed := _at_a_time(left, naming)) is not None:
        symbol, when = timed
        return f"; write {_in_text(symbol, statement)}_{_script(when)}"
    return ""


def _define(left: Call, right: Node, statement: Statement, known: Outline) -> None:
    """File a function that the model defines by a formula."""
    name, _ = known.naming.read(left.function)
    place = statement.source.place(left.span)
    if canonical(name) == name:  # an alias, such as swish, may be given a meaning of its own
        raise ModelError(f"'{name}' is a function and can't be defined; rename it", place)
    if name in known.formulas:
        raise ModelError(f"the function {name} is defined twice", place)
    arguments = tuple(a.base for a in left.arguments if a == Symbol(getattr(a, "base", "")))
    if len(set(arguments)) != len(left.arguments):
        raise ModelError(f"the arguments of {name} are letters, each its own, as z in f(z)", place)
    for symbol in symbols(right):
        # A call may stand at another step than its equation, so that x_t has no one meaning here.
        if known.naming.read(symbol)[1] is not None:
            raise ModelError(
                f"the formula of {name} names a quantity of a step; make it an argument: "
                f"{name}({', '.join((*arguments, _spare(symbol.base, arguments)))}) = …",
                statement.source.place(symbol.span),
            )
    known.formulas[name] = Formula(arguments, right, statement.source)
    known.function_texts.append(statement.text)


def _spare(letter: str, taken: Sequence[str]) -> str:
    """A letter for one more argument: the one wanted if it is free."""
    letters: list[str] = [letter, *"abcuvwxyz"]
    return next(x for x in letters if x not in taken)


def check_name(name: str, place: Place | None) -> None:
    """Refuse to define what means something else, or could not be a variable in code."""
    if name in RESERVED:
        raise ModelError(f"'{name}' is {RESERVED[name]} and can't be defined; rename it", place)
    if canonical(name) is not None and name not in _LETTERS:
        raise ModelError(f"'{name}' is a function and can't be defined; rename it", place)
    if "__" in name or not name.isidentifier() or name.startswith("_"):
        raise ModelError(f"'{name}' can't be a symbol: use letters, digits and single _", place)


def check_use(name: str, place: Place | None) -> None:
    """Refuse to use as a quantity what is none."""
    if canonical(name) is not None and name not in _LETTERS:
        raise ModelError(f"{name} is a function: give it an argument, {name}(…)", place)
    if name in RESERVED:
        weight = f"; a weight of each step is {WEIGHT_OF_A_STEP}" if name == "t" else ""
        raise ModelError(
            f"'{name}' is {RESERVED[name]}, not a quantity of the model{weight}", place
        )
    check_name(name, place)


#: Names of functions that books use for quantities too.
_LETTERS = frozenset(["sigma"])


def _initial_value(
    name: str, index: Index, right: Node, statement: Statement, known: Outline
) -> Start | None:
    naming = known.naming
    match right:
        case Number(Fraction(numerator=0)):
            return None
        case Symbol():
            source = Start(*naming.read(right))
            if source.step in (None, LAST):
                return source
    last = (naming.read(n) for n in right.walk() if isinstance(n, Symbol))
    if e := next((n for n, step in last if step == LAST), None):
        g = next((letter for letter in "gqrsuv" if letter not in naming.indexed), "start")
        t = naming.time
        raise ModelError(
            f"an initial value is no formula; give it a name: {g}_{t} = … {e}_{t} …, "
            f"then {name}_{index} = {g}_T",
            statement.source.place(right.span),
        )
    raise ModelError(
        f"an initial value is 0, a parameter, or the last value of another state: {name}_{index} "
        f"= 0, {name}_{index} = {name}_init or {name}_{index} = e_T",
        statement.source.place(right.span),
    )


def _shifted(node: Node, by: int, naming: Naming) -> Node:
    """The formula ``by`` steps later: ``h_{t+1} = f(h_t)`` is ``h_t = f(h_{t-1})``."""
    if isinstance(node, Symbol):
        index = naming.read(node)[1]
        if index is None or index.anchor != "t":
            return node
        bare = naming.bare(node)
        offset = index.offset + by
        t = Symbol(naming.time)
        when = t if not offset else _t_plus(t, offset)
        return replace(bare, subscripts=(*bare.subscripts, when))
    return node.rebuilt(lambda child: _shifted(child, by, naming))


def _t_plus(t: Symbol, offset: int) -> Node:
    return Sum((t, Number(Fraction(abs(offset)))), (1, 1 if offset > 0 else -1))
