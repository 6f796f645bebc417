"""Evidence or nothing: a statement with a quote that is not in the transcript is dropped and counted. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dialogue.analysis.language import tokens
from dialogue.report_model import Statement
from memory.records import Span, Word


class Transcript:
    """Everything the candidate said, to check quotes against."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = [(t, w) for w in words for t in tokens(w.text)]
        self.rejected = 0

    def holds(self, span: Span) -> bool:
        """Whether the quote was said, word for word, and (if it has times) at that time, within 50 ms."""
        wanted = tokens(span.quote)
        said = [t for t, _ in self._words]
        for i in range(len(said) - len(wanted) + 1) if wanted else ():
            if said[i : i + len(wanted)] == wanted:
                start, end = self._words[i][1].start, self._words[i + len(wanted) - 1][1].end
                if span.t0 is None or span.t1 is None or (abs(start - span.t0) <= 0.05 and abs(end - span.t1) <= 0.05):
                    return True
        return False

    def keep(self, statements: Sequence[Statement | None]) -> list[Statement]:
        """Only the statements that have evidence and whose every quote was said."""
        kept: list[Statement] = []
        for statement in statements:
            if statement is None:
                continue
            if statement.evidence and all(self.holds(span) for span in statement.evidence):
                kept.append(statement)
            else:
                self.rejected += 1
        return kept
