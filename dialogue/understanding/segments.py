"""An utterance in segments: sentences, or what stands between pauses where the recogniser set no full stops. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dialogue.analysis.language import closes_clause, closes_sentence, tokens
from memory.records import Passage, PrivateSaid, Word

PAUSE = 0.7  # s of silence inside words without punctuation that end a segment
LONGEST = 40  # words of a segment


def segments(words: Sequence[Word]) -> list[range]:
    """The indices of the words of each segment, in order, without gaps."""
    found: list[range] = []
    first = 0
    for i, word in enumerate(words):
        last = i == len(words) - 1
        long = i - first + 1 >= LONGEST and (closes_clause(word.text) or i - first + 1 >= LONGEST + 20)
        if last or closes_sentence(word.text) or long or _pause(words, i):
            found.append(range(first, i + 1))
            first = i + 1
    return _joined(words, found)


def _pause(words: Sequence[Word], i: int) -> bool:
    silence = words[i + 1].start - words[i].end
    return silence >= PAUSE and not closes_clause(words[i].text)


def _joined(words: Sequence[Word], found: Sequence[range]) -> list[range]:
    """A piece without a word of its own ("um.") goes with the next."""
    whole: list[range] = []
    start: int | None = None
    for n, part in enumerate(found):
        begin = part.start if start is None else start
        empty = not any(tokens(words[i].text) and tokens(words[i].text)[0] not in _NOISE for i in part)
        if empty and n < len(found) - 1:
            start = begin
            continue
        whole.append(range(begin, part.stop))
        start = None
    return whole


_NOISE = frozenset("um uh er erm hm hmm".split())


def covered(found: Iterable[PrivateSaid]) -> set[int]:
    """The indices of the words in private passages."""
    return {i for p in found for i in range(p.passage.first, p.passage.after)}


def passage(words: Sequence[Word], place: range) -> Passage:
    """Words of an answer with their times and their place."""
    part = words[place.start : place.stop]
    timed = bool(part) and part[-1].end > part[0].start  # typed words have no sound
    return Passage(
        quote=" ".join(w.text for w in part), first=place.start, after=place.stop,
        t0=part[0].start if timed else None, t1=part[-1].end if timed else None,
    )  # fmt: skip
