r"""The words and signs of mathematical writing: tables with one row for each thing.

Keys that begin with a backslash are LaTeX commands; the others are characters or words
of plain text.  What a row leads to is the canonical text that stands in a syntax tree.
"""

from __future__ import annotations

from symbptt.formula.tree import OPERATORS


def _words(*lines: str) -> list[str]:
    return " ".join(lines).split()


def _commands(*lines: str) -> frozenset[str]:
    return frozenset("\\" + name for name in _words(*lines))


_LOWER = _words(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho",
    "sigma tau upsilon phi chi psi omega",
)

#: Greek letters by their character; the variant forms are the same letter.
GREEK: dict[str, str] = {
    **dict(zip("αβγδεζηθικλμνξοπρστυφχψω", _LOWER, strict=True)),
    **dict(zip("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", map(str.capitalize, _LOWER), strict=True)),
    "ϵ": "epsilon",
    "ϑ": "theta",
    "ϰ": "kappa",
    "ϖ": "pi",
    "ϱ": "rho",
    "ς": "sigma",
    "ϕ": "phi",
}

#: Commands that are letters under another name.
LETTERS: dict[str, str] = {
    "\\varepsilon": "epsilon",
    "\\vartheta": "theta",
    "\\varkappa": "kappa",
    "\\varpi": "pi",
    "\\varrho": "rho",
    "\\varsigma": "sigma",
    "\\varphi": "phi",
    "\\infty": "infinity",
    "\\emptyset": "empty",
    "ℓ": "ell",
    "∞": "infinity",
}

#: Accents as commands and as the combining character that Unicode text uses.
ACCENTS: dict[str, str] = {
    "\\hat": "hat",
    "\\widehat": "hat",
    "\u0302": "hat",
    "\\tilde": "tilde",
    "\\widetilde": "tilde",
    "\u0303": "tilde",
    "\\bar": "bar",
    "\\overline": "bar",
    "\u0304": "bar",
    "\u0305": "bar",
    "\\dot": "dot",
    "\u0307": "dot",
    "\\ddot": "ddot",
    "\u0308": "ddot",
    "\\check": "check",
    "\u030c": "check",
    "\\breve": "breve",
    "\u0306": "breve",
    "\\vec": "vec",
    "\\overrightarrow": "right",
    "\u20d7": "right",
    "\\overleftarrow": "left",
    "\u20d6": "left",
    "\\underline": "underline",
    **{f"\\{name.capitalize()}": name for name in ("hat", "tilde", "bar", "dot", "ddot", "vec")},
}

#: Commands that change the look of their argument and not what it is.
FONTS: frozenset[str] = _commands(
    "mathbf mathrm mathit mathsf mathtt mathcal mathbb mathfrak mathscr mathnormal",
    "boldsymbol bm pmb symbf bold boxed fbox mathrel mathbin mathop mathord operatorname",
    "text textbf textrm textit textsf texttt textnormal mbox cancel",
)

#: Braces under or over a stretch of formula: the stretch counts, the label doesn't.
UNDERBRACES: frozenset[str] = frozenset({"\\underbrace", "\\overbrace"})

#: Commands without a meaning of their own: spacing, sizes, line numbers.
IGNORED: frozenset[str] = _commands(
    "displaystyle textstyle scriptstyle limits nolimits nonumber notag mathstrut strut",
    "large Large LARGE huge Huge small normalsize rm bf it sf cal thinspace medspace",
    "thickspace enspace enskip space allowbreak nobreak hfill centering relax hline",
    "therefore because",
)

#: Signs that stand between two formulas in one display.
BETWEEN: frozenset[str] = frozenset(
    {"\\Rightarrow", "\\implies", "\\Longrightarrow", "\\iff", "\\Leftrightarrow", "⇒", "⇔", "⟹"}
)

#: What stands over a name as an accent does, as it is read: ``\stackrel{\sim}{C}``.
ACCENT_MARKS: dict[str, str] = {
    "≈": "tilde",
    "-": "bar",
    "→": "vec",
    ".": "dot",
    "·": "dot",
    "\\wedge": "hat",
    "\\frown": "hat",
}

