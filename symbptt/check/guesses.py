"""What symbols that a document leaves undefined may stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from symbptt.check.conventions import Reading
from symbptt.check.namings import label
from symbptt.check.scripts import entry_letters, is_step, scripts
from symbptt.check.symbols import ERRORS, Definition, Scope
from symbptt.formula.lexicon import GREEK
from symbptt.formula.tree import Call, Differential, Node, Number, Quotient, Sum, Symbol
from symbptt.model import terms as tm
from symbptt.model.model import Model, Role

#: What the argument of an activation is called.
INNER = frozenset({"z", "a", "net", "u", "s", "pre", "o", "in", "y", "q", "v"})
#: What error signals are called besides δ.
SIGNALS = ERRORS | {"epsilon", "varepsilon", "e", "zeta", "kappa", "vartheta", "err", "dz", "dh"}
#: What stands for any parameter.
GENERIC = frozenset({"theta", "Theta", "w", "W", "omega", "vartheta", "psi", "phi", "p"})
#: What an activation is called in a document that uses one throughout.
ACTIVATION_NAMES = frozenset({"f", "g", "phi", "sigma", "act", "psi", "varphi"})


#: What stands for any number in a formula of functions alone: ``tanh'(z) = 1 - tanh²(z)``.
LETTERS = frozenset({"x", "z", "u", "a", "y", "s", "v", "t", "n"})
_LETTER = {name: letter for letter, name in reversed(GREEK.items())}


def shown(name: str) -> str:
    """A name as people write it: ``delta_h`` is δ_h.

    >>> shown("delta_h")
    'δ_h'
    """
    head, _, tail = name.partition("_")
    head = _LETTER.get(head, head)
    return f"{head}_{tail}" if tail else head


def is_identity(name: str, sides: Sequence[Node]) -> bool:
    """Whether a formula is about functions of one letter alone, which is any number."""
    if name not in LETTERS:
        return False
    symbols = {n.base for side in sides for n in _arguments_in(side)}
    return symbols == {name}


def _arguments_in(node: Node) -> Iterator[Symbol]:
    """The symbols of a formula that are no functions."""
    if isinstance(node, Symbol):
        yield node
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from _arguments_in(argument)
    else:
        for child in node.children():
            yield from _arguments_in(child)


def reading(name: str, says: str = "", group: str = "") -> Reading:
    """A reading that a guess makes."""
    return Reading(name, says or name, 1, lambda c: c, lambda node: True, group or name)


_NOTHING = Reading("", "", 0, lambda c: c, lambda node: True)


def candidates(name: str, sides: Sequence[Node], scope: Scope) -> Iterator[tuple[Reading, Scope]]:
    """What an undefined symbol may stand for: δ for a gradient, z for a pre-activation."""
    if name.endswith("()"):
        yield from _functions(name, scope)
        return
    head = name.split("_")[0]
    if is_identity(name, sides):
        yield Reading(name, "any number", 0, lambda c: c, lambda node: True), scope.with_free(name)
        return
    other = _in_other_letters(name, scope)
    if other is not None:
        says = f"nothing says what {shown(name)} stands for, and {other} differs in its case alone"
        group = f"meaning of {name}"
        yield reading(f"{shown(name)} is {other}", says, group), scope.with_alias(name, other)
        yield _NOTHING, scope  # where that doesn't hold, nothing is known of it
        return
    if name == "g":  # what the loss of a step adds
        yield from _signals(name, scope, Symbol("t"))
        yield _NOTHING, scope
        return
    if head in SIGNALS and not _crowded(name, sides):
        yield from _signals(name, scope)
    elif head in SIGNALS and name[len(head) + 1 :].isdigit():  # δ_t^3: of the loss of step 3
        yield from _signals(name, scope, Number(Fraction(int(name[len(head) + 1 :]))))
    if "target" in scope.model.variables and f"{name}_hat" in scope.model.variables:
        yield (
            Reading(name, "the target", 0, lambda c: c, lambda node: True),
            scope.with_alias(name, "target"),
        )
        return
    if head in INNER or name.startswith("net"):
        yield from _arguments(name, scope)


#: What has a meaning of its own as a capital: the identity, losses, numbers of steps.
_OWN_CAPITALS = frozenset("CDEIJKLNTX")


def _in_other_letters(name: str, scope: Scope) -> str | None:
    """The one quantity whose name differs in its case alone: ``W_hh`` for ``w_hh``."""
    if name[0] in _OWN_CAPITALS or any(q[0] in _OWN_CAPITALS for q in (name.swapcase(),)):
        return None
    found = [q for q in scope.model.variables if q.casefold() == name.casefold()]
    return found[0] if len(found) == 1 else None


def _signals(name: str, scope: Scope, at: Node | None = None) -> Iterator[tuple[Reading, Scope]]:
    """``δ_t`` as the gradient, or its negative, by each state and each computed quantity.

    ``at``: the step whose loss it is of.
    """
    model = scope.model
    inner = _inner(model)
    states = [q.name for q in model.with_role(Role.STATE)]
    others = [n for n in model.order if n not in states and n not in inner]
    hint = name.partition("_")[2]
    ordered = sorted([*states, *inner, *others], key=lambda v: not (hint and hint in v))
    for sign, minus in ((1, ""), (-1, "-")):
        for v in ordered:
            loss = "L" if at is None else f"L_{label(at)}"
            what = f"∂{loss} by the argument of {v[4:]}_t" if v in inner else f"∂{loss}/∂{v}_t"
            yield (
                reading(
                    f"{shown(name)}_t is {minus}{what}",
                    f"nothing says what {shown(name)} stands for, and this makes the formula hold",
                    f"meaning of {name}",
                ),
                scope.with_definition(name, Definition(_gradient(model, v, sign, at))),
            )


def _arguments(name: str, scope: Scope) -> Iterator[tuple[Reading, Scope]]:
    """``z_t`` as the argument of an activation."""
    inner = _activated(scope.model)
    hint = name.partition("_")[2]
    hinted = [v for v in inner if inner[v] == hint]
    if hint in scope.model.variables and not hinted:
        return  # a_C: of C, whatever it is
    for v in hinted or inner:
        body = Symbol(v, subscripts=(Symbol("t"),))
        yield (
            reading(
                f"{shown(name)} is the argument of {inner[v]}",
                f"nothing says what {shown(name)} stands for, and this makes the formula hold",
                f"meaning of {name}",
            ),
            # what its name says holds for the rest of the document too
            scope.with_definition(name, Definition(body)) if hinted else scope.with_alias(name, v),
        )


def _activated(model: Model) -> dict[str, str]:
    """The arguments of activations, each with what the activation gives: pre_h, h."""
    found: dict[str, str] = {}
    for e in model.equations:
        match e.rhs:
            case tm.Mapped(operand=tm.Ref(name, tm.Index("t", 0))) if name != e.name:
                found.setdefault(name, e.name)
    others = {v: v[4:] for v in _inner(model) if v not in found}
    return {**found, **others}


def by_argument(v: str, name: str, model: Model) -> Iterator[tuple[Reading, Definition]]:
    """``δ_{z_t}`` as the gradient by the argument of the activation that gives z."""
    for inner, given in _activated(model).items():
        if given == v:
            says = f"nothing but its name says what {shown(name)} stands for"
            row = reading(f"{shown(name)} is by the argument of {v}", says, f"meaning of {name}")
            yield row, Definition(_gradient(model, inner, 1, None))


def _inner(model: Model) -> list[str]:
    """The names that the model gives to arguments of activations."""
    return [n for n in model.order if n.startswith("pre_")]


def _crowded(name: str, sides: Sequence[Node]) -> bool:
    """Whether a symbol bears two scripts that may be steps, so that neither is clear."""
    base = name.split("_")[0]
    symbols = (n for side in sides for n in side.walk() if isinstance(n, Symbol))
    return any(
        sum(is_step(p) and _is_count(p) for p in scripts(s)) > 1
        or any(len(entry_letters(p)) == 2 for p in scripts(s))  # δ_ij
        for s in symbols if s.base == base
    )  # fmt: skip


def _is_count(node: Node) -> bool:
    return all(x.base in "tkijsTnm" for x in node.walk() if isinstance(x, Symbol))


def _gradient(model: Model, v: str, sign: int, at: Node | None) -> Node:
    loss = Symbol(model.loss_name, subscripts=() if at is None else (at,))
    slope = Quotient(
        Differential("∂", loss),
        Differential("∂", Symbol(v, subscripts=(Symbol("t"),))),
    )
    return slope if sign > 0 else Sum((slope,), (-1,))


def _functions(name: str, scope: Scope) -> Iterator[tuple[Reading, Scope]]:
    """``f`` where the document writes tanh: the one activation that it uses."""
    used = {
        t.function for e in scope.model.equations for t in e.rhs.walk() if isinstance(t, tm.Mapped)
    }
    if name[:-2].split("_")[0] in ACTIVATION_NAMES and len(used) == 1:
        (f,) = used
        yield (
            reading(f"{name[:-2]} is {f}", f"{name[:-2]} stands for {f}"),
            scope.with_alias(name, f),
        )


def _behind_states(model: Model) -> set[str]:
    """What states depend on; θ is a parameter of the recurrence."""
    wanted = [q.name for q in model.with_role(Role.STATE)]
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        if any(e.name == name for e in model.equations):
            wanted += [x.name for x in model.equation(name).rhs.walk() if isinstance(x, tm.Ref)]
    return seen


def generic(sides: Sequence[Node], scope: Scope) -> list[Scope] | None:
    """The scopes in which θ is each parameter in turn, where a claim is about any of them."""
    wanted = {
        n.operand.base
        for side in sides
        for n in side.walk()
        if isinstance(n, Differential) and isinstance(n.operand, Symbol)
        and n.operand.base in GENERIC and n.operand == Symbol(n.operand.base)
        and scope.meant(n.operand) is None
    }  # fmt: skip
    if len(wanted) != 1:
        return None
    (name,) = wanted
    parameters = [q.name for q in scope.model.with_role(Role.PARAMETER)
                  if q.name in _behind_states(scope.model)]  # fmt: skip
    if not parameters:
        return None
    return [scope.with_alias(name, p) for p in parameters]
