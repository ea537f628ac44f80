"""Documents that would take for ever: what is bounded, and by what."""

import time

import pytest

from symbptt import check
from symbptt.check.authors import MOST_NEAR, Author
from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import formulas
from symbptt.check.documents.repair import repairs
from symbptt.check.documents.traced import Traced
from symbptt.check.meaning.setting import SIZES, Setting
from symbptt.check.notation.symbols import Scope
from symbptt.model import load

MODEL = (
    "$$h_t = \\tanh(W h_{t-1} + U x_t + b)$$\n\n$$y_t = V h_t$$\n\n"
    "$$L = \\sum_{t=1}^T \\frac{1}{2} \\|y_t - d_t\\|^2$$\n\n"
)
#: What a page has besides the model: nothing of it may take long or end in a traceback.
PAGES = {
    "brackets that lack partners": "\\frac{\\partial L}{\\partial W} = " + "\\left(" * 3000,
    "brackets in brackets": "a = " + "{" * 10_000 + "a" + "}" * 10_000,
    "many factors": "\\frac{\\partial L}{\\partial h_t} = " + "W^\\top " * 3000,
    "a large exponent": "\\frac{\\partial h_t}{\\partial h_{t-1}} = W^{1000000000}",
    "a tower": "\\frac{\\partial h_t}{\\partial h_{t-1}} = 2^{2^{2^{2^{2^{2}}}}} W",
    "a long sum": "\\frac{\\partial L}{\\partial V} = \\sum_{t=1}^{10^9} (y_t - d_t) h_t^T",
    "a step far back": "\\frac{\\partial L}{\\partial h_{t-1000}} = W^{1000}",
    "nothing in a norm": "\\|\\| \\le \\left\\| \\right\\|",
    "division by zero": "\\frac{\\partial L}{\\partial h_t} = \\frac{h_t}{0}",
    "five entries": "T_{ijklm} = \\frac{\\partial h_i}{\\partial W_{jk}} U_{lm}",
    "sums in sums": "\\frac{\\partial L}{\\partial W} = "
    + "".join(f"\\sum_{{{c}=1}}^T " for c in "ijklmnpqrs") + "h_t",
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_it_ends_soon_and_no_formula_is_lost(page):
    began = time.process_time()
    report = check(f"{MODEL}$${page}$$\n")
    assert time.process_time() - began < 20
    assert report.findings[-1].line == 7


@pytest.mark.filterwarnings("error")
def test_a_bound_beyond_all_floats_says_nothing_of_floats():
    bound = "$$\\left\\| \\frac{\\partial h_t}{\\partial h_{t-1}} \\right\\| \\le 2^{1000000000}$$"
    assert check(MODEL + bound).findings[-1].kind == "claim"


def test_a_repair_mends_no_more_than_a_few_brackets():
    assert [note for _, note in repairs(Traced.whole("f(a"))]
    assert not [*repairs(Traced.whole("(" * 100 + "a"))]


def test_a_long_document_offers_the_formulas_around_one():
    document = Document("".join(f"$$a = {i}$$\n\n" for i in range(MOST_NEAR + 100)), None)
    author = Author(document, formulas(document))
    for at in (0, 250, MOST_NEAR + 99):
        place, around = author.near(author.formulas[at])
        assert len(around) == MOST_NEAR
        assert around[place] is author.formulas[at]
        assert author.alike(author.formulas[at])[0] is author.formulas[at]


def test_sizes_do_not_grow_with_the_model():
    model = load("lstm")
    sizes = Setting(Scope(model)).sizes
    assert len({*sizes.values()}) == len(sizes) <= len(SIZES)
    assert max(SIZES) < 20
