"""The model that a document's forward equations define, as a model to derive and compile."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from symbptt.check.documents.document import EXTENSIONS, Document, format_of, read_document
from symbptt.check.documents.formulas import formulas
from symbptt.check.networks.epoch import Epoch
from symbptt.check.networks.epochs import epochs
from symbptt.check.networks.links import horizons
from symbptt.check.networks.parts import parts
from symbptt.errors import RequestError
from symbptt.model.model import Model, Role

#: Three words in a row that are no comment: a text, not equations.
_PROSE = re.compile(r"^[^#%=\n]*(?:[^\W\d_]{2,}[,;:]?[ \t]+){2}[^\W\d_]{2,}", re.MULTILINE)

#: A line of a model file.
_KEYS = re.compile(r"^\s*(equations|loss)\s*=\s*['\"]", re.MULTILINE)


def is_document(path: Path) -> bool:
    """Whether a file that could not be read as a model file is a document rather than one.

    A document has prose, or marks its mathematics.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return False
    if path.suffix == ".toml" or _KEYS.search(text):
        return False
    if path.suffix.lower() not in EXTENSIONS:  # a line with # is a comment, no heading
        text = re.sub(r"^\s*#.*", "", text, flags=re.MULTILINE)
    return format_of(text) != "text" or _PROSE.search(text) is not None


def model_of(path: Path) -> Model:
    """The model of a document's forward equations: the last one, where they change.

    A pre-activation that the document gives no name is ``pre_h``, for h; a loss that it does not
    write is a function known by name, of the output and a target.  Where there are several
    models, or the loss is not written, the model's ``notes`` say so.

    Raises :class:`RequestError` where the document has no forward equations that make a model.
    """
    document = read_document(path)
    stated = parts(formulas(document))
    known = [e for e in epochs(stated, None, document.text, horizons(stated)) if not e.assumed]
    if not known:
        raise RequestError(
            f"{path}: no forward equations that make a model; it needs a recurrence, as in "
            "h_t = tanh(W h_{t-1} + U x_t), and a loss"
        )
    last = known[-1]
    notes = [*last.model.notes]
    if len({_content(e.model) for e in known}) > 1:
        first = min((q.line for q in last.equations if q.line is not None), default=None)
        where = "" if first is None else f", from line {first} on"
        notes.append(f"{path} has several models; this is the last{where}")
    if len(last.lengths) == 1:
        notes.append(f"{path} writes out T = {last.lengths[0]} steps; this is the model of any T")
    notes += _unwritten(path, document, last)
    text = "\n".join(
        e.source if "=" in e.source else f"{e.name}_t = {e.source}" for e in last.model.equations
    )
    return replace(last.model, name=path.stem, text=text, notes=tuple(notes))


def _content(model: Model) -> tuple[frozenset[str], frozenset[str]]:
    """What tells models apart: their parameters and functions."""
    return frozenset(v.name for v in model.parameters), frozenset(model.abstract)


def _unwritten(path: Path, document: Document, last: Epoch) -> list[str]:
    """A note where the target, and so the loss, is not the document's."""
    targets = [v.name for v in last.model.with_role(Role.TARGET)]
    if targets == ["target"] and "target" not in document.text:
        return [f"{path} does not say what the loss is; taken as a function of output and target"]
    return []
