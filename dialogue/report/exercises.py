"""Exercises for what an answer left open. Each is short, can be done alone, and says when it is done. Pure."""

from __future__ import annotations

from memory.records import Probe

_STORY = "Tell it in four sentences: one each for the situation, the task, what you did, and what came of it. Then let each sentence grow to two."
_NUMBER = "Put one number, one name and one date into the answer. If you do not know the number, find it out or say how you would estimate it."
_REASON = "Say your choice in one sentence, then the reason, then what spoke against it. Done when it takes less than half a minute."
_BY_TYPE = {
    "result": "Begin with the result, in one sentence. Then tell how it came about, in order, and stop. A minute by the clock, twice.",
    "evidence": _NUMBER,
    "own_part": 'Tell the story and raise a finger at every "we". Then tell it again and say "I" wherever it was you, and a name where it was somebody else.',
    "learned": "Tell the story to its end, then add one sentence that begins with: since then I. Done when that sentence names something you really do.",
    "why": _REASON,
    "trade_off": _REASON,
    "depth": "Explain the hardest step to somebody who has never heard of it, without a technical term. Done when they can say it back.",
    "counterfactual": "Change one thing about the case, and say in three sentences what you would do then.",
    "clarify": "Read the question aloud, then answer it in one sentence. Only then begin to explain.",
    "elaborate": _STORY,
}
LONGER = (
    "Answer the question again for a full minute, whatever comes; silence is allowed. Done when the minute is over."
)


def exercise_for(probe: Probe | None) -> str:
    """For the probe that is most worth answering as well; None: nothing could be read of the answer."""
    return LONGER if probe is None else _BY_TYPE.get(probe.type, _STORY)
