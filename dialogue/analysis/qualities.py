"""Six qualities of an answer, each with stated inputs and the words it rests on. Pure (docs/metrics.md, "Qualities").

None of them knows how anything sounded: fillers, pauses, pace and accent cannot enter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dialogue.analysis.assertions import sentence_ranges
from dialogue.analysis.language import STOPWORDS, closes_sentence, content_stems, stem
from dialogue.analysis.reading import Reader, Reading
from dialogue.report_model import Quality
from memory.records import PlannedQuestion, Span, Word

_SITUATION = ("last year", "years ago", "at my", "in my last", "we had", "there was", "used to", "at that time", "when i", "when we", "one day", "months ago", "last month", "last week", "in our")  # fmt: skip
_TASK = ("had to", "needed to", "my task", "the goal", "my job was", "was supposed to", "was responsible", "wanted to", "the problem was", "asked me", "deadline", "so that")  # fmt: skip
_ORDER = ("first", "then", "after that", "next", "second", "finally", "in the end", "before that", "step", "to begin", "at last", "afterwards")  # fmt: skip
_CASES = ("for example", "for instance", "if", "depends", "when", "unless", "in that case", "would", "let's say", "imagine")  # fmt: skip
ENOUGH_SPECIFICS = 4  # numbers, names and dates that make an answer fully specific
DIRECT_WITHIN = 25  # words within which a direct answer touches the question


def qualities(words: Sequence[Word], question: PlannedQuestion) -> list[Quality]:
    """Relevance, completeness, structure, specificity, own part and communication; a value of None: not applicable."""
    reader = Reader(words, question.text)
    if not reader.words:
        return []
    reading = reader.read(question)
    behavioural = question.kind == "behavioural"
    found = [
        _relevance(reader, question),
        Quality(
            name="completeness", value=round(reading.coverage, 2), evidence=[f.span for f in reading.hits][:4],
            basis=f"{len(reading.hits)} of {len(reading.hits) + len(reading.missed)} key points",
        ),
        _structure(reader, reading, behavioural),
        _specificity(reader, reading),
        _communication(reader, reading),
    ]  # fmt: skip
    if behavioural:
        found.insert(4, _own_part(reading))
    return found


def relevance(reader: Reader, question: PlannedQuestion) -> tuple[float, list[range]]:
    """The share of sentences that share a content word with the question or its key points, and those sentences."""
    vocabulary = content_stems(f"{question.text} {question.short} {question.competency}")
    for point in question.key_points:
        vocabulary |= content_stems(" ".join([point.name, *point.any_of]))
    ranges = sentence_ranges(reader.texts)
    on = [r for r in ranges if {stem(reader.plain[i]) for i in r if reader.plain[i] not in STOPWORDS} & vocabulary]
    return len(on) / len(ranges) if ranges else 0.0, on


def _relevance(reader: Reader, question: PlannedQuestion) -> Quality:
    share, on = relevance(reader, question)
    spans = [reader.span(r.start, min(r.stop, r.start + 14)) for r in on[:2]]
    total = len(sentence_ranges(reader.texts))
    return Quality(
        name="relevance",
        value=round(share, 2),
        evidence=spans,
        basis=f"{len(on)} of {total} sentences touch the question",
    )


def _structure(reader: Reader, reading: Reading, behavioural: bool) -> Quality:
    """Behavioural: situation, task, action, result. Otherwise: order, reasons, cases, consequences."""
    slots: dict[str, Span | None]
    if behavioural:
        slots = {
            "situation": _first(reader, _SITUATION),
            "task": _first(reader, _TASK),
            "action": reading.actions[0].span if reading.actions else None,
            "result": reading.results[0].span if reading.results else None,
        }
    else:
        slots = {
            "order": _first(reader, _ORDER),
            "reason": reading.reasons[0].span if reading.reasons else None,
            "case": _first(reader, _CASES),
            "consequence": _first(reader, ("so", "therefore", "which means", "leads to", "that way", "otherwise")),
        }
    there = [name for name, span in slots.items() if span]
    return Quality(
        name="structure", value=len(there) / len(slots), evidence=[s for s in slots.values() if s],
        basis=f"{', '.join(there) or 'none'} of {', '.join(slots)}",
    )  # fmt: skip


def _specificity(reader: Reader, reading: Reading) -> Quality:
    numbers = {f.span.quote: f.span for f in reading.numbers}
    names: dict[str, Span] = {}
    for i, text in enumerate(reader.texts):
        bare = re.sub(r"\W", "", text)
        opens = i == 0 or closes_sentence(reader.texts[i - 1])
        named = (bare[:1].isupper() and not opens and bare not in {"I", "Im", "Ive", "Id", "Ill"}) or (
            bare.isupper() and len(bare) > 1
        )
        if named and i not in reader.dead:
            names.setdefault(bare, reader.span(max(0, i - 3), i + 1))
    count = len(numbers) + len(names)
    return Quality(
        name="specificity", value=round(min(1.0, count / ENOUGH_SPECIFICS), 2),
        evidence=[*numbers.values(), *names.values()][:4], basis=f"{len(numbers)} numbers, {len(names)} names",
    )  # fmt: skip


def _own_part(reading: Reading) -> Quality:
    own, shared = reading.first_person, reading.plural_person
    value = own / (own + shared) if own + shared else 0.0
    return Quality(
        name="own part", value=round(value, 2), evidence=[f.span for f in reading.actions][:3],
        basis=f'{own} times "I", {shared} times "we", {len(reading.actions)} own actions',
    )  # fmt: skip


def _communication(reader: Reader, reading: Reading) -> Quality:
    """How the content is laid out: it comes to the point, follows an order, does not repeat itself."""
    direct = any(place and place < DIRECT_WITHIN for place in _hit_places(reader, reading))
    ordered = _first(reader, _ORDER)
    said = [" ".join(stem(reader.plain[i]) for i in r) for r in sentence_ranges(reader.texts)]
    fresh = len(set(said)) / len(said) if said else 0.0
    value = (float(direct) + float(ordered is not None) + fresh) / 3
    return Quality(
        name="communication", value=round(value, 2), evidence=[ordered] if ordered else [],
        basis=f"{'comes' if direct else 'does not come'} to the point early, {'has' if ordered else 'shows no'} order, "
        f"{round(100 * fresh)} % of its sentences new",
    )  # fmt: skip


def _hit_places(reader: Reader, reading: Reading) -> list[int]:
    """The ordinal of the word at which each hit occurs (1 for the first word)."""
    text = [w.text for w in reader.words]
    found: list[int] = []
    for hit in reading.hits:
        quote = hit.span.quote.split()
        found += [i + 1 for i in range(len(text) - len(quote) + 1) if text[i : i + len(quote)] == quote][:1]
    return found


def _first(reader: Reader, phrases: Sequence[str]) -> Span | None:
    places = sorted(place for phrase in phrases for place in reader.places(phrase)[:1])
    return reader.clause(places[0]) if places else None
