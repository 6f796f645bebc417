"""What to do next: explicit, testable rules. The policy decides, the model only words it.

After an answer: a follow-up where one is worth it (necessary, and the budget allows), else the next question. A
follow-up is worth it when something the rubric asks for is missing and can still be given; an answer that has all of
it is not probed for the sake of probing ("justified skip", docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dialogue.consistency import contradiction
from dialogue.noun_phrases import noun_phrases
from dialogue.qualities import relevance
from dialogue.reading import Reader, Reading
from dialogue.second_person import clauses
from dialogue.state import State, Turn
from memory.records import PlannedQuestion, Span


@dataclass(frozen=True)
class Decision:
    """What to do and why; `why` is shown in the report."""

    act: Literal["probe", "next", "close"]
    question: PlannedQuestion | None = None
    probe: str = ""
    gap: str = ""
    span: Span | None = None
    topic: str = ""  # the candidate's own words for what the span is about, "" if none were usable
    why: str = ""
    before: str = ""  # what was said earlier and does not fit, for a contradiction


OFF_TOPIC_WORDS = 20  # words without any touch of the question after which it is put again in short
OCCASION = "a real occasion"  # the gap of an answer that is an opinion where a story was asked for
SHORT_ANSWER = 12  # words; fewer than this and the first thing is to hear more


def decide(state: State, turn: Turn) -> Decision:
    """The next step after `turn` was answered. Pure."""
    assert state.interview is not None
    question = state.planned(turn.question)
    asked = state.of_question(turn.question)
    followed = sum(t.probe is not None for t in asked)
    if followed < state.interview.probe_budget and turn.intent in (None, "answer") and not _pressed(state, turn):
        decision = _contradiction(state, question, turn) or _probe(question, asked)
        if decision:
            return decision
    if state.remaining:
        following = state.remaining[0]
        why = f"next in the plan: {following.competency}"
        return Decision("next", following, why=why)
    return Decision("close", why="all planned questions were asked")


def _probe(question: PlannedQuestion, asked: Sequence[Turn]) -> Decision | None:
    newest = asked[-1]
    reader = Reader(newest.words_or_text, question.text)
    whole = Reader([word for turn in asked for word in turn.words_or_text], question.text)
    reading, everything = reader.read(question), whole.read(question)
    tried = {turn.probe for turn in asked}
    for kind, gap, span, why in _wishes(question, reading, everything, reader):
        if kind in tried:
            continue
        topic = _topic(reader, reading, span, kind)
        return Decision("probe", question, kind, gap, span or _anything(reader), topic, why)
    return None


def _pressed(state: State, turn: Turn) -> bool:
    """Practice: whether what is left of the time is needed for the questions that are left."""
    assert state.interview is not None
    if state.interview.mode == "screen" or not turn.heard:
        return False
    needed = sum(q.seconds * 0.6 for q in state.remaining)
    return bool(state.remaining) and turn.heard[-1].end + needed > state.interview.minutes * 60.0


def _contradiction(state: State, question: PlannedQuestion, turn: Turn) -> Decision | None:
    """A neutral question where two statements do not fit; at most once in an interview."""
    if any(t.probe == "contradiction" for t in state.turns):
        return None
    earlier = (Reader(t.words_or_text, t.text) for t in state.turns if t.number < turn.number and t.answered)
    found = contradiction(earlier, Reader(turn.words_or_text, question.text))
    if found is None:
        return None
    before, now = found
    return Decision(
        "probe", question, "contradiction", "how the two fit", now.span,
        why=f'two statements differ: "{before.span.quote}" and "{now.span.quote}"', before=before.span.quote,
    )  # fmt: skip


Wish = tuple[str, str, Span | None, str]


def _wishes(question: PlannedQuestion, newest: Reading, whole: Reading, reader: Reader) -> list[Wish]:
    """Probes that would fill a gap, the most telling first."""
    missing = whole.missed[0] if whole.missed else ""
    wishes: list[Wish] = []
    if newest.words >= OFF_TOPIC_WORDS and not whole.hits and relevance(reader, question)[0] == 0.0:
        wishes.append(("elaborate", question.short, None, "the answer did not touch the question; lead back to it"))
    if newest.words < SHORT_ANSWER:
        wishes.append(("elaborate", missing or "more detail", None, "the answer is short; first hear more of it"))
    if question.kind in ("technical", "situational"):
        if whole.coverage >= 0.75:
            wishes.append(("depth", "one level harder", None, "most key points were given; see how deep it goes"))
        if not whole.reasons and clauses(reader.alive):
            wishes.append(("why", "the reason", _first(newest.actions), "a choice was named without its reason"))
        if whole.coverage <= 0.25 and newest.words >= SHORT_ANSWER:
            wishes.append(
                ("clarify", missing, _first(newest.hits), f"hard to tell how far it is understood: {missing}")
            )
            wishes.append(("easier", missing, None, f"few key points so far; a way in to: {missing}"))
        if missing:
            wishes.append(("elaborate", missing, _first(newest.hits), f"not touched yet: {missing}"))
        wishes.append(("trade_off", "the alternatives", _first(newest.hits), "the alternatives were not weighed"))
        return wishes if whole.missed or whole.coverage >= 0.75 else []
    if not whole.actions and not clauses(reader.alive) and newest.words >= SHORT_ANSWER:
        wishes.append(("elaborate", OCCASION, None, "an opinion or a habit; ask for a time when it happened"))
        if not whole.reasons:
            wishes.append(("why", "the reason", None, "an opinion without its reason"))
        return wishes
    if whole.plural_person >= 3 and whole.plural_person > 2 * whole.first_person:
        wishes.append(("own_part", "own part", _first(newest.actions), 'much "we" and little "I": own part unclear'))
    if whole.results and not whole.numbers:
        wishes.append(
            (
                "evidence",
                "a measured effect",
                whole.results[-1].span,
                "an effect is claimed without a measure",
            )
        )
    if not whole.results and newest.words >= SHORT_ANSWER:
        wishes.append(("result", "the outcome", _first(newest.actions), "the outcome was not told"))
    if not whole.reasons:
        wishes.append(("why", "the reason", _first(newest.actions), "a choice was named without its reason"))
    if missing:
        wishes.append(("elaborate", missing, _first(newest.actions), f"not touched yet: {missing}"))
    if whole.missed:
        wishes.append(("learned", "what they took from it", _first(newest.results), "the lesson was not told"))
    return wishes


def _first(findings: Sequence[object]) -> Span | None:
    found = findings[0] if findings else None
    return getattr(found, "span", None)


def _anything(reader: Reader) -> Span | None:
    """Without a finding to point at: the longest clause of the answer."""
    alive = [i for i in range(len(reader.words)) if i not in reader.dead]
    if not alive:
        return None
    middle = alive[len(alive) // 2]
    return reader.clause((middle, middle + 1))


def _topic(reader: Reader, reading: Reading, span: Span | None, probe: str) -> str:
    """The candidate's own name for what this is about: from the span, else from what they did, else from anywhere."""
    places = [span.quote] if span else []
    if probe == "evidence" and places:  # only what is said to have changed can be measured
        return next(
            (max(found, key=lambda p: len(p.split())) for place in places if (found := noun_phrases(place))), ""
        )
    places += [finding.span.quote for finding in reading.actions]
    places.append(" ".join(w.text for w in reader.alive))
    for place in places:
        if found := noun_phrases(place):
            return max(found, key=lambda phrase: len(phrase.split()))
    return ""
