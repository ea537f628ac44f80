"""Phrases of natural languages stand in one table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import symbptt
from symbptt.check.notation.language import ENGLISH, LANGUAGES, phrases, said

CHECK = Path(symbptt.__file__).parent / "check"


@pytest.mark.parametrize("language", LANGUAGES)
def test_rows_are_of_things_that_english_says(language):
    assert set(LANGUAGES[language]) <= set(ENGLISH)


@pytest.mark.parametrize("what", ENGLISH)
def test_every_row_is_used(what):
    sources = (path.read_text("utf-8") for path in CHECK.rglob("*.py"))
    used = (s for s in sources if re.search(rf"[( ][\"']{re.escape(what)}[\"']\)", s))
    assert next(used, None) is not None


@pytest.mark.parametrize("what", ENGLISH)
def test_every_phrase_is_found_in_a_sentence(what):
    for phrase in phrases(what):
        assert phrase == phrase.lower()
        assert said(what).search(f"So {phrase.replace('*', '')}, they say") is not None


@pytest.mark.parametrize(
    ("what", "sentence", "found"),
    [
        ("makes a condition", "Assuming larger weights", True),
        ("makes a condition", "use_cases and vanity", False),
        ("names tanh", "双曲正切函数", True),
        ("names tanh", "arctanh", False),
        ("names tanh", "tanh函数", True),
        ("gives a name", "abbreviated", True),
        ("gives a name", "the letter", False),
    ],
)
def test_words_are_whole(what, sentence, found):
    assert (said(what).search(sentence) is not None) == found
