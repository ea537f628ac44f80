"""Equations to a model: roles, shapes, recurrences and order, or one clear line why not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symbptt.errors import ModelError, Place, did_you_mean
from symbptt.formula import resolve_calls
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Group,
    Node,
    Number,
    Product,
    Relation,
    Symbol,
)
from symbptt.model import terms as tm
from symbptt.model.elaborate import Draft, Elaborator, Source, unknown_function
from symbptt.model.finish import finish, name_dimensions
from symbptt.model.functions import CONVENTIONAL, canonical
from symbptt.model.loss import LossPart, loss_parts
from symbptt.model.model import Equation, LossTerm, Model, Role, Variable
from symbptt.model.names import RESERVED, Naming
from symbptt.model.shapes import Why
from symbptt.model.terms import Index


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
class Draughtsman:
    """What is known of a model while it is being built."""

    naming: Naming
    functions: frozenset[str] = frozenset()
    shapes: Mapping[str, tuple[tm.Dim, tm.Dim]] = field(default_factory=dict)
    defined: dict[str, Statement] = field(default_factory=dict)
    right: dict[str, Node] = field(default_factory=dict)
    initial: dict[tuple[str, int], str | None] = field(default_factory=dict)
    loss_name: str = "L"
    loss: tuple[LossPart, ...] = ()
    loss_statement: Statement | None = None


def build(
    statements: Sequence[Statement],
    loss: Statement | None,
    *,
    functions: Iterable[str] = (),
    shapes: Mapping[str, tuple[tm.Dim, tm.Dim]] | None = None,
    time: str = "t",
    labels: Mapping[str, object] | None = None,
) -> Model:
    """The model that these equations define.

    Raises :class:`ModelError`, at the place, for what is no recurrent model.
    """
    declared = frozenset(functions)
    read = [_with_calls(s, declared, time) for s in (*statements, *([loss] if loss else []))]
    naming = Naming(time, _time_indexed(read, time))
    known = Draughtsman(naming, declared, shapes or {})
    read = [_unfused(s, naming) for s in read]
    for statement in read:
        _sort(statement, known)
    if known.loss_statement is None:
        end = read[-1].place if read else None
        raise ModelError(r"no loss: add a line such as L = \sum_{t=1}^{T} …", end)
    if not known.defined:
        raise ModelError("no equations: nothing is computed", known.loss_statement.place)
    return _assemble(known, labels or {})


# -- reading ------------------------------------------------------------------------------


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
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho tau upsilon "
    "chi omega varepsilon".split()
)


def _time_indexed(statements: Iterable[Statement], time: str) -> frozenset[str]:
    """The names that carry the time index somewhere."""
    naming = Naming(time)
    reads = (
        naming.read(node)
        for s in statements
        for node in s.node.walk()
        if isinstance(node, Symbol) and node != Symbol(time)
    )
    lone = frozenset(name for name, index in reads if index is not None)
    # y_T alone, with no y_t anywhere, still is y at the last step.
    last = (
        "_".join([node.base, *node.accents])
        for s in statements
        for node in s.node.walk()
        if isinstance(node, Symbol) and node.subscripts == (Symbol("T"),)
    )
    return lone | frozenset(last)


def _unfused(statement: Statement, naming: Naming) -> Statement:
    """``Wh_{t-1}``, a weight run into its vector as TeX sets it, taken apart."""

    def change(node: Node) -> Node:
        if isinstance(node, Symbol) and re.fullmatch("[A-Z][a-z]", node.base):
            rest = replace(node, base=node.base[1])
            name, index = naming.read(rest)
            if index is not None and name in naming.indexed - {naming.read(node)[0]}:
                return Product((Symbol(node.base[0], span=node.span), rest), ("",), span=node.span)
        return node.rebuilt(change)

    return replace(statement, node=change(statement.node))


def _sort(statement: Statement, known: Draughtsman) -> None:
    """File a statement as an equation, an initial value or the loss."""
    node, naming = statement.node, known.naming
    if not isinstance(node, Relation) or node.operators != ("=",):
        what = "more than one relation" if isinstance(node, Relation) else "no ="
        raise ModelError(f"an equation is 'name_t = formula'; this has {what}", statement.place)
    left, right = node.sides
    if not isinstance(left, Symbol) or left.primes:
        raise ModelError(
            "the left side of an equation is one symbol, such as h_t",
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
    elif not index.anchor and index.offset <= 0:
        known.initial[name, index.offset] = _initial_value(name, index, right, statement, known)
    else:
        raise ModelError(
            f"an equation holds for every step: write {name}_{naming.time}, not {name}_{index}",
            place,
        )


def check_name(name: str, place: Place | None) -> None:
    """Refuse names that mean something else, or that could not be a variable in code."""
    if name in RESERVED:
        raise ModelError(f"'{name}' is {RESERVED[name]} and can't be defined", place)
    if canonical(name) is not None and name not in ("log", "exp"):
        if name not in ("sigma",):
            raise ModelError(f"'{name}' is a function and can't be defined; rename it", place)
    if "__" in name or not name.isidentifier() or name.startswith("_"):
        raise ModelError(f"'{name}' can't be a symbol: use letters, digits and single _", place)


def _initial_value(
    name: str, index: Index, right: Node, statement: Statement, known: Draughtsman
) -> str | None:
    match right:
        case Number(Fraction(numerator=0)):
            return None
        case Symbol() if known.naming.read(right)[1] is None:
            return known.naming.read(right)[0]
    raise ModelError(
        f"an initial value is 0 or a parameter: {name}_{index} = 0, or {name}_{index} = {name}_init",
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
    from symbptt.formula.tree import Sum

    return Sum((t, Number(Fraction(abs(offset)))), (1, 1 if offset > 0 else -1))


# -- shapes -------------------------------------------------------------------------------


@dataclass
class Inference:
    """One attempt at the shapes, with vectors as columns or as rows."""

    elaborator: Elaborator
    equations: dict[str, Draft]
    loss: list[tuple[LossPart, Draft]]
    given: frozenset[str]
    degenerate: int


def _infer(known: Draughtsman, *, rows: bool) -> Inference:
    e = Elaborator(known.naming, known.functions)
    _declare_all(e, known, rows=rows)
    equations: dict[str, Draft] = {}
    for name, statement in known.defined.items():
        e.source = statement.source
        draft = e.draft(known.right[name])
        why = Why(statement.place)
        if draft.number is None:
            e.dims.unify(e.symbols[name].rows, draft.rows, why)
            e.dims.unify(e.symbols[name].cols, draft.cols, why)
        else:
            draft.rows, draft.cols = e.symbols[name].rows, e.symbols[name].cols
        equations[name] = draft
    loss: list[tuple[LossPart, Draft]] = []
    assert known.loss_statement is not None
    e.source = known.loss_statement.source
    for part in known.loss:
        draft = e.draft(part.node)
        loss.append((part, draft))
    for (name, step), parameter in known.initial.items():
        _initial_shape(e, known, name, step, parameter)
    for _, draft in loss:
        _like_with_like(e, draft)
    e.settle()
    why = Why(known.loss_statement.place, "a loss is a scalar")
    for part, draft in loss:
        here = Why(e.source.place(part.node.span), why.rule)
        for dim in (draft.rows, draft.cols):
            if e.dims.value(dim) not in (None, 1):
                raise ModelError(
                    "the loss must be a scalar; write sum(…) or a named loss", here.place
                )
            e.dims.unify(dim, e.dims.constant(1), here)
    given = frozenset(e.symbols) & known.naming.indexed - frozenset(known.defined)
    return Inference(e, equations, loss, given, _degenerate(e, known))


def _like_with_like(e: Elaborator, loss: Draft) -> None:
    """An abstract loss of two vectors compares like with like: output and target are of one size."""
    for draft in _drafts(loss):
        if draft.kind is tm.Abstract and len(draft.children) == 2:
            a, b = draft.children
            for one, other in ((a.rows, b.rows), (a.cols, b.cols)):
                if None in (e.dims.value(one), e.dims.value(other)):
                    e.dims.unify(one, other, Why(draft.place))


def _initial_shape(
    e: Elaborator, known: Draughtsman, name: str, step: int, parameter: str | None
) -> None:
    if name not in known.defined:
        raise ModelError(f"an initial value for {name}, which no equation defines", None)
    if parameter is not None:
        known_draft = e.declare(parameter, Symbol(parameter))
        state = e.symbols[name]
        why = Why(known.defined[name].place)
        e.dims.unify(known_draft.rows, state.rows, why)
        e.dims.unify(known_draft.cols, state.cols, why)


def _declare_all(e: Elaborator, known: Draughtsman, *, rows: bool) -> None:
    """Every symbol with what is known of its shape beforehand."""
    statements = [*known.defined.values()]
    if known.loss_statement is not None:
        statements.append(known.loss_statement)
    for statement in statements:
        e.source = statement.source
        for node in statement.node.walk():
            if isinstance(node, Symbol) and known.naming.read(node)[1] is not None:
                name = known.naming.read(node)[0]
                if name in e.symbols or not _is_quantity(node, statement):
                    continue
                draft = e.declare(name, node)
                if name not in known.shapes:
                    dim = draft.rows if rows else draft.cols
                    e.dims.unify(dim, e.dims.constant(1), Why(draft.place, "a vector"))
    for name, shape in known.shapes.items():
        draft = e.declare(name, Symbol(name))
        for dim, given in zip((draft.rows, draft.cols), shape, strict=True):
            e.dims.unify(dim, e.dims.constant(given), Why(draft.place, f"[shapes] {name}"))


def _is_quantity(symbol: Symbol, statement: Statement) -> bool:
    """Whether the symbol stands for a value, not for the function of a call."""
    return not any(isinstance(n, Call) and n.function is symbol for n in statement.node.walk())


def _degenerate(e: Elaborator, known: Draughtsman) -> int:
    """How many parameters came out as single numbers: the fewer, the better the reading."""
    return sum(
        name not in known.naming.indexed and name not in known.shapes and e.is_scalar(draft)
        for name, draft in e.symbols.items()
    )


def _best_inference(known: Draughtsman) -> tuple[Inference, bool]:
    """Columns if that makes sense of the shapes, rows if only that does."""
    attempts: list[tuple[Inference, bool]] = []
    failures: list[ModelError] = []
    for rows in (False, True):
        try:
            attempts.append((_infer(known, rows=rows), rows))
        except ModelError as error:
            failures.append(error)
    if not attempts:
        raise failures[0]
    return min(attempts, key=lambda attempt: attempt[0].degenerate)


def _check_sizes(found: Inference, known: Draughtsman, lagged: frozenset[str], rows: bool) -> None:
    """A vector whose size the equations force to 1 is a contradiction in disguise."""
    e = found.elaborator
    for name in sorted(found.given | lagged):
        draft = e.symbols[name]
        size = draft.cols if rows else draft.rows
        if name in known.shapes or e.dims.value(size) != 1:
            continue
        chain = [w for w in e.dims.why(size, e.dims.constant(1)) if w.text]
        if not chain:
            continue
        two = [chain[-1]] + [w for w in chain[:-1] if str(w) != str(chain[-1])][:1]
        both = " and ".join(str(w) for w in two[::-1])
        raise ModelError(
            f"shape conflict: {both} together make {name} a single number; "
            f"is ⊙ or a transpose meant? (if not, declare {name} = \"1\" under [shapes])",
            two[0].place,
        )


# -- assembly -----------------------------------------------------------------------------


def _assemble(known: Draughtsman, labels: Mapping[str, object]) -> Model:
    found, rows = _best_inference(known)
    e = found.elaborator
    lags = _lags(found)
    _check_functions(e, known)
    _check_definitions(found, known, lags)
    lagged = frozenset(n for n, used in lags.items() if any(used))
    _check_sizes(found, known, lagged, rows)
    roles = {name: _role(name, found, lags) for name in e.symbols}
    dim_of = name_dimensions(e.dims, _wanted(e, roles), frozenset(e.symbols) | {"t", "T", "L"})
    variables = {
        name: Variable(
            name,
            roles[name],
            (dim_of(d.rows), dim_of(d.cols)),
            e.spelled[name],
            tuple(sorted(lags.get(name, {0}))),
        )
        for name, d in e.symbols.items()
    }
    equations = tuple(
        Equation(
            name, finish(draft, dim_of), known.defined[name].text, known.defined[name].place.line
        )
        for name, draft in found.equations.items()
    )
    loss = tuple(LossTerm(part.steps, finish(draft, dim_of)) for part, draft in found.loss)
    assert known.loss_statement is not None
    model = Model(
        equations=equations,
        order=_order(equations, known),
        loss=loss,
        loss_name=known.loss_name,
        variables=variables,
        abstract={**e.abstract},
        initial=known.initial,
        row_vectors=rows,
        text="\n".join(s.text for s in known.defined.values()),
        loss_text=known.loss_statement.text,
        **labels,  # type: ignore[arg-type]
    )
    _check_initial(model, known)
    _check_loss(model, known)
    return model


def _drafts(draft: Draft) -> Iterable[Draft]:
    yield draft
    for child in draft.children:
        yield from _drafts(child)


def _uses(found: Inference) -> Iterable[tuple[str | None, Draft, str, Index | None]]:
    """(equation or None for the loss, draft, name, index) of every use of a symbol."""
    tops = [*found.equations.items(), *((None, draft) for _, draft in found.loss)]
    for owner, top in tops:
        for draft in _drafts(top):
            if draft.kind is tm.Ref:
                name, index = draft.data
                yield owner, draft, name, index  # type: ignore[misc]


def _lags(found: Inference) -> dict[str, set[int]]:
    lags: dict[str, set[int]] = {}
    for owner, draft, name, index in _uses(found):
        if index is None:
            if name in found.elaborator.naming.indexed:
                t = found.elaborator.naming.time
                raise ModelError(f"{name} has a time index elsewhere; write {name}_{t}", draft.place)
            continue
        if index.anchor != "t":
            raise ModelError(
                f"{name}_{index} is a fixed step; an equation names steps relative to t", draft.place
            )
        if index.offset > 0:
            raise ModelError(
                f"{name} is used one or more steps ahead; recurrences run forward, from "
                f"{name}_{{t-1}} to {name}_t",
                draft.place,
            )
        if owner is None and index.offset:
            raise ModelError("the loss of step t uses quantities of step t only", draft.place)
        lags.setdefault(name, set()).add(-index.offset)
    return lags


def _check_functions(e: Elaborator, known: Draughtsman) -> None:
    for owner in (*known.defined.values(), known.loss_statement):
        assert owner is not None
        for node in owner.node.walk():
            if not isinstance(node, Call):
                continue
            name, index = known.naming.read(node.function)
            if canonical(name) is not None or name in known.functions or name in CONVENTIONAL:
                continue
            if index is None and len(node.arguments) == 1:
                raise unknown_function(name, owner.source.place(node.function.span))


def _check_definitions(found: Inference, known: Draughtsman, lags: Mapping[str, set[int]]) -> None:
    for owner, draft, name, _ in _uses(found):
        check_name(name, draft.place)
        defined = name in found.equations
        if name == known.loss_name and not defined:
            raise ModelError(f"the loss {name} can't be used in an equation", draft.place)
        if not defined and name in lags and 0 not in lags[name]:
            near = did_you_mean(name, found.equations)
            raise ModelError(
                f"{name} is used at an earlier step but no equation defines {name}_t{near}",
                draft.place,
            )
        if not defined and name in known.naming.indexed and owner is None:
            twins = [n for n in found.equations if n.lower() == name.lower()]
            if twins:
                raise ModelError(f"{name} is not defined; is {twins[0]} meant?", draft.place)


def _role(name: str, found: Inference, lags: Mapping[str, set[int]]) -> Role:
    if name in found.equations:
        return Role.STATE if any(lags.get(name, ())) else Role.COMPUTED
    if name not in found.given:
        return Role.PARAMETER
    e = found.elaborator
    owners = {owner for owner, _, used, _ in _uses(found) if used == name}
    scalar = {n for n in found.equations if e.is_scalar(e.symbols[n])}
    return Role.TARGET if owners <= {None} | scalar else Role.INPUT


def _wanted(e: Elaborator, roles: Mapping[str, Role]) -> Iterable[tuple[int, str]]:
    """Dimensions in the order in which they get letters, each with the pool it prefers."""
    pools = [
        ((Role.STATE,), "state"),
        ((Role.INPUT,), "input"),
        ((Role.TARGET,), "output"),
        ((Role.COMPUTED, Role.PARAMETER), "state"),
    ]
    for wanted, pool in pools:
        for name, draft in e.symbols.items():
            if roles[name] in wanted:
                yield draft.rows, pool
                yield draft.cols, pool
    for dim in range(len(e.dims.parent)):
        yield dim, "state"


def _order(equations: tuple[Equation, ...], known: Draughtsman) -> tuple[str, ...]:
    """The equations' names so that each uses, within a step, only what stands before it."""
    needs = {
        e.name: [
            r.name
            for r in e.rhs.walk()
            if isinstance(r, tm.Ref) and r.index == Index("t") and r.name in known.defined
        ]
        for e in equations
    }
    done: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        if name in path:
            cycle = " → ".join(f"{n}_t" for n in [*path[path.index(name) :], name][::-1])
            raise ModelError(
                f"a cycle within one step: {cycle}; is {name}_{{t-1}} meant somewhere?",
                known.defined[name].place,
            )
        path.append(name)
        for need in needs[name]:
            visit(need)
        path.pop()
        done.append(name)

    for name in needs:
        visit(name)
    return tuple(done)


