"""Random recurrent models, written as text in symbptt's language, well-typed by construction.

``random_model(seed)`` is a function of its seed alone.  Each expression is grown from the kind it
is to have: ``()`` a scalar, ``("n",)`` a vector, ``("n", "m")`` a matrix.  A letter stands for a
size, so that shapes agree however the sizes are chosen, and every value is kept moderate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from symbptt.model.functions import ACTIVATIONS, LOSSES, VECTOR_FUNCTIONS

Kind = tuple[str, ...]
Item = TypeVar("Item")

SCALAR: Kind = ()
LETTERS = ("n", "m", "k", "p")

#: How tightly a text binds: what may stand beside it without brackets around it.
SUM, ENTRYWISE, PRODUCT, ATOM, BARE = range(5)


@dataclass(frozen=True)
class Text:
    """A formula as text; only a ``BARE`` one may take a superscript.

    In one that is ``numbered`` a bare number is added: as a factor it would be read as a scalar
    where no shape is declared.
    """

    text: str
    level: int
    numbered: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Quantity:
    """A symbol: its kind, and its spelling with ``{}`` where the step goes."""

    spelling: str
    kind: Kind

    @property
    def name(self) -> str:
        """The name that the model file knows it by."""
        base, _, rest = self.spelling.partition("_")
        return SPELLED.get(self.spelling, base if "{}" in rest else self.spelling)

    @property
    def level(self) -> int:
        return ATOM if "^" in self.spelling else BARE


@dataclass(frozen=True)
class RandomModel:
    """A model as a user would give it, and the length at which to check it."""

    seed: int
    text: str
    options: dict[str, Any]
    T: int

    def __str__(self) -> str:
        return f"seed {self.seed}, T = {self.T}, options {self.options}\n{self.text}"


#: Spellings of more than a letter and a subscript, and the names they are read as.
SPELLED = {
    r"\tilde{{c}}_{{{}}}": "c_tilde",
    r"\mathbf{{s}}_{{{}}}": "s",
    r"h^{{f}}_{{{}}}": "h_f",
    r"v_{{r,{}}}": "v_r",
    r"\bar q_{{{}}}": "q_bar",
    "a[{}]": "a",
    "z^{{({})}}": "z",
    r"y_{{o,{}}}": "y_o",
    "j[{}]": "j",
    "w^{{({})}}": "w",
    "W_{hh}": "W_hh",
    "W^{(1)}": "W_1",
    r"\mathbf{U}": "U",
    r"\hat{V}": "V_hat",
    r"\alpha": "alpha",
    "γ": "gamma",
    r"\mathbf{b}_h": "b_h",
    r"\theta_{1}": "theta_1",
}
COMPUTED = (
    "h_{{{}}}", "u_{{{}}}", "c_{{{}}}", "z^{{({})}}", "a[{}]", r"h^{{f}}_{{{}}}",
    r"\mathbf{{s}}_{{{}}}", r"v_{{r,{}}}", r"\bar q_{{{}}}", r"\tilde{{c}}_{{{}}}",
)  # fmt: skip
MEMORIES = ("M_{{{}}}", "A_{{{}}}", "N_{{{}}}", "F_{{{}}}", "P_{{{}}}", "C_{{{}}}")
INPUTS = ("x_{{{}}}", "e_{{{}}}", "r_{{{}}}")
TARGETS = ("d_{{{}}}", "o_{{{}}}", "i_{{{}}}", r"y_{{o,{}}}", "j[{}]", "w^{{({})}}")
MATRICES = ("W", "U_x", "W_{hh}", "W^{(1)}", r"\mathbf{U}", r"\hat{V}", "K", "R", "G", "W_a", "W_b")
VECTORS = ("b", "b_z", r"\mathbf{b}_h", "b_a", "b_c", r"\theta_{1}", "b_o", "b_q")
NUMBERS = (r"\alpha", "γ", "beta", r"\eta", "kappa", "rho", r"\mu", "xi")

#: How some functions may be spelled besides by their name in the table.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "tanh": (r"\tanh", r"\operatorname{tanh}"),
    "sigmoid": (r"\sigma", "σ", "sigma", "logistic"),
    "relu": ("ReLU", r"\text{relu}"),
    "silu": ("swish",),
    "exp": (r"\exp",),
    "log": ("ln", r"\log"),
    "sin": (r"\sin",),
    "cos": (r"\cos",),
    "softmax": (r"\text{softmax}", r"\mathrm{softmax}"),
    "log_softmax": (r"\operatorname{log\_softmax}", "logsoftmax"),
}
#: Functions of a value that may be anything, and those whose values stay small whatever it is.
ANYWHERE = tuple(name for name in ACTIVATIONS if name not in ("exp", "log", "sqrt"))
BOUNDED = ("tanh", "sigmoid", "sin", "cos", "hardtanh")
SQUASHING = ("tanh", "sigmoid", "softmax", "hardtanh", "sin")
LENGTHS = (1, 2, 2, 3, 3, 3, 3, 4, 4, 5)


def random_model(seed: int) -> RandomModel:
    """The model of a seed, deterministic.

    >>> random_model(7) == random_model(7)
    True
    """
    return Writer(Random(seed), seed).model()


@dataclass
class Writer:
    """Grows one model; holds what has been named so far."""

    rng: Random
    seed: int
    states: list[Quantity] = field(default_factory=list)
    inputs: list[Quantity] = field(default_factory=list)
    targets: list[Quantity] = field(default_factory=list)
    parameters: list[Quantity] = field(default_factory=list)
    ready: list[Quantity] = field(default_factory=list)
    lags: dict[Quantity, int] = field(default_factory=dict)  # how far back each is used
    leads: dict[Quantity, int] = field(default_factory=dict)  # and how far ahead
    ways: dict[Quantity, int] = field(default_factory=dict)  # -1: a recurrence from T to 1
    way: int = 1
    bindings: dict[str, str] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)
    step: str | None = None
    shift: int = 0
    rows: bool = False
    in_loss: bool = False
    large: bool = True
    uses: int = 0  # of parameters
    definition: str = ""  # of a function of its own
    told: set[Quantity] = field(default_factory=set)  # whose shape the file is to say
    learned: set[Quantity] = field(default_factory=set)
    hyperparameters: list[str] = field(default_factory=list)

    # -- small things ---------------------------------------------------------------------

    def pick(self, *items: Item) -> Item:
        return self.rng.choice(items)

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def turn(self, items: tuple[Item, ...]) -> Item:
        """The one whose turn it is with this seed."""
        return items[self.seed // 2 % len(items)]

    def letter(self) -> str:
        return self.rng.choices(LETTERS, (6, 4, 3, 1))[0]

    def kind(self) -> Kind:
        """The kind of a quantity: mostly a vector."""
        return self.rng.choices(
            (SCALAR, (self.letter(),), (self.letter(), self.letter())), (2, 9, 1)
        )[0]

    def spelled(self, name: str) -> str:
        return self.pick(name, *SPELLINGS.get(name, ()))

    def wrapped(self, e: Text, level: int) -> Text:
        """The text, in brackets if it binds less tightly than ``level``."""
        if e.level >= level:
            return e
        left, right = self.pick(
            ("(", ")"), ("(", ")"), (r"\left(", r"\right)"), (r"\big(", r"\big)")
        )
        return Text(f"{left}{e}{right}", BARE)

    def call(self, name: str, *arguments: Text) -> Text:
        return Text(f"{self.spelled(name)}({', '.join(map(str, arguments))})", ATOM)

    def plus(self, *terms: Text) -> Text:
        """A sum, its signs drawn at random."""
        text = self.pick("", "", "-") + str(self.wrapped(terms[0], ENTRYWISE))
        for term in terms[1:]:
            text += self.pick(" + ", " + ", " - ") + str(self.wrapped(term, ENTRYWISE))
        return Text(text, SUM)

    def factor(self, kind: Kind, depth: int) -> Text:
        """An expression that may stand in a product of matrices."""
        e = self.expression(kind, depth)
        return self.call(self.pick(*BOUNDED), e) if e.numbered else e

    def product(self, *factors: Text, signs: tuple[str, ...] = (" ",)) -> Text:
        parts = [str(self.wrapped(f, ATOM)) for f in factors]
        return Text(self.pick(*signs).join(parts), PRODUCT)

    def odot(self, *factors: Text) -> Text:
        parts = [str(self.wrapped(f, PRODUCT)) for f in factors]
        return Text(self.pick(" ⊙ ", r" \odot ", " * ", " ∘ ", r" \circ ").join(parts), ENTRYWISE)

    def number(self) -> Text:
        return self.pick(
            Text("2", BARE), Text("3", BARE), Text("0.5", BARE), Text("1/2", ATOM),
            Text(r"\frac{1}{3}", ATOM), Text("3/4", ATOM), Text("0.1", BARE),
        )  # fmt: skip

    def transposed(self, e: Text) -> Text:
        if self.chance(0.15):
            return self.call("transpose", e)
        mark = self.pick("^T", "^T", r"^\top", r"^{\mathsf T}", r"^\intercal")
        return Text(f"{self.wrapped(e, BARE)}{mark}", ATOM)

    def power(self, e: Text, exponent: str) -> Text:
        return Text(f"{self.wrapped(e, BARE)}^{exponent}", ATOM)

    def quotient(self, above: Text, below: Text) -> Text:
        if self.chance(0.5):
            return Text(rf"\frac{{{above}}}{{{below}}}", ATOM)
        return self.wrapped(
            Text(f"{self.wrapped(above, BARE)} / {self.wrapped(below, BARE)}", SUM), ATOM
        )

    # -- leaves ---------------------------------------------------------------------------

    def reference(self, quantity: Quantity, lag: int = 0) -> Text:
        """A use of a quantity, at this step or ``lag`` steps before it (after it, on the way back)."""
        if quantity in self.inputs and quantity not in self.lags:
            lag = 0  # an input that is used at earlier steps only is refused
        if self.step is not None:
            self.lags.setdefault(quantity, 0)
            return Text(quantity.spelling.format(self.step), quantity.level)
        back, ahead = (lag, 0) if self.way > 0 else (0, lag)
        self.lags[quantity] = max(back, self.lags.get(quantity, 0))
        self.leads[quantity] = max(ahead, self.leads.get(quantity, 0))
        offset = self.shift - self.way * lag
        return Text(quantity.spelling.format(f"t{offset:+d}" if offset else "t"), quantity.level)

    def lag(self) -> int:
        return self.rng.choices((1, 2, 3), (10, 3, 2))[0] if self.large else 1

    def past(self, quantity: Quantity) -> Text:
        return self.reference(quantity, self.lag())

    def leaf(self, kind: Kind) -> Text:
        """A quantity of a kind, else a parameter."""
        now = [q for q in (*self.ready, *self.inputs) if q.kind == kind]
        before = [] if self.step is not None or self.in_loss else [
            q for q in (*self._linked(), *self.inputs) if q.kind == kind
        ]  # fmt: skip
        uses = [(q, 0) for q in now] * 2 + [(q, self.lag()) for q in before]
        if uses and self.chance(0.8):
            return self.reference(*self.pick(*uses))
        return self.parameter(kind)

    def _linked(self) -> list[Quantity]:
        """The states that an equation may use at other steps: those that run its way, and those
        of the other way that are computed before."""
        return [q for q in self.states if self.ways[q] == self.way or q in self.ready]

    def parameter(self, kind: Kind) -> Text:
        """A parameter of a kind: an old one, or a new one."""
        old = [p for p in self.parameters if p.kind == kind]
        pool = (NUMBERS, VECTORS, MATRICES)[len(kind)]
        spare = [s for s in pool if s not in {p.spelling for p in self.parameters}]
        crowded = len(self.parameters) >= (5 if self.large else 3)
        if not spare or (old and self.chance(0.9 if crowded else 0.4)):
            chosen = self.pick(*old)
        else:
            chosen = Quantity(spare[0] if self.chance(0.5) else self.pick(*spare), kind)
            self.parameters.append(chosen)
        self.uses += 1
        return Text(chosen.spelling, chosen.level)

    def target(self, kind: Kind) -> Text:
        old = [q for q in self.targets if q.kind == kind]
        spare = [s for s in TARGETS if s not in {q.spelling for q in self.targets}]
        if not old or (self.chance(0.2) and spare):
            old = [Quantity(self.pick(*spare), kind)]
            self.targets += old
        return self.reference(self.pick(*old))

    # -- expressions ----------------------------------------------------------------------

    def expression(self, kind: Kind, depth: int) -> Text:
        """A random expression of a kind."""
        if depth <= 0:
            return self.leaf(kind)
        form = self.pick(*forms(kind))
        return form(self, kind, depth - 1)

    def small(self, kind: Kind, depth: int) -> Text:
        """An expression with values between -1 and 1."""
        return self.call(self.pick(*BOUNDED), self.expression(kind, depth))

    def sum_of(self, kind: Kind, depth: int) -> Text:
        count = self.pick(2, 2, 3)
        return self.plus(*(self.expression(kind, depth) for _ in range(count)))

    def with_number(self, kind: Kind, depth: int) -> Text:
        e = self.wrapped(self.expression(kind, depth), ENTRYWISE)
        return Text(
            self.pick("1 - {}", "1 + {}", "{} - 2", "-{} + 1/2", "{} + 0.5 - 1").format(e),
            SUM,
            True,
        )

    def entrywise(self, kind: Kind, depth: int) -> Text:
        if self.chance(0.15):
            return Text(f"{self.leaf(kind)} ⊙ -{self.leaf(kind)}", ENTRYWISE)
        count = self.pick(2, 2, 3)
        return self.odot(*(self.expression(kind, depth) for _ in range(count)))

    def gate(self, kind: Kind, depth: int) -> Text:
        """``z ⊙ a + (1 - z) ⊙ b``."""
        z = self.call("sigmoid", self.expression(kind, depth))
        first = self.odot(z, self.leaf(kind))
        return Text(f"{first} + {self.odot(Text(f'(1 - {z})', BARE), self.leaf(kind))}", SUM)

    def multiple(self, kind: Kind, depth: int) -> Text:
        e = self.wrapped(self.expression(kind, depth), ATOM)
        sign = self.pick(" ", " ", r" \cdot ", "*")
        return Text(f"{self.pick('', '', '-')}{self.number()}{sign}{e}", SUM)

    def scaled(self, kind: Kind, depth: int) -> Text:
        scalar = self.wrapped(self.expression(SCALAR, depth), PRODUCT)
        other = self.leaf(kind)
        if scalar.level == PRODUCT:
            scalar = Text(f"({scalar})", BARE)
        pair = (scalar, other) if self.chance(0.8) else (other, scalar)
        return self.product(*pair, signs=(" ", " ", r" \cdot ", " · "))

    def mapped(self, kind: Kind, depth: int) -> Text:
        """An activation of the table, its argument within its domain."""
        name = self.pick(*ACTIVATIONS, *[self.turn(tuple(ACTIVATIONS))] * 15)
        if name == "sqrt" and self.chance(0.4):
            return Text(rf"\sqrt{{{self.positive(kind, depth)}}}", ATOM)
        domain = {"log": self.positive, "sqrt": self.positive, "exp": self.small}
        return self.call(name, domain.get(name, self.expression)(kind, depth))

    def bracketless(self, kind: Kind, depth: int) -> Text:
        r"""``\tanh h_t``."""
        return self.wrapped(Text(rf"\tanh {self.wrapped(self.leaf(kind), BARE)}", PRODUCT), BARE)

    def positive(self, kind: Kind, depth: int) -> Text:
        """An expression with values above 1/2."""
        e = self.small(kind, depth)
        match self.pick("sum", "square", "product"):
            case "sum":
                return Text(f"2 + {e}", SUM, True)
            case "square":
                return Text(f"1 + {self.power(e, '2')}", SUM, True)
        other = e if self.chance(0.5) else self.call("sigmoid", self.leaf(kind))
        return Text(f"1.5 - {self.odot(e, other)}", SUM, True)

    def divided(self, kind: Kind, depth: int) -> Text:
        return self.quotient(self.expression(kind, depth), self.positive(kind, depth))

    def raised(self, kind: Kind, depth: int) -> Text:
        if self.chance(0.5):
            exponent = self.pick("2", "3", "{2}")
            return self.power(self.small(kind, depth), exponent)
        exponent = self.pick("{-1}", "{1/2}", "{-1/2}", "{3/2}", "{-2}", "{0.5}")
        root = self.power(Text(f"({self.positive(kind, depth)})", BARE), exponent)
        return self.power(root, "2") if self.chance(0.1) else root

    def squared_leaf(self, kind: Kind, depth: int) -> Text:
        q = self.leaf(kind)
        return (
            self.call(self.pick("squared", "square"), q) if self.chance(0.3) else self.power(q, "2")
        )

    def inverse(self, kind: Kind, depth: int) -> Text:
        return self.quotient(Text(self.pick("1", "2"), BARE), self.positive(kind, depth))

    def cancelled(self, kind: Kind, depth: int) -> Text:
        q = self.leaf(kind)
        return Text(f"{self.leaf(kind)} + {q} - {q}", SUM)

    def averaged(self, kind: Kind, depth: int) -> Text:
        """Divided by the number of steps."""
        e = self.expression(kind, depth)
        return (
            Text(f"{self.wrapped(e, BARE)} / T", SUM)
            if self.chance(0.5)
            else Text(rf"\frac{{1}}{{T}} {self.wrapped(e, ATOM)}", PRODUCT)
        )

    def braced(self, kind: Kind, depth: int) -> Text:
        """Braces as TeX has them: invisible brackets."""
        return Text(f"{{{self.expression(kind, depth)}}}", ATOM)

    def underbraced(self, kind: Kind, depth: int) -> Text:
        return Text(rf"\underbrace{{{self.expression(kind, depth)}}}_{{\text{{gate}}}}", ATOM)

    # vectors

    def linear(self, kind: Kind, depth: int) -> Text:
        """A weight times a vector, as the model's vectors stand."""
        inner = self.letter()
        v = self.factor((inner,), depth)
        return self.applied(self.matrix(kind[0], inner), v)

    def matrix(self, r: str, c: str) -> Callable[[bool], Text]:
        """A matrix parameter that takes c to r, as it is or transposed, stored either way."""
        straight = self.chance(0.75)
        stored = (r, c) if straight != self.rows else (c, r)
        p = self.parameter(stored)
        return lambda turned: self.transposed(p) if turned == (stored == (r, c)) else p

    def applied(self, weight: Callable[[bool], Text], v: Text) -> Text:
        if self.rows:
            return self.product(v, weight(True), signs=(" ", " @ "))
        if self.chance(0.1):
            return self.call("matmul", weight(False), v)
        return self.product(weight(False), v, signs=(" ", " ", " @ ", r"\, "))

    def chain(self, kind: Kind, depth: int) -> Text:
        """Two weights in a row."""
        middle, inner = self.letter(), self.letter()
        v = self.leaf((inner,))
        return self.applied(
            self.matrix(kind[0], middle), self.applied(self.matrix(middle, inner), v)
        )

    def recalled(self, kind: Kind, depth: int) -> Text:
        """Any matrix, such as a state, times a vector."""
        inner = self.letter()
        if self.chance(0.3):  # the shapes of matrices are declared
            m = Text(
                f"({self.pick('1 - {}', '{} + 1/2').format(self.leaf((kind[0], inner)))})", BARE
            )
        else:
            m = self.factor((kind[0], inner), depth)
        v = self.leaf((inner,))
        return self.applied(lambda turned: self.transposed(m) if turned else m, v)

    def vector_function(self, kind: Kind, depth: int) -> Text:
        return self.call(self.pick(*VECTOR_FUNCTIONS), self.expression(kind, depth))

    def centred(self, kind: Kind, depth: int) -> Text:
        """A vector less its mean: a scalar in a sum is added to every entry."""
        e = self.small(kind, depth)
        return Text(f"{e} - mean({e})", SUM, True)

    def stacked(self, kind: Kind, depth: int) -> Text:
        """A weight times vectors on top of one another (side by side, if vectors are rows)."""
        letters = [self.letter() for _ in range(self.pick(2, 2, 3))]
        parts = [self.expression((n,), depth - 1) for n in letters]
        size = "+".join(letters)
        if self.chance(0.2):
            parts, size = [*parts, Text("1", ATOM)], f"{size}+1"
        # a weight alone says how long all of them are together, and not each
        every = (*self.states, *self.inputs, *self.parameters)
        self.told |= {q for q in every if q.kind in [(n,) for n in letters]}
        return self.applied(self.matrix(kind[0], size), self.stack(parts))

    def stack(self, parts: list[Text]) -> Text:
        match self.pick("brackets", "matrix", "words", "words"):
            case "brackets":
                return Text(f"[{self.pick('; ', ', ').join(map(str, parts))}]", BARE)
            case "matrix":
                inside = (" & " if self.rows else r" \\ ").join(map(str, parts))
                return Text(rf"\begin{{bmatrix}} {inside} \end{{bmatrix}}", BARE)
        return Text(f"{self.pick('concat', 'stack')}({', '.join(map(str, parts))})", ATOM)

    def part(self, kind: Kind, depth: int) -> Text:
        """One of the equal parts of a longer vector."""
        if not kind[0].isalpha():
            return self.linear(kind, depth)
        of = self.pick(2, 3, 4)
        whole = self.pick(self.linear, self.stacked)((f"{of}{kind[0]}",), depth)
        return Text(f"part({whole}, {self.pick(*range(1, of + 1))}, {of})", ATOM)

    def own(self, kind: Kind, depth: int) -> Text:
        """A function that the model defines itself."""
        self.definition = self.definition or self.pick(
            "mine(z) = z * sigmoid(beta z)", "mine(v) = v / (1 + exp(tanh(v)))", "mine(z) = z^2 + 1"
        )
        if "beta" in self.definition:
            self.parameters += [Quantity("beta", SCALAR)] * (
                Quantity("beta", SCALAR) not in self.parameters
            )
        return Text(f"mine({self.small(kind, depth)})", ATOM)

    def unnamed(self, kind: Kind, depth: int) -> Text:
        """A function known by its name alone."""
        if not self.functions and self.chance(0.7):
            return self.mapped(kind, depth)
        name = self.pick("f", "f", "act", "g")
        self.functions += [name] * (name not in self.functions)
        self.bindings.setdefault(name, self.pick(*ANYWHERE, *VECTOR_FUNCTIONS))
        return Text(f"{name}({self.expression(kind, depth)})", ATOM)

    # scalars

    def dot(self, kind: Kind, depth: int) -> Text:
        n = (self.letter(),)
        a, b = self.factor(n, depth), self.leaf(n)
        # b^T b is a number only where b is known to be a vector
        self.told |= {p for p in self.parameters if p.spelling in (a.text, b.text)}
        if self.rows:
            return self.product(a, self.transposed(b))
        if self.chance(0.2):
            return self.call("dot", self.transposed(a), b)
        return self.product(self.transposed(a), b, signs=(" ", " ", r" \cdot ", " @ "))

    def form(self, kind: Kind, depth: int) -> Text:
        """``a^T W b``."""
        r, c = self.letter(), self.letter()
        a, b, weight = self.leaf((r,)), self.leaf((c,)), self.factor((r, c), depth - 1)
        if self.rows:
            return self.product(a, weight, self.transposed(b))
        return self.product(self.transposed(a), weight, b)

    def total(self, kind: Kind, depth: int) -> Text:
        return self.call(
            self.pick("sum", "mean"),
            self.expression(self.pick((self.letter(),), (self.letter(), self.letter())), depth),
        )

    def norm(self, kind: Kind, depth: int) -> Text:
        return self.norm_of(self.expression((self.letter(),), depth))

    def norm_of(self, e: Text) -> Text:
        return Text(
            self.pick("‖{}‖^2", r"\|{}\|^2", r"\lVert {} \rVert^2", r"\|{}\|_2^2").format(e), ATOM
        )

    def inner_loss(self, kind: Kind, depth: int) -> Text:
        n = (self.letter(),)
        return self.named_loss(self.pick(*LOSSES), self.expression(n, depth), self.leaf(n))

    def named_loss(self, name: str, prediction: Text, target: Text) -> Text:
        """A loss of the table, its first argument within its domain."""
        if name == "cross_entropy":
            prediction = self.call("softmax", prediction)
        if name == "binary_cross_entropy":
            prediction = self.call("sigmoid", prediction)
        return self.call(name, prediction, target)

    # matrices

    def outer(self, kind: Kind, depth: int) -> Text:
        a, b = self.factor(kind[:1], depth), self.factor(kind[1:], depth - 1)
        # a b^T may be a product of matrices where nothing says that a and b are vectors
        self.told |= {p for p in self.parameters if p.spelling in (a.text, b.text)}
        if self.rows:
            return self.product(self.transposed(a), b)
        if self.chance(0.2):
            return self.call("outer", a, b)
        return self.product(a, self.transposed(b))

    def turned(self, kind: Kind, depth: int) -> Text:
        return self.transposed(self.factor(kind[::-1], depth))

    def matmul(self, kind: Kind, depth: int) -> Text:
        inner = self.letter()
        left = self.factor((kind[0], inner), depth)
        right = self.factor((inner, kind[1]), depth - 1)
        return self.product(left, right, signs=(" ", " @ ", r" \cdot "))

    # -- the model ------------------------------------------------------------------------

    def model(self) -> RandomModel:
        """The whole: equations, initial values, loss, and what the file says beside them."""
        self.rows = self.chance(0.12)
        self.large = self.chance(0.15)
        self._name_quantities()
        lines = [self._equation(q) for q in self.states]
        loss = self._loss()
        lines += self._dead_end()
        lines += [self.definition] * bool(self.definition)
        if self.chance(0.3):
            self.rng.shuffle(lines)
        lines += [line for q in self.states for line in self._initial(q)]
        options: dict[str, Any] = {"shapes": self._shapes()}
        if self.functions:
            options["functions"] = self.functions
        if self.hyperparameters:
            options["hyperparameters"] = self.hyperparameters
        if self.bindings:
            options["bindings"] = self.bindings
        return RandomModel(self.seed, "\n".join((*lines, loss)), options, self.pick(*LENGTHS))

    def _name_quantities(self) -> None:
        names = list(COMPUTED)
        self.rng.shuffle(names)
        for _ in range(self.pick(1, 2, 2, 3) if self.large else self.pick(1, 1, 2)):
            kind = self.kind()
            name = self.pick(*MEMORIES) if len(kind) == 2 else names.pop()
            if name not in {q.spelling for q in self.states}:
                self.states.append(Quantity(name, kind))
        if all(not q.kind for q in self.states) and self.chance(0.7):
            self.states.append(Quantity(names.pop(), ("n",)))
        for name in INPUTS[: self.pick(0, 1, 1, 1, 2, 3)]:
            self.inputs.append(Quantity(name, self.pick(SCALAR, ("m",), ("m",), (self.letter(),))))

        self._choose_ways()

    def _choose_ways(self) -> None:
        """Mostly all forward; now and then all in reverse, or the first few one way, the rest the
        other."""
        rng = Random(f"ways of {self.seed}")
        first = rng.choices((1, -1), (5, 1))[0]
        turns = rng.randrange(1, len(self.states)) if len(self.states) > 1 else 0
        turned = turns and rng.random() < 0.3
        for i, q in enumerate(self.states):
            self.ways[q] = -first if turned and i >= turns else first

    def _equation(self, q: Quantity) -> str:
        self.shift = int(self.chance(0.1))
        self.way = self.ways[q]
        before, depth = self.uses, self.pick(1, 1, 2, 2, 3 if self.large else 1)
        if len(q.kind) == 1 and self.chance(0.06):
            rhs = self._of_unknown_form(q)
        else:
            rhs = self._recurrence(q, depth)
        if self.uses > before:
            self.learned.add(q)
        left = self.reference(q)
        self.shift, self.way = 0, 1
        self.ready.append(q)
        return f"{left} = {rhs}"

    def _recurrence(self, q: Quantity, depth: int) -> Text:
        """A right-hand side: mostly one that uses its own past, mostly squashed."""
        if self.ready or self.seed % 2:
            drive = self.expression(q.kind, depth)
        else:  # so that few seeds leave out no form
            drive = self.turn(forms(q.kind))(self, q.kind, depth)
        if self.chance(0.2):
            return drive
        past = self.past(q)
        if len(q.kind) == 1 and self.chance(0.7):
            past = self.applied(self.matrix(q.kind[0], q.kind[0]), past)
        elif self.chance(0.6):
            past = self.odot(self.small(q.kind, 0), past)
        total = self.plus(past, drive)
        if self.chance(0.25):
            return total
        squash = self.pick(*(SQUASHING if len(q.kind) == 1 else BOUNDED))
        return self.call(squash, total)

    def _of_unknown_form(self, q: Quantity) -> Text:
        """``q(h_{t-1}, x_t, w)``, of which nothing but the name is known."""
        self.functions += ["step_of"] * ("step_of" not in self.functions)
        kinds = q.kind, (self.letter(),), q.kind
        if "step_of" in self.unknown:
            return self._recurrence(q, 1)
        self.unknown["step_of"] = kinds
        arguments = self.past(q), self.leaf(kinds[1]), self.parameter(kinds[2])
        return Text(f"step_of({', '.join(map(str, arguments))})", ATOM)

    unknown: dict[str, tuple[Kind, ...]] = field(default_factory=dict)

    def _dead_end(self) -> list[str]:
        """Now and then an equation that nothing needs."""
        if not self.chance(0.12):
            return []
        kind = self.kind()
        e = self.expression(kind, 2)
        self.states.append(Quantity("l_{{{}}}" if len(kind) < 2 else "Q_{{{}}}", kind))
        self.ways[self.states[-1]] = 1
        return [f"{self.reference(self.states[-1])} = {e}"]

    def _initial(self, q: Quantity) -> list[str]:
        """Fixed or learned values outside 1…T, for all steps that need one or for none."""
        steps = [str(-i) for i in range(self.lags.get(q, 0))]
        steps += [f"T+{i + 1}" for i in range(self.leads.get(q, 0))]
        if not steps or self.chance(0.6):
            return []
        # The last value of a state that runs the other way and was computed before.
        before = self.states[: self.states.index(q)]
        ends = [e for e in before if self.ways[e] != self.ways[q] and e.kind == q.kind]
        zero = self.chance(0.4)
        values = [ends[0].spelling.format("T")] if ends else []
        while len(values) < len(steps):
            values.append("0" if zero or self.chance(0.2) else str(self.parameter(q.kind)))
        return [f"{q.spelling.format(s)} = {value}" for s, value in zip(steps, values, strict=True)]

    # -- the loss -------------------------------------------------------------------------

    def _loss(self) -> str:
        """A sum of parts, each at its own steps with its own weight and sign."""
        self.in_loss = True
        text = ""
        for i in range(self.pick(1, 1, 2, 3) if self.large else self.pick(1, 1, 1, 2)):
            sign = self.pick("", "", "-") if i == 0 else self.pick(" + ", " + ", " - ")
            text += sign + self._part(first=i == 0)
        if self.chance(0.12):
            text += self.pick(" + ", " - ") + self._penalty()
        self.in_loss = False
        return f"{self.pick('L', 'L', 'E', 'J')} = {text}"

    def _penalty(self) -> str:
        """A term that belongs to no step."""
        e = self.parameter(self.pick((self.letter(),), (self.letter(), self.letter())))
        self.told |= {p for p in self.parameters if p.spelling == e.text}
        weight = self.pick("0.1", r"\frac{1}{2}", None) or self.parameter(SCALAR)
        total = self.pick(
            lambda: self.norm_of(e),
            lambda: self.call("sum", self.power(e, "2")),
            lambda: self.call("mean", self.call(self.pick(*ANYWHERE), e)),
        )()
        others = [p for p in self.parameters if p.spelling != e.text]
        if others and self.chance(0.5):  # with a penalty on another, they needn't have a gradient
            self.hyperparameters = [self.pick(*others).name]
        return f"{weight} {total}"

    def _part(self, *, first: bool) -> str:
        if self.chance(0.25):
            self.step = self.pick("T", "T", "T-1", "2")
            part = str(self.wrapped(self._body(anchored=True), PRODUCT))
            self.step = None
            return self.pick("", "", "2 ", "1/2 ", "(1/4) ") + part
        body = self._body(anchored=first)
        weight = self.pick(
            "", "", "", "1/2 ", "0.3 ", r"\frac{2}{5} ", r"\frac{1}{T} ", "1/T ", None
        )
        minus = self.pick("", "", "", "-")
        if weight is None:
            weight = f"{self.parameter(SCALAR)} "
        steps = self._steps()
        if steps.endswith("to T "):  # the minus would belong to the bound
            minus = ""
        return f"{weight}{steps} {minus}{self.wrapped(body, PRODUCT)}"

    def _steps(self) -> str:
        return self.pick(
            r"\sum_{t=1}^{T}", r"\sum_{t=1}^T", r"\sum_t", "Σ_{t=1}^{T}", "sum_{t=1}^T",
            r"\sum\limits_{t=1}^{T}", "sum t from 1 to T ", r"\sum_{t=2}^{T-1}",
            r"\sum_{t=1}^{T-1}", r"\sum_{t=2}^{T}", r"\sum_{t \in \{2, T\}}",
            r"\sum_{t \in \{1, 3\}}", r"\sum_{t \in \{T-1, T\}}", r"\sum_{t=2}^{3}",
        )  # fmt: skip

    def _body(self, *, anchored: bool) -> Text:
        """A scalar of one step; ``anchored`` in what the equations compute."""
        vectors = [q for q in self.states if len(q.kind) == 1]
        if anchored and not vectors:
            q = self.pick(*self.states)
            e = self.reference(q)
            if q not in self.learned:
                e = self.wrapped(self.odot(self.parameter(q.kind), e), BARE)
            return self.wrapped(self._square(e, q.kind), PRODUCT)
        if not anchored and self.chance(0.4):
            return self.wrapped(self.expression(SCALAR, 2), PRODUCT)
        q = self.pick(*vectors) if vectors else Quantity("", ("n",))
        v = self.reference(q) if vectors else self.leaf(("n",))
        kind = q.kind
        if self.chance(0.4) or (anchored and q not in self.learned):
            kind = (self.letter(),)
            v = self.applied(self.matrix(kind[0], q.kind[0]), v)
        return self._compared(v, kind)

    def _square(self, e: Text, kind: Kind) -> Text:
        return self.power(e, "2") if not kind else self.call("sum", self.power(e, "2"))

    def _compared(self, v: Text, kind: Kind) -> Text:
        """A vector against its target."""
        choice = self.pick("named", "named", "named", "named", "formula", "formula", "abstract")
        if choice == "named":
            return self.named_loss(self.pick(*LOSSES), v, self.target(kind))
        if choice == "abstract":
            return self._abstract_loss(v, kind)
        d = self.target(kind)
        difference = Text(f"({v} - {d})", BARE)
        turned = self.transposed(difference)
        factors = (difference, turned) if self.rows else (turned, difference)
        return self.pick(
            lambda: Text(f"1/2 ‖{v} - {d}‖^2", PRODUCT),
            lambda: self.product(*factors),
            lambda: self.call("sum", self.odot(v, d)),
            lambda: Text(f"1/2 sum({difference}^2)", PRODUCT),
            lambda: self.call("sum", self.odot(self.power(difference, "3"), v)),
            lambda: self.wrapped(Text(f"1/2 {self.product(*factors)} + 0.1 {self.norm_of(v)}", SUM), PRODUCT),
        )()  # fmt: skip

    def _abstract_loss(self, v: Text, kind: Kind) -> Text:
        name = self.pick("L_t", "ell")
        if self.step is not None:
            name = "ell"
        if name == "ell" and name not in self.functions:
            self.functions.append(name)
        self.bindings.setdefault(
            name,
            self.pick("squared_error", "softmax_cross_entropy", "binary_cross_entropy_with_logits"),
        )
        return Text(f"{name}({v}, {self.target(kind)})", ATOM)

    # -- what stands beside the equations -------------------------------------------------

    def _shapes(self) -> dict[str, str]:
        """The shapes that the file declares: all, or those alone that nothing else says."""
        told = any(len(q.kind) == 1 for q in self.states)  # whether vectors are rows
        every = self.chance(0.5) or (self.rows and not told)
        given = [q for q in (*self.inputs, *self.targets) if q in self.lags]
        return {
            q.name: self._shape(q.kind)
            for q in (*self.states, *given, *self.parameters)
            if every or len(q.kind) != 1 or q in self.told
        }

    def _shape(self, kind: Kind) -> str:
        if not kind:
            return "1"
        return ", ".join(("1", *kind) if self.rows and len(kind) == 1 else kind)


