"""LaTeX to MathML in which nothing but MathML is left, whoever wrote the formula.

The converter passes on what stands in ``\\text``, and attributes too, as they are: here each text
is escaped, and each element and attribute is one of a list.
"""

from __future__ import annotations

import html
import re
import unicodedata
from xml.etree.ElementTree import Element, tostring

_ELEMENTS = (
    "math mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover "
    "mtable mtr mtd mstyle mpadded mphantom menclose mmultiscripts mprescripts none"
)
_ATTRIBUTES = (
    "xmlns display mathvariant stretchy fence separator form lspace rspace width height depth "
    "accent accentunder columnalign columnspacing rowspacing displaystyle scriptlevel minsize "
    "maxsize linethickness movablelimits largeop symmetric mathsize notation voffset"
)
_VALUE = re.compile(r"[\w\s.%+-]*")
_XMLNS = "http://www.w3.org/1998/Math/MathML"
#: How long a formula of a stranger may be.
MAX_LENGTH = 4000


#: LaTeX that the converter or a browser sets badly, and what reads the same and is set well.
_PLAINER = (
    # An operator with an underscore comes out letter by letter, a text as a word.
    (re.compile(r"\\operatorname\{([^}]*)\}"), r"\\text{\1}"),
    (re.compile(r"\\mathrm\{((?:[^{}\\]|\\_)*\\_(?:[^{}\\]|\\_)*)\}"), r"\\text{\1}"),
    (re.compile(r"\\_"), "_"),
    # Browsers know no bold digits but those of Unicode.
    (re.compile(r"\\mathbf\{1\}"), "𝟏"),
    (re.compile(r":="), "≔"),
    (re.compile(r"\\(log|exp|sin|cos)(?=[ _^])"), r"\\text{\1}\\,"),
    (re.compile(r"\\\\\[-?[\d.]+ ?[a-z]{2}\]"), r"\\\\"),
    # Lines within a case: the converter knows an array there, but no alignment.
    (re.compile(r"\\begin\{aligned\}\[t\] &"), r"\\begin{array}{l} "),
    (re.compile(r"\\\\ &"), r"\\\\ "),
    (re.compile(r"\\end\{aligned\}"), r"\\end{array}"),
)


def plainer(latex: str) -> str:
    """A formula in the part of LaTeX that the converter and browsers set well."""
    for pattern, replacement in _PLAINER:
        latex = pattern.sub(replacement, latex)
    return latex


def mathml(latex: str, display: str = "inline", limit: int | None = MAX_LENGTH) -> str | None:
    r"""A formula as MathML, or None where the converter doesn't know all of it.

    >>> mathml(r"\text{<b>}").partition("<mtext>")[2]
    '&lt;b&gt;</mtext></mrow></math>'
    """
    from latex2mathml.converter import convert_to_element

    if limit is not None and len(latex) > limit:
        return None
    try:
        root = convert_to_element(plainer(latex), display=display)
        if not all(map(_clean, root.iter())):
            return None
        return _REFERENCE.sub(_kept, tostring(root, encoding="unicode"))
    except Exception:  # whatever a stranger's text does to the converter
        return None


def _clean(element: Element) -> bool:
    """Make an element safe; False if it stands for something that the converter doesn't know."""
    if element.tag not in _ELEMENTS.split():
        return False
    for name, value in list(element.attrib.items()):
        allowed = name in _ATTRIBUTES.split() and (_VALUE.fullmatch(value) or value == _XMLNS)
        if not allowed:
            del element.attrib[name]
    element.tail = None
    return not (element.tag == "mi" and html.unescape(element.text or "").startswith("\\"))


#: A character that the converter writes by its number or its name; no markup can come of it.
_REFERENCE = re.compile(r"&amp;(?P<reference>#x(?P<code>[0-9A-F]{5});|(?:lt|gt|amp);)")


def _kept(m: re.Match[str]) -> str:
    character = chr(int(m.group("code") or "20", 16))
    sound = unicodedata.category(character) not in ("Cc", "Cs", "Cn")
    return f"&{m.group('reference')}" if sound else m.group()
