"""The two ways to set a formula: LaTeX and Unicode text.  A dialect is a row of small functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from symbptt.render.notation import Notation

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ",
    "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ",
    "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ",
}  # fmt: skip

#: Accents as a LaTeX command and a combining character.
ACCENTS = {
    "hat": (r"\hat", "\u0302"),
    "tilde": (r"\tilde", "\u0303"),
    "bar": (r"\bar", "\u0304"),
    "dot": (r"\dot", "\u0307"),
    "ddot": (r"\ddot", "\u0308"),
    "vec": (r"\vec", "\u20d7"),
    "right": (r"\overrightarrow", "\u20d7"),
    "left": (r"\overleftarrow", "\u20d6"),
    "check": (r"\check", "\u030c"),
}

DOTLESS = {"i": r"\imath", "j": r"\jmath"}

#: Functions that LaTeX knows by a command of their own.
COMMANDS = {
    "tanh": r"\tanh", "exp": r"\exp", "log": r"\log", "sin": r"\sin", "cos": r"\cos",
    "sigmoid": r"\sigma", "min": r"\min",
}  # fmt: skip

SUPERSCRIPTS = str.maketrans("0123456789-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺")


@dataclass(frozen=True)
class Dialect:
    """How each piece of a formula is set."""

    name: str
    base: Callable[[str], str]
    accent: Callable[[str, str], str]
    scripts: Callable[[str, Sequence[str], Sequence[str]], str]
    power: Callable[[str, str], str]
    transpose: Callable[[str, Notation], str]
    hadamard: Callable[[Notation], str]
    divide: str
    ones: str
    function: Callable[[str, int], str]
    bracket: Callable[[str], str]
    fraction: Callable[[str, str, Notation], str]
    immediate: Callable[[str, str], str]
    kronecker: str
    delta: str
    sum_over: Callable[[str, str, str], str]
    product_over: Callable[[str, str, str], str]
    sum_in: Callable[[str, Sequence[str]], str]
    sum_under: Callable[[str], str]
    when: str
    otherwise: str
    number: Callable[[int, int], str]
    quotient: Callable[[str, str, bool], str]
    diagonal: Callable[[str], str]
    squared_norm: Callable[[str, bool], str]
    stack: Callable[[Sequence[str], bool], str]
    block: Callable[[str, str], str]
    le: str
    ge: str
    dots: str
    both: str
    negated: str
    member: Callable[[str, Sequence[str]], str]
    space: str


# -- LaTeX --------------------------------------------------------------------------------------


def _latex_base(word: str) -> str:
    if word in GREEK:
        return r"\ell" if word == "ell" else f"\\{word}"
    return word if len(word) == 1 else rf"\mathrm{{{word}}}"


def _latex_scripts(base: str, below: Sequence[str], above: Sequence[str]) -> str:
    sub = "_" + _brace(",".join(below)) if below else ""
    sup = "^" + _brace(",".join(above)) if above else ""
    return base + sup + sub


def _brace(text: str) -> str:
    return text if len(text) == 1 else f"{{{text}}}"


def _latex_power(base: str, exponent: str) -> str:
    """A power or a transpose; what has a superscript already is put in braces first."""
    return f"{_grouped(base)}^{_brace(exponent)}"


def _grouped(base: str) -> str:
    """A base with a superscript of its own, in braces: LaTeX has no double superscripts.

    >>> _grouped(r"\\delta^y_t"), _grouped("h_t"), _grouped(r"\\left(h^2\\right)")
    ('{\\\\delta^y_t}', 'h_t', '\\\\left(h^2\\\\right)')
    """
    depth = 0
    for c in base:
        depth += (c in "({") - (c in ")}")
        if c in "^'" and depth == 0:
            return f"{{{base}}}"
    # MathML's converter would take the last bracket of a stack alone
    return f"{{{base}}}" if base.startswith(r"\begin") else base


def _latex_function(name: str, primes: int) -> str:
    if name in COMMANDS:
        word = COMMANDS[name]
    elif len(name) == 1 or name in GREEK:
        word = _latex_base(name)
    elif "_" in name and len(name.partition("_")[0]) == 1:
        head, _, tail = name.partition("_")
        word = _latex_scripts(head, [_latex_base(tail)], [])
    else:
        word = rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}"
    return word + "'" * primes


def _latex_bracket(inside: str) -> str:
    tall = any(mark in inside for mark in (r"\frac", r"\sum", r"\prod", r"\begin"))
    return rf"\left({inside}\right)" if tall else f"({inside})"


def _latex_stack(parts: Sequence[str], column: bool) -> str:
    """A stack of vectors; where there are superscripts, the rows a little apart."""
    row = r" \\[2pt] " if any("^" in part for part in parts) else r" \\ "
    return rf"\begin{{bmatrix}} {(row if column else ' & ').join(parts)} \end{{bmatrix}}"


LATEX = Dialect(
    name="latex",
    base=_latex_base,
    # An accent stands in place of the dot of i and j.
    accent=lambda base, accent: f"{ACCENTS[accent][0]}{{{DOTLESS.get(base, base)}}}",
    scripts=_latex_scripts,
    power=_latex_power,
    transpose=lambda base, n: _latex_power(base, n.transpose),
    hadamard=lambda n: f" {n.hadamard} ",
    divide=r" \oslash ",
    ones=r"\mathbf{1}",
    function=_latex_function,
    bracket=_latex_bracket,
    fraction=lambda a, b, n: rf"\frac{{{n.differential} {a}}}{{{n.differential} {b}}}",
    immediate=lambda a, b: rf"\frac{{\partial^{{+}} {a}}}{{\partial {b}}}",
    kronecker=r" \otimes ",
    delta=r"\delta",
    sum_over=lambda i, a, b: rf"\sum_{{{i}={a}}}^{{{b}}} ",
    product_over=lambda i, a, b: rf"\prod_{{{i}={a}}}^{{{b}}} ",
    sum_in=lambda i, steps: rf"\sum_{{{i} \in \{{{', '.join(steps)}\}}}} ",
    sum_under=lambda steps: rf"\sum_{{{steps}}} ",
    when=r"\text{if } ",
    otherwise=r"\text{otherwise}",
    number=lambda p, q: str(p) if q == 1 else rf"\tfrac{{{p}}}{{{q}}}",
    quotient=lambda a, b, tight: rf"\frac{{{a}}}{{{b}}}",
    diagonal=lambda inside: rf"\operatorname{{diag}}{_latex_bracket(inside)}",
    stack=_latex_stack,
    block=lambda a, entries: f"{a}_{{{entries}}}",
    squared_norm=lambda a, matrix: rf"\lVert {a} \rVert{'_F' if matrix else ''}^2",
    le=r" \le ",
    ge=r" \ge ",
    dots=r"\dots",
    both=r" \text{ and } ",
    negated=r"\text{not } ",
    member=lambda i, steps: rf"{i} \in \{{{', '.join(steps)}\}}",
    space=r" \, ",
)

# -- Unicode text ---------------------------------------------------------------------------------


def _text_scripts(base: str, below: Sequence[str], above: Sequence[str]) -> str:
    def script(mark: str, parts: Sequence[str]) -> str:
        text = ",".join(parts)
        return f"{mark}{text}" if text.isalnum() else f"{mark}{{{text}}}"

    sup = script("^", above) if above else ""
    sub = script("_", below) if below else ""
    return base + sup + sub


def _loose(base: str) -> bool:
    """Whether a script put behind a text would be read with a part of it only."""
    return ("^" in base or base[-1] in "⁰¹²³⁴⁵⁶⁷⁸⁹" or "/" in base) and base[0] not in "(["


def _text_power(base: str, exponent: str) -> str:
    raised = exponent.translate(SUPERSCRIPTS) if exponent.isdigit() else f"^({exponent})"
    return f"({base}){raised}" if _loose(base) else base + raised


def _text_function(name: str, primes: int) -> str:
    return {"sigmoid": "σ"}.get(name, GREEK.get(name, name)) + "'" * primes


def _differential(n: Notation) -> str:
    return "d" if n.differential == "d" else "∂"


TEXT = Dialect(
    name="text",
    base=lambda word: GREEK.get(word, word),
    accent=lambda base, accent: normalize("NFC", base[0] + ACCENTS[accent][1] + base[1:]),
    scripts=_text_scripts,
    power=_text_power,
    transpose=lambda base, n: f"({base})^T" if _loose(base) else f"{base}^T",
    hadamard=lambda n: " ∘ " if n.hadamard == r"\circ" else " ⊙ ",
    divide=" ⊘ ",
    ones="1",
    function=_text_function,
    bracket=lambda inside: f"({inside})",
    fraction=lambda a, b, n: f"{_differential(n)}{a}/{_differential(n)}{b}",
    immediate=lambda a, b: f"∂⁺{a}/∂{b}",
    kronecker=" ⊗ ",
    delta="δ",
    sum_over=lambda i, a, b: f"Σ_{{{i}={a}}}^{{{b}}} ",
    product_over=lambda i, a, b: f"Π_{{{i}={a}}}^{{{b}}} ",
    sum_in=lambda i, steps: f"Σ_{{{i} ∈ {{{', '.join(steps)}}}}} ",
    sum_under=lambda steps: f"Σ_{{{steps}}} ",
    when="if ",
    otherwise="otherwise",
    number=lambda p, q: str(p) if q == 1 else f"{p}/{q}",
    quotient=lambda a, b, tight: f"{a}/{b}" if tight else f"{a}/({b})",
    diagonal=lambda inside: f"diag({inside})",
    stack=lambda parts, column: f"[{('; ' if column else ', ').join(parts)}]",
    block=lambda a, entries: f"{a}[{entries}]",
    squared_norm=lambda a, matrix: f"‖{a}‖{'_F' if matrix else ''}²",
    le=" ≤ ",
    ge=" ≥ ",
    dots="…",
    both=" and ",
    negated="not ",
    member=lambda i, steps: f"{i} ∈ {{{', '.join(steps)}}}",
    space=" ",
)
