"""What to do next: explicit, testable rules. The policy decides; the model only words the decision.

After an answer: a follow-up if one is worth it (necessary, and within the budget), else the next question. A
follow-up is worth it when something the rubric asks for is missing and can still be given; a complete answer is not
probed for the sake of probing ("justified skip", docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dialogue.analysis.consistency import contradiction
from dialogue.analysis.noun_phrases import noun_phrases
from dialogue.analysis.qualities import relevance
from dialogue.analysis.reading import Reader, Reading
from dialogue.analysis.second_person import SaidBack
from dialogue.follow_up.probes import Aim, BackToQuestion, Missing, Occasion, ProbeType
from dialogue.state import State, Turn
from memory.records import PlannedQuestion, Span


@dataclass(frozen=True)
class Decision:
    """What to do and why; `why` is shown in the report."""

    act: Literal["probe", "next", "close"]
    question: PlannedQuestion | None = None
    probe: ProbeType | None = None
    aim: Aim | None = None
    span: Span | None = None
    topic: str = ""  # the candidate's own words for what the span is about, "" if none were usable
    why: str = ""
    before: str = ""  # for a contradiction: the earlier statement that does not fit

    @property
    def gap(self) -> str:
        """What is asked for, in words: for the log, the model and the validator."""
        return self.aim.gap if self.aim else ""


OFF_TOPIC_WORDS = 20  # words that never touch the question, after which it is asked again in short
SHORT_ANSWER = 12  # words; below this, ask to hear more first


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
    for wish in _wishes(question, reading, everything, reader):
        if wish.probe in tried:
            continue
        topic = _topic(reader, reading, wish.span, wish.probe)
        return Decision("probe", question, wish.probe, wish.aim, wish.span or _anything(reader), topic, wish.why)
    return None


def _pressed(state: State, turn: Turn) -> bool:
    """Practice: whether the remaining questions need all the time that is left."""
    assert state.interview is not None
    if state.interview.mode == "screen" or not turn.heard:
        return False
    needed = sum(q.seconds * 0.6 for q in state.remaining)
    return bool(state.remaining) and turn.heard[-1].end + needed > state.interview.minutes * 60.0


def _contradiction(state: State, question: PlannedQuestion, turn: Turn) -> Decision | None:
    """A neutral question where two statements do not fit; at most once per interview."""
    if any(t.probe == ProbeType.CONTRADICTION for t in state.turns):
        return None
    earlier = (Reader(t.words_or_text, t.text) for t in state.turns if t.number < turn.number and t.answered)
    found = contradiction(earlier, Reader(turn.words_or_text, question.text))
    if found is None:
        return None
    before, now = found
    return Decision(
        "probe", question, ProbeType.CONTRADICTION, Missing("how the two fit"), now.span,
        why=f'two statements differ: "{before.span.quote}" and "{now.span.quote}"', before=before.span.quote,
    )  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """A follow-up worth asking: which kind, for what, about which words, and why."""

    probe: ProbeType
    aim: Aim
    span: Span | None
    why: str


def _wishes(question: PlannedQuestion, newest: Reading, whole: Reading, reader: Reader) -> list[Wish]:
    """Probes that would fill a gap, the most telling first."""
    missing = whole.missed[0] if whole.missed else ""
    own = SaidBack(reader.alive)
    wishes: list[Wish] = []

    def wish(probe: ProbeType, aim: str | Aim, span: Span | None, why: str) -> None:
        wishes.append(Wish(probe, Missing(aim) if isinstance(aim, str) else aim, span, why))

    if newest.words >= OFF_TOPIC_WORDS and not whole.hits and relevance(reader, question)[0] == 0.0:
        back = BackToQuestion(question.short)
        wish(ProbeType.ELABORATE, back, None, "the answer did not touch the question; lead back to it")
    if newest.words < SHORT_ANSWER:
        wish(ProbeType.ELABORATE, missing or "more detail", None, "the answer is short; first hear more of it")
    if question.kind in ("technical", "situational"):
        if whole.coverage >= 0.75:
            wish(ProbeType.DEPTH, "one level harder", None, "most key points were given; see how deep it goes")
        if not whole.reasons and own.clauses:
            wish(ProbeType.WHY, "the reason", _first(newest.actions), "a choice was named without its reason")
        if whole.coverage <= 0.25 and newest.words >= SHORT_ANSWER:
            hit = _first(newest.hits)
            wish(ProbeType.CLARIFY, missing, hit, f"hard to tell how far it is understood: {missing}")
            wish(ProbeType.EASIER, missing, None, f"few key points so far; a way in to: {missing}")
        if missing:
            wish(ProbeType.ELABORATE, missing, _first(newest.hits), f"not touched yet: {missing}")
        wish(ProbeType.TRADE_OFF, "the alternatives", _first(newest.hits), "the alternatives were not weighed")
        return wishes if whole.missed or whole.coverage >= 0.75 else []
    if not whole.actions and not own.clauses and newest.words >= SHORT_ANSWER:
        wish(ProbeType.ELABORATE, Occasion(), None, "an opinion or a habit; ask for a time when it happened")
        if not whole.reasons:
            wish(ProbeType.WHY, "the reason", None, "an opinion without its reason")
        return wishes
    if whole.plural_person >= 3 and whole.plural_person > 2 * whole.first_person:
        wish(ProbeType.OWN_PART, "own part", _first(newest.actions), 'much "we" and little "I": own part unclear')
    if whole.results and not whole.numbers:
        effect = whole.results[-1].span
        wish(ProbeType.EVIDENCE, "a measured effect", effect, "an effect is claimed without a measure")
    if not whole.results and newest.words >= SHORT_ANSWER:
        wish(ProbeType.RESULT, "the outcome", _first(newest.actions), "the outcome was not told")
    if not whole.reasons:
        wish(ProbeType.WHY, "the reason", _first(newest.actions), "a choice was named without its reason")
    if missing:
        wish(ProbeType.ELABORATE, missing, _first(newest.actions), f"not touched yet: {missing}")
    if whole.missed:
        wish(ProbeType.LEARNED, "what they took from it", _first(newest.results), "the lesson was not told")
    return wishes


def _first(findings: Sequence[object]) -> Span | None:
    found = findings[0] if findings else None
    return getattr(found, "span", None)


def _anything(reader: Reader) -> Span | None:
    """When no finding can be pointed at: the clause in the middle of the answer."""
    alive = [i for i in range(len(reader.words)) if i not in reader.dead]
    if not alive:
        return None
    middle = alive[len(alive) // 2]
    return reader.clause((middle, middle + 1))


def _topic(reader: Reader, reading: Reading, span: Span | None, probe: ProbeType) -> str:
    """The candidate's own name for the subject: from the span, else from what they did, else from anywhere."""
    places = [span.quote] if span else []
    if probe is ProbeType.EVIDENCE and places:  # only what is said to have changed can be measured
        return next(
            (max(found, key=lambda p: len(p.split())) for place in places if (found := noun_phrases(place))), ""
        )
    places += [finding.span.quote for finding in reading.actions]
    places.append(" ".join(w.text for w in reader.alive))
    for place in places:
        if found := noun_phrases(place):
            return max(found, key=lambda phrase: len(phrase.split()))
    return ""
