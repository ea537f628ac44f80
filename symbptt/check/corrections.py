"""What the author of a wrong formula may have meant: the nearest formula that is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from symbptt.check.authors import BROKEN, Author, Pieces
from symbptt.check.edits import Edit, repairs
from symbptt.check.edits.unexpanded import in_source
from symbptt.check.findings import Correction
from symbptt.check.judge import held_everywhere
from symbptt.check.meaning.claims import Claim, has_more_letters
from symbptt.check.meaning.conventions import SHARE_OF_STEP, STANDARD, Convention
from symbptt.check.meaning.setting import Setting
from symbptt.check.meaning.tensors import Layout
from symbptt.check.meaning.work import in_other_signs
from symbptt.check.networks.parts import Part
from symbptt.check.notation.normal import Known
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import (
    Differential,
    Node,
    Product,
    Quotient,
    Relation,
    Symbol,
)

#: How many edits of one formula are tried.
MOST_EDITS = 250
#: How many in a reading that no other formula of the document needs.
FEW_EDITS = 75
#: The direct path alone, ``∂c_t/∂c_{t-1} = f_t``, as people write it.
_DIRECT = replace(STANDARD, immediate_parameters=True, immediate_states=True)
#: The mistake of which a term that stands for a path tells nothing.
TERM_TOO_MANY = "term too many"
#: How many parts a formula has that all of these are tried of.
PLAIN = 120
#: How many conventions an edited formula may be right under.
MOST_CONVENTIONS = 3


def correction(
    part: Part,
    author: Author,
    setting: Setting,
    claim_of: Callable[[Node, Node], Claim],
    used: Sequence[Convention] = (),
) -> tuple[Correction, Edit] | None:
    """The likeliest single edit that makes a claim right, re-verified; None if none does.

    ``claim_of`` makes a claim of two sides; ``used`` are the conventions that other formulas of
    the document are right under.
    """
    if part.raw is None:
        return None
    f = part.formula
    text = f.fragment.form == "text"
    letters = author.letters and not text
    conventions = [STANDARD, *(c for c in used if c != STANDARD)][:MOST_CONVENTIONS]
    passes = [(conventions, _limit(part.raw))]
    if _is_chain(part.raw.sides[-1]) and not any(c.immediate_parameters for c in conventions):
        passes.append(([replace(STANDARD, immediate_parameters=True)], FEW_EDITS))
    if _is_jacobian(part.raw.sides[0], setting.scope) and not _is_chain(part.raw.sides[-1]):
        passes.append(([replace(STANDARD, layout=Layout.DENOMINATOR)], FEW_EDITS))
        passes.append(([_DIRECT, replace(_DIRECT, diagonals=True)], FEW_EDITS))
    if has_more_letters(claim_of(part.left, part.right), setting.scope):
        passes.append(([SHARE_OF_STEP], FEW_EDITS))
    pieces = Pieces(author, part.raw, f)
    known: Known = {}
    for readings, limit in passes:

        def holds(node: Relation, readings: Sequence[Convention] = readings) -> bool:
            plain = author.plain(node, f, known)
            assert isinstance(plain, Relation)
            left, right = plain.sides
            if left == right or in_other_signs(left, right):
                return False  # what says nothing mends nothing
            return held_everywhere(claim_of(left, right), setting, readings, in_full=True)

        found = repairs(
            part.raw, BROKEN.sub("  ", f.text), holds, letters=letters,
            factors=pieces.slopes, terms=tuple(pieces.terms), siblings=pieces.siblings,
            leading=[words for words, first in pieces.terms.items() if first],
            quantities=author.quantities(setting.scope, f), sample=author.sample(f),
            numbered=pieces.numbered, limit=limit,
        )  # fmt: skip
        along = _DIRECT in readings  # where other paths are left out, no term is one too many
        edit = next((e for e in found if not (along and e.mistake == TERM_TOO_MANY)), None)
        if edit is not None:
            words = in_source(edit, part.raw.span, f, author.document.macros, letters=letters)
            return Correction(words, "repair", edit.mistake), edit
    return None


def _is_chain(node: Node) -> bool:
    """Whether derivatives are multiplied: ``∂h/∂W`` is the immediate one there, often enough."""
    return any(
        isinstance(n, Product) and sum(isinstance(x, Quotient) for x in n.factors) > 1
        for n in node.walk()
    )


def _is_jacobian(node: Node, scope: Scope) -> bool:
    """Whether a side is ``∂h_t/∂h_k``, which a document may lay out either way."""
    match node:
        case Quotient(Differential(operand=Symbol() as of), Differential(operand=Symbol() as by)):
            found = scope.meant(of), scope.meant(by)
            return all(m is not None and m.kind == "quantity" and m.step is not None for m in found)
    return False


def _limit(relation: Relation) -> int:
    """How many edits to try: fewer of a long formula, which takes longer to evaluate."""
    return MOST_EDITS * PLAIN // max(PLAIN, sum(1 for _ in relation.walk()))
