"""The measures of an answer hold some of its words: those of private sentences are taken out, the counts stay. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dialogue.analysis.language import tokens
from dialogue.understanding.whole import public_words
from memory.records import Delivery, Reading, Word


def without_private_words(delivery: Delivery, words: Sequence[Word], reading: Reading | None) -> Delivery:
    """`words`: of the answer that was measured. Nothing is taken out of an answer that holds nothing private."""
    public = public_words(words, reading)
    if len(public) == len(words):
        return delivery
    said = {token for word in public for token in tokens(word.text)}

    def shown(texts: Sequence[str]) -> list[str]:
        return [text for text in texts if set(tokens(text)) <= said]

    hidden = [w for w in words if w not in public]
    return delivery.model_copy(
        update={
            "lengthened": [w for w in delivery.lengthened if not any(_overlap(w, h) for h in hidden)],
            "repetitions": shown(delivery.repetitions),
            "restarts": shown(delivery.restarts),
            "cut_offs": shown(delivery.cut_offs),
        }
    )


def _overlap(a: Word, b: Word) -> bool:
    return a.start < b.end and b.start < a.end
