"""The policy's follow-up to a single answer, outside an interview: for benchmarks and imported data."""

from __future__ import annotations

from dialogue.follow_up.policy import Decision, decide
from dialogue.state import State, Turn
from dialogue.understanding.reader import Answer, Reader
from memory.events import Heard
from memory.records import CandidateSource, Interview, PlannedQuestion, untimed


async def decide_alone(question: PlannedQuestion, answer: str, reader: Reader) -> Decision:
    """The decision after `answer`, as if it were the first in an interview with one follow-up to spend."""
    interview = Interview(
        id="alone", mode="practice", title="", pack="", source=CandidateSource(kind="typed"), questions=[question],
        probe_budget=1, minutes=60,
    )  # fmt: skip
    words = untimed(answer)
    reading = await reader.read(Answer(question, words))
    heard = (Heard(at=0, turn=0, text=answer, words=words, end=0.0),)
    turn = Turn(0, question.id, question.text, "", answered=True, intent="answer", heard=heard, reading=reading)
    return decide(State(interview=interview, turns=(turn,)), turn)