#: Commands that set their first argument under or over their second: the script that it is.
STACKED: dict[str, str] = {"\\underset": "SUB", "\\overset": "SUP", "\\stackrel": "SUP"}

QUADS: frozenset[str] = frozenset({"\\quad", "\\qquad"})

SIZES: frozenset[str] = frozenset(
    {"\\left", "\\right", "\\middle"}
    | {f"\\{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")}
)

#: Brackets as commands: the kind, and the side where the command says it (a bare bar doesn't).
BRACKETS: dict[str, tuple[str, str]] = {
    "(": ("(", "open"),
    ")": ("(", "close"),
    "[": ("[", "open"),
    "]": ("[", "close"),
    "\\{": ("{", "open"),
    "\\}": ("{", "close"),
    "|": ("|", "either"),
    "‖": ("‖", "either"),
    "∥": ("‖", "either"),
    "||": ("‖", "either"),
    "\\|": ("‖", "either"),
    "⟨": ("⟨", "open"),
    "⟩": ("⟨", "close"),
    "\\lparen": ("(", "open"),
    "\\rparen": ("(", "close"),
    "\\lbrack": ("[", "open"),
    "\\rbrack": ("[", "close"),
    "\\lbrace": ("{", "open"),
    "\\rbrace": ("{", "close"),
    "\\langle": ("⟨", "open"),
    "\\rangle": ("⟨", "close"),
    "\\vert": ("|", "either"),
    "\\lvert": ("|", "open"),
    "\\rvert": ("|", "close"),
    "\\Vert": ("‖", "either"),
    "\\lVert": ("‖", "open"),
    "\\rVert": ("‖", "close"),
}

#: The bracket that closes each kind, as a message shows it.
CLOSING: dict[str, str] = {
    "(": ")",
    "[": "]",
    "{": "\\}",
    "|": "|",
    "‖": "\\|",
    "⟨": "\\rangle",
    "brace": "}",
    "matrix": "\\end{bmatrix}",
}

PRODUCTS: dict[str, str] = {
    **{spelling: sign for sign, spellings in OPERATORS.items() for spelling in spellings},
    ".*": "⊙",
    "./": "/",
    "\\bigotimes": "⊗",
    "\\bigodot": "⊙",
    "○": "∘",
    "∘": "∘",
    "/": "/",
    "÷": "/",
    "\\div": "/",
}

RELATIONS: dict[str, str] = {
    "=": "=",
    "==": "=",
    ":=": "≜",
    "≜": "≜",
    "≡": "≜",
    "≔": "≜",
    "\\triangleq": "≜",
    "\\equiv": "≜",
    "\\doteq": "≜",
    "\\coloneqq": "≜",
    "\\coloneq": "≜",
    "≈": "≈",
    "≃": "≈",
    "\\approx": "≈",
    "\\simeq": "≈",
    "\\cong": "≈",
    "\\sim": "≈",
    "∝": "∝",
    "\\propto": "∝",
    "←": "←",
    "\\leftarrow": "←",
    "\\gets": "←",
    "→": "→",
    "->": "→",
    "\\to": "→",
    "\\rightarrow": "→",
    "\\longrightarrow": "→",
    "\\mapsto": "→",
    **{dot + sign: sign for sign in ("+=", "-=", "*=", "/=") for dot in ("", ".")},
    ".=": "=",
    "<": "<",
    "\\lt": "<",
    "≤": "≤",
    "<=": "≤",
    "\\le": "≤",
    "\\leq": "≤",
    "\\leqslant": "≤",
    ">": ">",
    "\\gt": ">",
    "≥": "≥",
    ">=": "≥",
    "\\ge": "≥",
    "\\geq": "≥",
    "\\geqslant": "≥",
    "≠": "≠",
    "!=": "≠",
    "\\neq": "≠",
    "\\ne": "≠",
    "∈": "∈",
    "\\in": "∈",
}

