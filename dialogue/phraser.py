"""The embedded phraser: words a decided probe in the candidate's own terms. Pure, instant, offline.

It is the floor under every language model: late, broken or lying, one of these is spoken instead. All sentences are
built so that they pass the validator; the best of several is taken that does and was not used before.
"""

from __future__ import annotations

from collections.abc import Sequence

from dialogue.language import tokens
from dialogue.policy import Decision
from dialogue.validator import validate

# {topic}: the candidate's noun phrase, second person. Every gap's own word stands in its sentences, which grounds them.
_WITH_TOPIC: dict[str, tuple[str, ...]] = {
    "elaborate": (
        "Could you walk me through {topic} step by step?",
        "What happened with {topic}, from start to finish?",
        "Tell me more about {topic}: what did that involve?",
    ),
    "evidence": (
        "How did you measure the effect on {topic}?",
        "What numbers did you see for {topic}, before and after?",
        "How could somebody else check the change in {topic}?",
    ),
    "own_part": (
        "With {topic}, which part was yours?",
        "What did you do yourself on {topic}?",
        "Who did what on {topic}, and where was your own part?",
    ),
    "trade_off": (
        "What were the alternatives to {topic}?",
        "What did you give up by going with {topic}?",
    ),
    "why": (
        "What was the reason behind {topic}?",
        "What made you go that way with {topic}?",
    ),
    "counterfactual": ("With half the time for {topic}, what would you have changed?",),
    "result": (
        "What came of {topic} in the end?",
        "How did it turn out with {topic}?",
    ),
    "learned": (
        "Looking back at {topic}, what would you do differently?",
        "What did you take away from {topic}?",
    ),
    "clarify": ("When you say {topic}, what exactly do you mean?",),
}
# Without a usable noun phrase: the candidate's own clause is quoted. {quote}: at most seven words.
_WITH_QUOTE: dict[str, tuple[str, ...]] = {
    "elaborate": ('You said "{quote}". What did that involve?',),
    "evidence": ('You said "{quote}". How did you measure that?',),
    "own_part": ('You said "{quote}". Which part of that was yours?',),
    "trade_off": ('You said "{quote}". What were the alternatives?',),
    "why": ('You said "{quote}". What was the reason for that?',),
    "result": ('You said "{quote}". What came of it?',),
    "learned": ('You said "{quote}". What would you do differently today?',),
    "clarify": ('You said "{quote}". What exactly do you mean by that?',),
    "counterfactual": ('You said "{quote}". What would you have done with half the time?',),
}
# For points of the rubric that were not touched: the gap names itself.
_FOR_GAP = (
    "What can you tell me about {gap}?",
    "I have not heard yet about {gap}. What can you say on that?",
)


def candidates(decision: Decision, heard: str) -> list[str]:
    """Wordings for a decision, the most specific first. Not yet validated."""
    assert decision.question is not None
    prepared = [p.text for p in decision.question.probes if p.type == decision.probe]
    found: list[str] = []
    if decision.probe in ("depth", "easier"):
        found += prepared
    if decision.topic:
        found += [t.format(topic=decision.topic) for t in _WITH_TOPIC.get(decision.probe, ())]
    quote = short_quote(decision.span.quote) if decision.span else ""
    if quote:
        found += [t.format(quote=quote) for t in _WITH_QUOTE.get(decision.probe, ())]
    if decision.probe == "elaborate" and decision.gap and _nameable(decision.gap):
        found += [t.format(gap=decision.gap) for t in _FOR_GAP]
    return found + prepared + [p.text for p in decision.question.probes]


def phrase(decision: Decision, *, heard: str, earlier: Sequence[str]) -> str | None:
    """The first valid wording whose opening is not worn out, else the first valid one, else None: then do not probe."""
    span = decision.span.quote if decision.span else ""
    prepared = {p.text for p in decision.question.probes} if decision.question else set()
    valid = [
        text
        for text in candidates(decision, heard)
        # A probe that the pack's author wrote is grounded in the question itself.
        if validate(text, span=span, gap=text if text in prepared else decision.gap, earlier=earlier, heard=heard).valid
    ]
    fresh = [text for text in valid if not any(opening(text) == opening(old) for old in earlier)]
    return next(iter([*fresh, *valid]), None)


def opening(text: str) -> str:
    """The first three words: what makes two questions feel like one template."""
    return " ".join(tokens(text)[:3])


def short_quote(quote: str, longest: int = 7) -> str:
    """The candidate's words, short enough to be said back, without marks that cannot be spoken."""
    words = [w.strip(".,;:?!\"'") for w in quote.split()]
    words = [w for w in words if w and all(c.isalnum() or c in "'’-" for c in w)]
    while words and words[0].lower() in {"and", "so", "but", "um", "uh", "well", "then", "because"}:
        words.pop(0)
    return " ".join(words[:longest]) if len(words) >= 3 else ""


def _nameable(gap: str) -> bool:
    """A gap that reads as a thing in a sentence to the candidate ("the cost on writes"), not as a note to ourselves."""
    return not any(word in {"they", "their", "them", "more", "it"} for word in tokens(gap))
