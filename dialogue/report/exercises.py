"""Exercises for what an answer lacked. Each is short, can be done alone, and says when it is done. Pure."""

from __future__ import annotations

from dialogue.report_model import QuestionReport

_BY_QUALITY = {
    "relevance": "Read the question aloud, then say in one sentence what it asks for. Only then begin. Three questions in a row, and stop any answer whose first sentence does not touch the question.",
    "completeness": "Write the key points of this question on four cards. Tell the story once with the cards in sight, once face down. Done when all four came without looking.",
    "structure": "Tell it in four sentences: one each for the situation, the task, what you did, and what came of it. Then let each sentence grow to two.",
    "specificity": "Put one number, one name and one date into the answer. If you do not know the number, find it out or say how you would estimate it.",
    "own part": 'Tell the story and raise a finger at every "we". Then tell it again and say "I" wherever it was you, and a name where it was somebody else.',
    "communication": "Begin with the result, in one sentence. Then tell how it came about, in order, and stop. A minute by the clock, twice.",
}
_STRONG = (
    "This one stands. Take a harder question on the same subject, and explain it to somebody who has never heard of it."
)


def exercise_for(question: QuestionReport) -> str:
    """For the weakest quality of the answer."""
    if question.rubric.level is None:
        return "Answer the question again for a full minute, whatever comes; silence is allowed. Done when the minute is over."
    weakest = min(question.qualities, key=lambda q: q.value, default=None)
    if weakest is None or (weakest.value >= 0.75 and not question.rubric.missed):
        return _STRONG
    return f"{_BY_QUALITY[weakest.name]} (Your {weakest.name} here: {weakest.basis}.)"
