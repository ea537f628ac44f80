"""The functions a model may use, one row each: activations, vector functions, losses.

Every definition is a formula in symbptt's own language, so a row serves the derivation
(differentiated with SymPy), the compiled code and the exact witness alike.  ``z`` is the
argument of an activation and ``h`` its value.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Activation:
    """A scalar function applied entry by entry.

    ``definition`` is None for a primitive (``tanh``, ``exp``), which every backend knows.
    The derivative prints in terms of the output where ``in_output`` gives it; otherwise as
    ``derivative`` if that is the name most people know it by (``shown``), else as ``f'(z)``.
    The tests prove each statement against the derivative of the definition.
    """

    definition: str | None = None
    in_output: str | None = None
    derivative: str | None = None
    shown: bool = False
    aliases: tuple[str, ...] = ()


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation("z", in_output="1"),
    "tanh": Activation(in_output="1 - h^2"),
    "sigmoid": Activation(
        "1 / (1 + exp(-z))", in_output="h * (1 - h)", aliases=("sigma", "logistic", "sigm")
    ),
    "relu": Activation("max(z, 0)", derivative="step(z)", aliases=("ReLU",)),
    "leaky_relu": Activation(
        "max(z, 0) + 0.01 * min(z, 0)", derivative="step(z) + 0.01 * (1 - step(z))"
    ),
    "elu": Activation(
        "max(z, 0) + exp(min(z, 0)) - 1", derivative="step(z) + (1 - step(z)) * exp(min(z, 0))"
    ),
    "softplus": Activation("log(1 + exp(z))", derivative="sigmoid(z)", shown=True),
    "silu": Activation(
        "z * sigmoid(z)",
        derivative="sigmoid(z) * (1 + z * (1 - sigmoid(z)))",
        aliases=("swish",),
    ),
    "gelu": Activation(
        "1/2 * z * (1 + erf(z / sqrt(2)))",
        derivative="1/2 * (1 + erf(z / sqrt(2))) + z * exp(-z^2 / 2) / sqrt(2 * pi)",
    ),
    "hardtanh": Activation("max(min(z, 1), -1)", derivative="step(1 - abs(z))"),
    "exp": Activation(in_output="h"),
    "log": Activation(derivative="1 / z", shown=True, aliases=("ln",)),
    "sin": Activation(derivative="cos(z)", shown=True),
    "cos": Activation(derivative="-sin(z)", shown=True),
    "sqrt": Activation(in_output="1 / (2 * h)"),
}

#: Functions that only definitions use: name, number of arguments.
PRIMITIVES: dict[str, int] = {"max": 2, "min": 2, "abs": 1, "step": 1, "erf": 1}

#: Functions of a whole vector, with their other names.
VECTOR_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "softmax": ("smax",),
    "log_softmax": ("logsoftmax",),
}


@dataclass(frozen=True)
class Loss:
    """A scalar function of vectors that abbreviates a formula."""

    arguments: tuple[str, ...]
    definition: str


LOSSES: dict[str, Loss] = {
    "squared_error": Loss(("y", "d"), "1/2 * sum((y - d)^2)"),
    "cross_entropy": Loss(("p", "d"), "-sum(d * log(p))"),
    "softmax_cross_entropy": Loss(("o", "d"), "-sum(d * log_softmax(o))"),
    "binary_cross_entropy": Loss(("p", "d"), "-sum(d * log(p) + (1 - d) * log(1 - p))"),
    "binary_cross_entropy_with_logits": Loss(("o", "d"), "sum(softplus(o) - d * o)"),
}

#: Function words of the language itself: how many arguments each takes; 0 for any number.
STRUCTURAL: dict[str, int] = {
    "transpose": 1,
    "matmul": 2,
    "dot": 2,
    "outer": 2,
    "sum": 1,
    "mean": 1,
    "concat": 0,
    "stack": 0,
    "part": 3,
    "squared": 1,
    "square": 1,
}

_CANONICAL: dict[str, str] = {
    spelled: name
    for table in (
        {name: row.aliases for name, row in ACTIVATIONS.items()},
        VECTOR_FUNCTIONS,
        dict.fromkeys((*LOSSES, *STRUCTURAL, *PRIMITIVES), ()),
    )
    for name, aliases in table.items()
    for spelled in (name, *aliases)
}

#: What to write for a function that has no row.
INSTEAD: dict[str, str] = {
    "max": "max(0, z) is relu(z), max(a, b) is a + relu(b - a)",
    "min": "min(0, z) is -relu(-z), min(a, b) is a - relu(a - b)",
    "abs": "for |z| write relu(z) + relu(-z), for its square z^2",
    "norm": "the square of a norm is ‖a‖^2, the Euclidean norm of a vector sqrt(a^T a)",
    "tan": "write sin(z) / cos(z)",
    "sinh": "write (exp(z) - exp(-z)) / 2",
    "cosh": "write (exp(z) + exp(-z)) / 2",
    "mish": "write z ⊙ tanh(softplus(z))",
    "logsumexp": "write log(sum(exp(z)))",
    "softmin": "write softmax(-z)",
    "hadamard": "write a ⊙ b",
    "diag": "diag(a) b is a ⊙ b",
    "trace": "the trace of A^T B is sum(A ⊙ B)",
    "tr": "the trace of A^T B is sum(A ⊙ B)",
    "mse": "write mean((y_t - d_t)^2), or squared_error(y_t, d_t), half the sum of the squares",
    "mean_squared_error": "write mean((y_t - d_t)^2), or squared_error(y_t, d_t), half the sum",
}

#: Letters that books use for a function they don't name: free to use without a declaration.
CONVENTIONAL: frozenset[str] = frozenset(
    ["f", "g", "act", "phi", "psi", "f_h", "f_y", "f_o", "g_h", "g_y", "phi_h", "phi_y", "phi_o"]
)


#: Names that stand for a letter, or for what any model has: functions of several arguments with
#: such a name need no declaration either.
LETTER_NAMES: frozenset[str] = frozenset(["ell", "phi", "psi", "chi", "Phi", "Psi", "loss", "cost"])


#: Spellings with capitals, as in running text.
CAPITALIZED = frozenset({"Softmax", "SoftMax", "Sigmoid", "Tanh", "ReLU", "Relu"})


def canonical(name: str) -> str | None:
    """The table's name of a function, or None if it has no row.

    >>> canonical("sigma"), canonical("swish"), canonical("f")
    ('sigmoid', 'silu', None)
    >>> canonical("Softmax")
    'softmax'
    """
    return _CANONICAL.get(name.lower() if name in CAPITALIZED else name)


def known_names() -> frozenset[str]:
    """Every spelling that names a function of the tables."""
    return frozenset(_CANONICAL)
