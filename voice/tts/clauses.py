"""Splitting text into clauses, so that the first can play while the second is synthesised. Pure."""

from __future__ import annotations

import re

# A clause ends at . ? ! ; : or at a comma or dash with enough words before it to be worth a breath.
_END = re.compile(r"([.?!;:]+[\"')\]]*\s+)|([,—–]\s+)")
MIN_WORDS_BEFORE_COMMA = 4
_ABBREVIATIONS = ("mr.", "mrs.", "ms.", "dr.", "e.g.", "i.e.", "etc.", "vs.", "st.")


class ClauseSplitter:
    """Feed text in pieces of any size; complete clauses come out as soon as their end is certain."""

    def __init__(self) -> None:
        self._text = ""

    def push(self, text: str) -> list[str]:
        self._text += text
        clauses: list[str] = []
        searched = 0
        while match := _END.search(self._text, searched):
            head = self._text[: match.end()].strip()
            too_short = match.group(2) is not None and len(head.split()) < MIN_WORDS_BEFORE_COMMA
            if too_short or head.lower().endswith(_ABBREVIATIONS):
                searched = match.end()
                continue
            clauses.append(head)
            self._text = self._text[match.end() :]
            searched = 0
        return clauses

    def flush(self) -> list[str]:
        """What is left, as the last clause."""
        rest, self._text = self._text.strip(), ""
        return [rest] if rest else []


def clauses(text: str) -> list[str]:
    """All clauses of a whole text."""
    splitter = ClauseSplitter()
    return [*splitter.push(text), *splitter.flush()]
