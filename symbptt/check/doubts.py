"""Why a claim may be neither right nor wrong, whatever the equations say of it: doubts.

Doubts are rows of a table.  The first that applies makes a verdict inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from symbptt.check.doubtful import (
    adds_a_path,
    begins_a_sum,
    begins_nowhere,
    compares_smoothed,
    defines_a_function,
    gives_value,
    has_a_function_given,
    has_an_indicator,
    has_another_name,
    has_any_activation,
    has_bare_ones,
    has_capital_step,
    has_loose_ends,
    has_unread_loss,
    holds_constant,
    is_added_to,
    is_apart,
    is_assigned,
    is_behind_a_lost_equation,
    is_besides,
    is_chain_rule,
    is_empty,
    is_in_two_fonts,
    is_of_any_loss,
    is_of_differentials,
    is_of_given_numbers,
    is_of_log_of_softmax,
    is_of_loss_of_arguments,
    is_of_plain_network,
    is_of_sizes,
    is_rounded,
    is_step_of_learning,
    is_zero_at_the_end,
    lacking,
    misnamed,
    names_a_derivative,
    repeats_a_letter,
    runs_to_a_letter,
    said_again,
    speaks_of_differentials,
    speaks_of_part_of_loss,
    speaks_of_unread_loss,
    starts_after_the_loss,
    steps_what_stands_still,
    sums_over_later_steps,
    unproved,
    unused,
    was_named_before,
    without_path,
)
from symbptt.check.misread import (
    equals_an_entry,
    goes_on_behind_a_comma,
    has_two_steps,
    is_of_shapes,
    may_be_a_power,
    may_count_entries,
    may_end_sooner,
    takes_time_for_a_factor,
)
from symbptt.check.networks.epoch import Epoch
from symbptt.check.networks.links import (
    is_forward_claim,
    is_of_data,
    is_of_two_networks,
)
from symbptt.check.networks.parts import Part
from symbptt.check.notation.symbols import Scope


class When(Enum):
    """Of which claims a doubt is asked."""

    HOLDS = "those that hold"
    DIFFERS = "those whose sides have the same shape and differ"
    FAILS = "those that fail, before an edit is sought that mends them"
    UNMENDED = "those that fail, where no edit mends them"
    AT_LAST = "those that fail and are no equation of the model"


@dataclass(frozen=True)
class Doubt:
    """A reason to leave a claim undecided: its name, of which claims it is asked, when it applies,
    and the sentence.

    What ``applies`` may say why itself; the sentence is then how that begins.
    """

    name: str
    when: When | tuple[When, ...]
    applies: Callable[[Part, Epoch, Scope], bool | str | None]
    says: str

    @property
    def asked(self) -> frozenset[When]:
        """Of which claims it is asked."""
        return frozenset({self.when} if isinstance(self.when, When) else self.when)


def doubt(part: Part, epoch: Epoch, scope: Scope, *when: When) -> str | None:
    """What the first doubt says that applies to a claim."""
    for row in DOUBTS:
        found = not row.asked.isdisjoint(when) and row.applies(part, epoch, scope)
        if found:
            return found if isinstance(found, str) else row.says
    return None


_UNREAD = "the document's loss isn't read, so what depends on it isn't decided"
_BEYOND = "the document says more of its loss than is read, so what depends on it isn't decided"
_FONTS = "it has a letter that is in the document in two fonts, which are not told apart"
_EITHER = When.HOLDS, When.FAILS
_DIFFERENTIAL = "its d may be a differential rather than a gradient"
DOUBTS: tuple[Doubt, ...] = (
    Doubt("loss that is not read", When.HOLDS, has_unread_loss, _UNREAD),
    Doubt("part of the loss", _EITHER, speaks_of_part_of_loss, _BEYOND),
    Doubt("path that is not read", When.HOLDS, unproved, "it may depend on "),
    Doubt("letter in two fonts", _EITHER, is_in_two_fonts, _FONTS),
    Doubt("product of nothing", When.HOLDS, is_empty, "by the forward equations "),
    Doubt("sum over later steps", When.HOLDS, sums_over_later_steps,
          "its sum runs on to steps on which what it differentiates doesn't depend"),
    Doubt("sum that begins after the loss", When.HOLDS, starts_after_the_loss,
          "the document's loss has a share at step 0, and its sum begins at step 1"),
    Doubt("ones without a transpose", When.HOLDS, has_bare_ones,
          "it holds for one example; of several, should a column of ones be transposed?"),
    Doubt("differentials that are named alike", When.HOLDS, speaks_of_differentials,
          _DIFFERENTIAL),
    Doubt("range that ends at a letter", When.DIFFERS, runs_to_a_letter,
          "how far a sum in it runs is not known"),
    Doubt("rounded numbers", When.DIFFERS, is_rounded, "numbers that may be rounded"),
    Doubt("target that is computed", When.FAILS, compares_smoothed,
          "the entries of its target may sum to 1, which the equations don't say"),
    Doubt("indicator of a class", When.FAILS, has_an_indicator,
          "it has what may be 1 for one class and 0 for the others"),
    Doubt("one path of several", When.FAILS, adds_a_path,
          "what one path adds is not told from the whole"),
    Doubt("words before a relation sign", When.FAILS, is_apart,
          "it has no left side; by the words before it, it may be about another than the last one"),
    Doubt("σ of any kind", When.FAILS, has_any_activation,
          "σ may stand for any activation, and that of the network is another one"),
    Doubt("a value", When.FAILS, gives_value,
          "it gives a value, of which the equations say nothing"),
    Doubt("shapes", _EITHER, is_of_shapes, "it says what sizes are; nothing is checked of them"),
    Doubt("factor behind a comma", When.FAILS, goes_on_behind_a_comma,
          "what stands behind the comma may be a factor"),
    Doubt("t for a factor", When.FAILS, takes_time_for_a_factor,
          "t stands as a factor; it may end a name before it"),
    Doubt("power of T", When.FAILS, may_be_a_power,
          "T stands above what has steps; it may be how often that is multiplied"),
    Doubt("something held", When.FAILS, holds_constant,
          "the words before it hold something constant; what that is isn't read"),
    Doubt("sizes", When.FAILS, is_of_sizes, "it may be about sizes, of which nothing is checked"),
    Doubt("a name for other equations", When.FAILS, was_named_before,
          "its left side was named where other equations held"),
    Doubt("function beside the network", When.FAILS, is_besides,
          "it is about what an equation beside the network gives, without steps"),
    Doubt("differentials of expressions", When.FAILS, speaks_of_differentials, _DIFFERENTIAL),
    Doubt("two networks", When.FAILS, lambda part, epoch, scope: is_of_two_networks(part, scope),
          "it joins quantities that no equation joins; are there two models?"),
    Doubt("equation that is not read", When.FAILS, lacking, "it depends on "),
    Doubt("equation without a model", When.FAILS, is_behind_a_lost_equation, "line "),
    Doubt("step that is left out", When.FAILS, steps_what_stands_still,
          "a name has a step here and none in the forward equations"),
    Doubt("step that may be the last", When.UNMENDED, has_capital_step,
          "a capital counts its step, which may be the last one"),
    Doubt("end of the sequence", When.FAILS, is_zero_at_the_end,
          "what comes from behind the last step is zero, and it may be about that"),
    Doubt("weights that are numbers", When.FAILS, is_of_given_numbers,
          "the document gives a weight a number, and its network may be one of numbers"),
    Doubt("quantity of no use", When.FAILS, unused, "by the forward equations "),
    Doubt("names that differ in case", When.FAILS, misnamed, "it depends on equations "),
    Doubt("another equation that is not read", When.UNMENDED, said_again, "it depends on "),
    Doubt("another function", When.UNMENDED, defines_a_function,
          "it may say what a function is, and the name have another meaning elsewhere"),
    Doubt("logarithms of probabilities", When.UNMENDED, is_of_log_of_softmax,
          "its loss has logarithms, whose targets may be such that it holds"),
    Doubt("loss of arguments", When.UNMENDED, is_of_loss_of_arguments,
          "it sums a loss of what is at a step; the document's may be of the last one"),
    Doubt("function that is given", When.UNMENDED, has_a_function_given,
          "the document gives a function by a formula, or by words, that isn't used here"),
    Doubt("loss of what is not said", When.FAILS, has_loose_ends,
          "no equation says what the loss is of, and it may be of several quantities"),
    Doubt("name for a derivative", When.FAILS, names_a_derivative,
          "it may only say what the derivative of one step's loss is called"),
    Doubt("letter that may be summed over", When.FAILS, repeats_a_letter,
          "a letter stands twice on one side alone, and nothing says that it is summed over"),
    Doubt("gradient of two names", When.FAILS, has_another_name,
          "the document calls a gradient otherwise; what this name stands for is not clear"),
    Doubt("gradient of a loss that is not read", When.UNMENDED, speaks_of_unread_loss, _UNREAD),
    Doubt("gradient of a loss that is not stated", When.UNMENDED, is_of_any_loss,
          "no equation says what the loss is, and it may be one for which this holds"),
    Doubt("step of learning", When.UNMENDED, is_step_of_learning,
          "a Δ may be a step of learning rather than a gradient"),
    Doubt("differentials", When.UNMENDED, is_of_differentials, _DIFFERENTIAL),
    Doubt("derivative without a path", When.UNMENDED, without_path,
          "by the forward equations "),
    Doubt("assumed equations", When.UNMENDED, lambda part, epoch, scope: bool(epoch.assumed),
          "it doesn't hold for the equations that are assumed here"),
    Doubt("another kind of network", When.UNMENDED, is_of_plain_network,
          "the words before it speak of a network without gates"),
    Doubt("chain rule", When.UNMENDED, is_chain_rule,
          "a chain rule that no reading makes hold; are all paths in the equations?"),
    Doubt("letter of entries", When.FAILS, may_count_entries,
          "a letter may count entries where it stands for a step"),
    Doubt("entry or all of them", When.UNMENDED, equals_an_entry,
          "one side is an entry, and the other may be all of them"),
    Doubt("name with two letters", When.UNMENDED, has_two_steps,
          "a name bears two letters, and its meaning may be that of one case"),
    Doubt("end of a sum or product", When.UNMENDED, may_end_sooner,
          "where its sum or product ends is not said"),
    Doubt("product that begins nowhere", When.UNMENDED,
          lambda part, epoch, scope: any(map(begins_nowhere, part.relation.walk())),
          "nothing says where its product begins"),
    Doubt("another forward equation", When.AT_LAST,
          lambda part, epoch, scope: is_forward_claim(part, scope),
          "it isn't what the forward equations say; is it of another model?"),
    Doubt("first value of a sum", When.AT_LAST, begins_a_sum,
          "a sum over the steps may begin with it"),
    Doubt("initial value", When.AT_LAST, is_assigned,
          "an algorithm assigns it anew; this may be its initial value"),
    Doubt("first part of a gradient", When.AT_LAST, is_added_to,
          "the document adds to it elsewhere; this may be the first part of it"),
    Doubt("data", When.AT_LAST, lambda part, epoch, scope: is_of_data(part, scope),
          "it is about what is given, of which the equations say nothing"),
)  # fmt: skip
