"""A model over a stretch of a sequence: what backpropagation through time does in pieces.

The loss of steps a+1…b and of all that lies behind depends on what lies before through the states
at a alone.  So a stretch is a model of its own: its initial values are the states before it, and
``⟨g^v_t, v_t⟩`` is added to its loss, where ``g^v`` is what the stretch behind it hands back, the
gradient by its own initial values (Griewank & Walther, ACM TOMS 26 (2000), Algorithm 799).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from symbptt.compile.rewriting import new_variable, rewritten
from symbptt.errors import RequestError
from symbptt.model import EVERY, Index, Model, Role, Steps, Variable
from symbptt.model import terms as tm
from symbptt.model.model import LossTerm, Start


@dataclass(frozen=True)
class Stretch:
    """A model over a stretch; ``handed_back`` maps each input g to its state, ``present`` those
    that are 1 at the steps of a part of the loss to those steps; ``horizon`` is a hyperparameter
    that is the number of steps of the whole, ``once`` one that is 1 in a single stretch, for the
    penalties.  ``starts`` are the initial values that the model itself gives.
    """

    model: Model
    handed_back: Mapping[str, str]
    present: Mapping[str, Steps]
    horizon: str | None
    once: str | None
    starts: Mapping[tuple[str, Index], Start | None]

    @property
    def carried(self) -> tuple[tuple[Variable, Index], ...]:
        """The states, and their steps before the first, that one stretch has from another."""
        return tuple((v, s) for v, s in self.model.initial_values if v.computed)

    @property
    def lag(self) -> int:
        """The furthest step back at which a state is used: the least that a stretch may have."""
        return max((1 - s.offset for _, s in self.carried), default=1)


def stretch_of(model: Model) -> Stretch:
    """A model over a stretch of its sequence.

    Raises :class:`RequestError` where a value is used at a step before its own, or one pass over
    time begins when another has ended: no stretch then needs the states before it alone.
    """
    if len(model.stages) > 1 or not model.is_causal:
        raise RequestError(
            f"{model.name} goes over the sequence more than once, and what one pass leaves behind "
            "is needed whole by the next; leave out checkpoints"
        )
    variables = dict(model.variables)

    def given(wanted: str, shape: tm.Shape, role: Role = Role.TARGET) -> str:
        return new_variable(wanted, shape, variables, role).name

    def at_t(name: str, shape: tm.Shape) -> tm.Ref:
        return tm.Ref(name, tm.Index("t"), shape=shape)

    scalar: tm.Shape = (1, 1)
    horizon = None
    if any(isinstance(t, tm.Horizon) for t in _terms(model)):
        horizon = given("length", scalar, Role.HYPERPARAMETER)
        whole = tm.Ref(horizon, None, shape=scalar)

        def in_all(term: tm.Term) -> tm.Term:
            return whole if isinstance(term, tm.Horizon) else term.rebuilt(in_all)

        model = rewritten(model, in_all)
    once = given("once", scalar, Role.HYPERPARAMETER) if model.penalties else None
    present: dict[str, Steps] = {}
    loss: list[LossTerm] = []
    for part in model.loss:
        if once is not None and part.steps.once:
            factor: tm.Term = tm.Ref(once, None, shape=scalar)
            loss.append(replace(part, term=tm.Scaled(factor, part.term, shape=scalar)))
        elif part.steps.is_every:
            loss.append(part)
        else:
            name = given("there", scalar)
            present[name] = part.steps
            there = tm.Scaled(at_t(name, scalar), _at_any_step(part, model), shape=scalar)
            loss.append(LossTerm(EVERY, there))
    handed_back: dict[str, str] = {}
    for v in dict.fromkeys(v for v in model.variables.values() if v.computed and v.initial_steps):
        name = given(f"back_{v.name}", v.shape)
        handed_back[name] = v.name
        both = tm.Odot((at_t(name, v.shape), at_t(v.name, v.shape)), shape=v.shape)
        loss.append(LossTerm(EVERY, tm.Total(both, shape=scalar)))
    of = replace(model, loss=tuple(loss), variables=variables, initial={})
    return Stretch(of, handed_back, present, horizon, once, model.initial)


def _terms(model: Model) -> list[tm.Term]:
    whole = (*(e.rhs for e in model.equations), *(part.term for part in model.loss))
    return [t for term in whole for t in term.walk()]


def _at_any_step(part: LossTerm, model: Model) -> tm.Term:
    """What a part of the loss would be at step t: ``ℓ(y_T, d_T)`` as ``ℓ(y_t, d_t)``."""
    members = part.steps.members or ()

    def change(term: tm.Term) -> tm.Term:
        match term:
            case tm.Ref(_, tm.Index(anchor)) if anchor != "t":
                if len(members) != 1 or term.index != members[0]:
                    raise RequestError(
                        f"the loss of {model.name} needs {term.name} at step {term.index} and at "
                        "others, which no one stretch has; leave out checkpoints"
                    )
                return replace(term, index=tm.Index("t"))
        return term.rebuilt(change)

    return change(part.term)