def _check_initial(model: Model, known: Draughtsman) -> None:
    for (name, step), _ in known.initial.items():
        if step not in model.variables[name].initial_steps:
            raise ModelError(
                f"{name}_{step} is never used: {name} has no such lag", known.defined[name].place
            )
    for name in {name for name, _ in known.initial}:
        for step in model.variables[name].initial_steps:
            if (name, step) not in known.initial:
                raise ModelError(
                    f"the state {name} needs a value at step {step} too; add {name}_{step} = 0, "
                    "or leave all its initial values to the caller",
                    known.defined[name].place,
                )


def _check_loss(model: Model, known: Draughtsman) -> None:
    """The loss must depend on a parameter, directly or through what is computed."""
    reached: set[str] = set()
    queue = [r.name for loss in model.loss for r in loss.term.walk() if isinstance(r, tm.Ref)]
    while queue:
        name = queue.pop()
        if name in reached:
            continue
        reached.add(name)
        if model.variables[name].computed:
            rhs = model.equation(name).rhs
            queue += [r.name for r in rhs.walk() if isinstance(r, tm.Ref)]
    assert known.loss_statement is not None
    if not any(model.variables[n].role is Role.PARAMETER for n in reached):
        raise ModelError(
            "the loss depends on no parameter: there is nothing to differentiate",
            known.loss_statement.place,
        )
