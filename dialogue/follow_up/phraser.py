"""The embedded phraser: words a decided probe in the candidate's own terms. Pure, instant, offline.

It is the fallback for every language model: if the model is late, broken or lying, one of these is spoken instead. What
it says passes the validator, repeats no frame in an interview while another fits, and no opening more than twice.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dialogue.analysis.language import closes_clause, overlap, tokens
from dialogue.analysis.second_person import SaidBack
from dialogue.follow_up import frames
from dialogue.follow_up.policy import Decision
from dialogue.follow_up.probes import BackToQuestion, Occasion, ProbeType
from dialogue.follow_up.validator import Verdict, grounded, validate
from memory.records import untimed

OPENING = 3  # words: the part that makes two questions sound like one template
MOST_ALIKE = 2  # questions in one interview that may open alike


@dataclass(frozen=True)
class Candidate:
    """A wording, the frame it was made from ("" for a prepared probe), and its tier (0 is the most specific)."""

    text: str
    frame: str
    tier: int


def candidates(decision: Decision, heard: str, own: SaidBack | None = None) -> list[Candidate]:
    """Wordings for a decision, the most specific first, not yet validated. `own`: the answer, if already read."""
    assert decision.question is not None and decision.probe is not None
    if own is None or not own.words:
        own = SaidBack(untimed(heard))
    prepared = [Candidate(p.text, "", 2 if p.type == decision.probe else 5) for p in decision.question.probes]
    found: list[Candidate] = []
    if isinstance(decision.aim, BackToQuestion):
        return [Candidate(f.format(short=decision.gap), f, 0) for f in frames.BACK]
    if isinstance(decision.aim, Occasion):
        return [*_occasions(decision, own), *prepared]
    if decision.probe is ProbeType.CONTRADICTION and decision.before and decision.span:
        values = {"before": short_quote(decision.before), "now": short_quote(decision.span.quote)}
        if all(values.values()):
            found += [Candidate(f.format(**values), f, 0) for f in frames.CONTRADICTION]
    for clause in _clauses(decision, own):
        found += [Candidate(f.format(clause=clause), f, 1) for f in frames.CLAUSE.get(decision.probe, ())]
    if decision.topic:
        found += [Candidate(f.format(topic=decision.topic), f, 1) for f in frames.TOPIC.get(decision.probe, ())]
    if decision.probe is ProbeType.ELABORATE and decision.gap and _nameable(decision.gap):
        about_knowledge = decision.question.kind in ("technical", "situational")
        found += [Candidate(f.format(gap=decision.gap), f, 0 if about_knowledge else 3) for f in frames.GAP]
    if quote := short_quote(decision.span.quote) if decision.span else "":
        found += [Candidate(f.format(quote=quote), f, 4) for f in frames.QUOTE.get(decision.probe, ())]
    if decision.probe in (
        ProbeType.DEPTH,
        ProbeType.EASIER,
    ):  # here the author's own probe is better than any frame
        prepared = [Candidate(c.text, "", 0 if c.tier == 2 else c.tier) for c in prepared]
    return sorted([*found, *prepared], key=lambda c: c.tier)


def phrase(decision: Decision, *, heard: str, earlier: Sequence[str], own: SaidBack | None = None) -> str | None:
    """The best valid wording that is not worn out, or None: then do not probe.

    Deterministic: the same decision gets the same words, so a proposal and its commit agree.
    """
    span = decision.span.quote if decision.span else ""
    prepared = {p.text for p in decision.question.probes} if decision.question else set()
    alive = [
        c
        for c in candidates(decision, heard, own)
        # A probe that the pack's author wrote is grounded in the question itself.
        if _allowed(
            c,
            validate(
                c.text, span=span, gap=c.text if c.text in prepared else decision.gap, earlier=earlier, heard=heard
            ),
        )
        and sum(opening(c.text) == opening(old) for old in earlier) < MOST_ALIKE
    ]
    seed = zlib.crc32(heard.encode())

    def worn(c: Candidate) -> tuple[int, int, int, int]:
        used = sum(bool(frames.shape(c.frame).fullmatch(old)) for old in earlier) if c.frame else 0
        alike = sum(opening(c.text) == opening(old) for old in earlier)
        ungrounded = not grounded(c.text, span, decision.gap, heard)
        return (used + alike + ungrounded, c.tier, used, zlib.crc32(c.frame.encode(), seed))

    return min(alive, key=worn).text if alive else None


def _allowed(candidate: Candidate, verdict: Verdict) -> bool:
    """Whether it is valid; leading back to the question is allowed to ask it again."""
    again = {"was asked before", "asks two things"} if candidate.frame in frames.BACK else set()
    return not set(verdict.problems) - again


def acknowledge(topic: str, own: Sequence[str], fixed: Sequence[str], said: Sequence[str]) -> str:
    """What is said before a follow-up: that something was heard, with no verdict on it. The least used so far.

    `own`: the answer's clauses in the second person; `fixed`: neutral words that fit anything; `said`: everything the
    agent has said so far.
    """
    made = [
        f.format(topic=_capital(topic) if f.startswith("{") else topic)
        for f in frames.ECHOES
        if topic and "{topic}" in f
    ]
    made += [f.format(clause=own[0]) for f in frames.ECHOES if own and len(own[0].split()) <= 7 and "{clause}" in f]
    options = [*made, *fixed]
    newest = " ".join(said[-2:])

    def worn(option: str) -> tuple[bool, int, int]:
        pattern = next((frames.shape(f) for f in frames.ECHOES if frames.shape(f).fullmatch(option)), None)
        times = sum(bool(pattern.match(s)) if pattern else s.startswith(option) for s in said)
        return (option in newest, times, zlib.crc32(option.encode(), len(said)))

    return min(options, key=worn)


def opening(text: str) -> str:
    """The first words, which make two questions sound like one template."""
    return " ".join(tokens(text)[:OPENING])


_DANGLING = frozenset(
    "the a an of to and in on at my our their was is are were with for that so not be been which when by from as or".split()
)


def short_quote(quote: str, longest: int = 8) -> str:
    """The candidate's words up to the next break, short enough to say back, without marks that cannot be spoken."""
    words: list[str] = []
    for shown in quote.split():
        word = shown.strip(".,;:?!\"'")
        if not word or not all(c.isalnum() or c in "'’-" for c in word):
            break
        if words or word.lower() not in {"and", "so", "but", "um", "uh", "well", "then", "because", "yes", "no"}:
            words.append(word)
        if closes_clause(shown) and len(words) >= 3:
            break
    words = words[:longest]
    while words and words[-1].lower() in _DANGLING:
        words.pop()
    return " ".join(words) if len(words) >= 3 else ""


def _occasions(decision: Decision, own: SaidBack) -> list[Candidate]:
    slots = {
        "clause": own.statements[:2],
        "topic": [decision.topic] if decision.topic.startswith(("your ", "the ", "this ")) else [],
        "quote": [q] if decision.span and (q := short_quote(decision.span.quote)) else [],
    }
    tiers = {"clause": 0, "topic": 1, "quote": 2}
    return [
        Candidate(f.format(**{slot: value}), f, tiers[slot]) for slot, f in frames.OCCASION for value in slots[slot]
    ]


def _clauses(decision: Decision, own: SaidBack) -> Iterable[str]:
    """Clauses that can be said back, those about the span first."""
    found = own.team_clauses if decision.probe is ProbeType.OWN_PART else own.clauses
    span = decision.span.quote if decision.span else ""
    return sorted(found, key=lambda clause: -overlap(clause, span))[:2]


def _nameable(gap: str) -> bool:
    """Whether a gap can be named in a sentence to the candidate ("the cost on writes"); some are notes to ourselves."""
    words = tokens(gap)
    return (
        words[:1] != [] and words[0] in {"the", "your", "a", "an"} and not {"they", "their", "them", "it"} & set(words)
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
