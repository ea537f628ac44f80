"""What SARIF 2.1.0 says of the objects that a report is made of: what each must and may have.

OASIS Standard, 27 March 2020, section 3.  An object has nothing that the standard doesn't name.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 1}


def an_object(*required: str, **properties: Schema) -> Schema:
    """An object with these properties and no others."""
    kind = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**kind, "required": list(required)}


def some(items: Schema, least: int = 0, *, unique: bool = False) -> Schema:
    """A list."""
    return {"type": "array", "items": items, "minItems": least, "uniqueItems": unique}


def one_of(*values: str) -> Schema:
    return {"enum": list(values)}


LEVEL = one_of("none", "note", "warning", "error")
MESSAGE = an_object("text", text=TEXT, markdown=TEXT)
ARTIFACT = an_object(uri={"type": "string", "format": "uri-reference"}, uriBaseId=TEXT)
CONTENT = an_object(text=TEXT)
REGION = an_object(
    startLine=COUNT, startColumn=COUNT, endLine=COUNT, endColumn=COUNT, snippet=CONTENT
)
LOCATION = an_object(
    physicalLocation=an_object("artifactLocation", artifactLocation=ARTIFACT, region=REGION)
)
RULE = an_object(
    "id",
    id=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    defaultConfiguration=an_object(level=LEVEL),
)
REPLACEMENT = an_object("deletedRegion", deletedRegion=REGION, insertedContent=CONTENT)
CHANGE = an_object(
    *("artifactLocation", "replacements"),
    artifactLocation=ARTIFACT,
    replacements=some(REPLACEMENT, 1),
)
RESULT = an_object(
    "message",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": -1},
    kind=one_of("notApplicable", "pass", "fail", "review", "open", "informational"),
    level=LEVEL,
    message=MESSAGE,
    locations=some(LOCATION),
    fixes=some(
        an_object("artifactChanges", description=MESSAGE, artifactChanges=some(CHANGE, 1, unique=True)),
        unique=True,
    ),
    suppressions=some(
        an_object("kind", kind=one_of("inSource", "external"), justification=TEXT), unique=True
    ),
)  # fmt: skip
NOTIFICATION = an_object("message", message=MESSAGE, level=LEVEL, locations=some(LOCATION))
RUN = an_object(
    "tool",
    tool=an_object(
        "driver", driver=an_object("name", name=TEXT, version=TEXT, rules=some(RULE, unique=True))
    ),
    columnKind=one_of("utf16CodeUnits", "unicodeCodePoints"),
    invocations=some(
        an_object(
            "executionSuccessful",
            executionSuccessful={"type": "boolean"},
            toolExecutionNotifications=some(NOTIFICATION),
        )
    ),
    results=some(RESULT),
)
LOG = an_object(
    "version", "runs", **{"$schema": TEXT, "version": one_of("2.1.0"), "runs": some(RUN)}
)