Form = Callable[[Writer, Kind, int], Text]
ANY_KIND: tuple[Form, ...] = (
    Writer.sum_of, Writer.sum_of, Writer.with_number, Writer.entrywise, Writer.entrywise,
    Writer.gate, Writer.multiple, Writer.scaled, Writer.mapped, Writer.mapped, Writer.mapped,
    Writer.bracketless, Writer.divided, Writer.raised, Writer.squared_leaf, Writer.inverse,
    Writer.cancelled, Writer.underbraced, Writer.averaged, Writer.own, Writer.braced,
)  # fmt: skip
SCALARS: tuple[Form, ...] = (
    Writer.dot, Writer.dot, Writer.dot, Writer.form, Writer.total, Writer.norm, Writer.inner_loss
)  # fmt: skip
VECTORIAL: tuple[Form, ...] = (
    *[Writer.linear] * 8, Writer.chain, Writer.recalled, *[Writer.vector_function] * 2,
    *[Writer.unnamed] * 2, Writer.centred, Writer.centred, *[Writer.stacked] * 4, Writer.part,
    Writer.part, Writer.part,
)  # fmt: skip
MATRICIAL: tuple[Form, ...] = (
    *[Writer.outer] * 5, Writer.turned, Writer.turned, Writer.matmul, Writer.matmul
)  # fmt: skip


def forms(kind: Kind) -> tuple[Form, ...]:
    """The forms that an expression of a kind may take, each as often as it is to be drawn."""
    return (*ANY_KIND, *(SCALARS, VECTORIAL, MATRICIAL)[len(kind)])