BIG_OPERATORS: dict[str, str] = {
    "\\sum": "sum",
    "∑": "sum",
    "Σ": "sum",
    "sum": "sum",
    "\\prod": "prod",
    "∏": "prod",
    "Π": "prod",
    "prod": "prod",
}

FRACTIONS: frozenset[str] = frozenset({"\\frac", "\\dfrac", "\\tfrac", "\\cfrac"})

DOTS: frozenset[str] = frozenset(
    {"...", "…", "⋯", "\\dots", "\\cdots", "\\ldots", "\\dotsc", "\\dotsb", "\\dotsm", "\\dotso"}
    | {"\\vdots", "\\ddots"}
)

TRANSPOSES: frozenset[str] = frozenset({"\\top", "\\intercal", "\\transpose", "⊤", "⊺"})

#: Functions that need no declaration.  They are read without brackets too: ``\log y``.
FUNCTIONS: frozenset[str] = frozenset(
    _words(
        "tanh sigmoid logistic softmax log_softmax logsoftmax softmin logsumexp relu leaky_relu",
        "elu selu celu softplus softsign silu swish mish gelu hardtanh hard_sigmoid hardsigmoid",
        "Tanh Sigmoid Softmax ReLU LeakyReLU ELU GELU SiLU",
        "exp log ln sin cos tan sinh cosh coth sec arctan sqrt abs max min sign sgn erf",
        "diag Diag transpose matmul dot outer hadamard squared square sum mean prod norm",
        "trace tr vec concat identity",
        "squared_error mse mean_squared_error cross_entropy softmax_cross_entropy",
        "binary_cross_entropy binary_cross_entropy_with_logits",
    )
)

#: Letters that are functions by default, but only where a bracket follows.
FUNCTIONS_BEFORE_BRACKETS: frozenset[str] = frozenset({"sigma"})

#: Words that belong to the sentence round a formula.
PROSE: frozenset[str] = frozenset(
    _words(
        "where thus hence therefore since because with when if for otherwise and but so let",
        "from to is are the of",
    )
)

#: Words in front of a condition in ``cases``: the condition itself says it all.
CONDITION_WORDS: frozenset[str] = frozenset(
    {"if", "for", "when", "otherwise", "else", "where", "in all other cases"}
)

#: Environments that only arrange formulas on a page.
DISPLAYS: frozenset[str] = frozenset(
    _words(
        "align aligned alignat alignedat equation eqnarray gather gathered split multline math",
        "displaymath flalign dmath",
    )
)

CASES: frozenset[str] = frozenset({"cases", "dcases"})

#: Environments that hold vectors on top of one another, or side by side.
MATRICES: frozenset[str] = frozenset({"bmatrix", "pmatrix", "matrix", "smallmatrix", "array"})

_REASONS: dict[str, str] = {
    "integrals are not read": "int iint oint",
    "limits are not read": "lim limsup liminf",
    "a choice of two signs is not read; write one formula for each": "pm mp",
    "this relation is not read": "ll gg not notin subset subseteq xrightarrow",
    "logic is not read": "forall exists land lor neg",
    "this construction is not read; write it out": ("binom cancelto"),
    "macro definitions are not read here; write the formula with the macro expanded": (
        "newcommand renewcommand providecommand def DeclareMathOperator"
    ),
}
#: Commands that are known well enough to know that this grammar has no place for them.
UNSUPPORTED: dict[str, str] = {
    command: reason for reason, names in _REASONS.items() for command in _commands(names)
}

_FROM = "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ"
_TO = "0123456789+-=()aehijklmnoprstuvxβγρφχ"
SUBSCRIPT_CHARACTERS: dict[str, str] = dict(zip(_FROM, _TO, strict=True))

_FROM = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀᵂᴴᴸᴺᴷᴹᵅᵝᵞᵟ"
_TO = "0123456789+-=()abcdefghijklmnoprstuvwxyzTWHLNKMαβγδ"
SUPERSCRIPT_CHARACTERS: dict[str, str] = dict(zip(_FROM, _TO, strict=True))
