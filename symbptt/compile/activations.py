"""A name for each activation within an equation, so that its derivative is taken of its value.

``h_t = o_t ⊙ tanh(c_t)`` becomes ``h_t = o_t ⊙ a_t`` with ``a_t = tanh(c_t)``, whose derivative is
``1 - a_t²``: backward no tanh is computed again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from symbptt.compile.rewriting import equation, new_variable, with_equation
from symbptt.model import Model, Role, Variable
from symbptt.model import terms as tm


def with_activations_named(model: Model) -> Model:
    """The model with a name for each activation that is a part of an equation."""
    names = _Names(dict(model.variables))
    for name in model.order:
        rhs, new = names.put(model.equation(name).rhs, model.stage_of(name))
        if not new:
            continue
        changed = (replace(e, rhs=rhs) if e.name == name else e for e in model.equations)
        model = replace(model, variables=dict(names.variables), equations=tuple(changed))
        for activation, term in new:
            model = with_equation(model, equation(model, activation, term), before=name)
    return model


@dataclass
class _Names:
    """The names of a model, and of the activations that have one in each pass over time."""

    variables: dict[str, Variable]
    known: dict[tuple[int, tm.Term], tm.Term] = field(default_factory=dict)

    def put(self, rhs: tm.Term, stage: int) -> tuple[tm.Term, list[tuple[str, tm.Term]]]:
        """A right side with names for the activations in it, and what these are."""
        new: list[tuple[str, tm.Term]] = []

        def change(term: tm.Term) -> tm.Term:
            term = term.rebuilt(change)
            if not isinstance(term, tm.Mapped | tm.VectorMapped) or not _is_timed(term):
                return term
            if (stage, term) not in self.known:
                of = term.operand
                name = f"{term.function}_{of.name}" if isinstance(of, tm.Ref) else term.function
                v = new_variable(name, term.shape, self.variables, Role.COMPUTED)
                new.append((v.name, term))
                self.known[stage, term] = tm.Ref(v.name, tm.Index("t"), shape=term.shape)
            return self.known[stage, term]

        return rhs.rebuilt(change), new


def _is_timed(term: tm.Term) -> bool:
    return any(isinstance(x, tm.Ref) and x.index is not None for x in term.walk())
