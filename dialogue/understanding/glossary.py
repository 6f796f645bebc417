"""Terms that a candidate may ask about, explained in the words of the pack's author. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from dialogue.analysis.language import find_phrase, tokens


def explained(glossary: Mapping[str, str], asked: str, question: str) -> str:
    """The explanation of the term that was asked about; of the question's only term if none was named; else ""."""
    named = [term for term in glossary if find_phrase(tokens(asked), term)]
    if not named:
        in_question = [term for term in glossary if find_phrase(tokens(question), term)]
        named = in_question if len(in_question) == 1 else []
    return glossary[max(named, key=len)] if named else ""
