"""What was heard since the candidate got the floor, and how words become events: shared by the call and recovery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livekit.agents import stt

from memory.events import Heard, Noted
from memory.records import Interval, Word, typed_words
from voice.stt.stream import words_of
from voice.words import TimedWord, joined


def records(words: Sequence[TimedWord]) -> list[Word]:
    """Timed words as records, to the millisecond."""
    return [Word(text=w.text, start=round(w.start, 3), end=round(w.end, 3), confidence=w.confidence) for w in words]


def heard(
    words: Sequence[TimedWord],
    turn: int,
    at: float,
    confidence: float | None = None,
    held_up: Sequence[Interval] = (),
) -> Heard:
    """A final piece of an answer. `words`: at least one, on the session's timeline."""
    return Heard(
        at=at, t=words[0].start, turn=turn, text=joined(words), words=records(words), end=words[-1].end, confidence=confidence,
        held_up=list(held_up),
    )  # fmt: skip


def noted(words: Sequence[TimedWord], at: float) -> Noted:
    """The same for words said while a person had the floor."""
    return Noted(at=at, t=words[0].start, text=joined(words), words=records(words), end=words[-1].end)


def typed(text: str, turn: int, at: float, t: float) -> Heard:
    """A typed answer: its words carry the time at which they arrived, and none of them is measured."""
    words = [w.model_copy(update={"start": round(t, 3), "end": round(t, 3)}) for w in typed_words(text)]
    return Heard(at=at, t=t, turn=turn, text=" ".join(text.split()), words=words, end=t, typed=True)


@dataclass(frozen=True)
class Final:
    """A piece that will not change, not yet stored. `words` are on the session's timeline."""

    words: Sequence[TimedWord]
    confidence: float | None


class Transcript:
    """The recogniser's view: final pieces not yet stored, and the unstable rest. `offset`: session time of its zero."""

    def __init__(self, offset: float) -> None:
        self._offset = offset
        self.finals: list[Final] = []
        self.partial: list[TimedWord] = []  # replaced, never mutated: compare by identity to see a change
        self.open = False  # the recogniser still has speech that is not final
        self.settled = True  # all speech so far has been decoded, final or not
        self.words_heard = 0  # number of events with words so far

    def recognised(self, event: stt.SpeechEvent) -> None:
        """Take note of a recogniser event."""
        kind = event.type
        if kind is stt.SpeechEventType.START_OF_SPEECH:
            self.open, self.settled = True, False
            return
        if kind is stt.SpeechEventType.END_OF_SPEECH:
            self.give_up()
            return
        words = [word.shifted(self._offset) for word in words_of(event)]
        self.words_heard += bool(words)
        if kind is stt.SpeechEventType.FINAL_TRANSCRIPT:
            if words:
                self.finals.append(Final(words, event.alternatives[0].confidence or None))
            self.partial = []
        elif kind in (stt.SpeechEventType.INTERIM_TRANSCRIPT, stt.SpeechEventType.PREFLIGHT_TRANSCRIPT):
            self.partial = words
            self.settled = self.settled or kind is stt.SpeechEventType.PREFLIGHT_TRANSCRIPT

    def give_up(self) -> None:
        """Expect nothing more of the speech so far."""
        self.open, self.settled = False, True
        self.partial = []

    @property
    def pending(self) -> list[TimedWord]:
        """Everything that is not stored yet."""
        return [word for final in self.finals for word in final.words] + self.partial
