"""Answers with known ends: fluent and hesitant ones by flite, and recordings of people if available."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulation.script import ScriptLine
from simulation.speech import PersonaVoice, RoomTone
from voice.audio import Samples, load
from voice.vad.boundaries import map_speech

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "speech"

# Words and pauses (s). A hesitant answer has pauses of 0.8 to 2.2 s where people stop to think: after a conjunction,
# after "um", and between sentences.
FLUENT: list[tuple[str | float, ...]] = [
    ("I moved the reporting pipeline to streaming, because the analysts were always late.",),
    ("First I would look at what changed yesterday. Then I check the metrics and the database.",),
    ("It went from six hours to four minutes.",),
    ("I told my manager at once, and we brought the data back from a copy before the evening.",),
    ("Since then I test every script on a copy first, and a second person checks it.",),
    ("I would compare a fast request with a slow request, and follow the trace.",),
]
HESITANT: list[tuple[str | float, ...]] = [
    (
        "I moved the reporting pipeline to streaming,",
        1.4,
        "because the analysts were always late.",
        1.0,
        "That was last year.",
    ),
    ("First I would look at what changed yesterday, and um,", 2.0, "then I check the metrics."),
    ("Well,", 0.9, "it went from six hours", 1.2, "to four minutes."),
    ("I told my manager at once.", 1.6, "And we brought the data back from a copy before the evening."),
    ("Since then I test every script on a copy,", 0.8, "and", 1.8, "a second person checks it."),
    ("I would compare a fast request", 1.1, "with a slow request.", 2.2, "And then I follow the trace."),
]
HUMAN = [
    "whisper/jfk.flac",
    "mfa/cold_corpus.wav",
    "mfa/acoustic_corpus.wav",
    "mfa/mfa_surround.flac",
    "mfa/mfa_words.flac",
]


@dataclass(frozen=True)
class Answer:
    """A clip and its ground truth: `end`, s from its start to the end of its last word."""

    kind: str
    samples: Samples
    end: float


def answers(rate: int, voices: tuple[str, ...] = ("rms", "slt")) -> list[Answer]:
    """Every answer at `rate` Hz. Human ones only if the shared data is available."""
    made: list[Answer] = []
    for kind, lines in (("fluent", FLUENT), ("hesitant", HESITANT)):
        for i, segments in enumerate(lines):
            clip = PersonaVoice(voices[i % len(voices)], rate).line(ScriptLine(segments))
            made.append(Answer(kind, clip, len(clip) / rate))
    for name in HUMAN:
        path = SHARED / name
        if path.is_file():
            sound = load(path)
            end = map_speech(sound.at(16_000).samples).speech[-1][1]
            clip = sound.at(rate).samples
            peak = float(np.abs(clip).max())
            made.append(Answer("human", clip * np.float32(min(1.0, 0.5 / peak) if peak > 0.5 else 0.5 / peak), end))
    return made


class Answerer:
    """A bridge's Caller that gives the answers in turn, each `reaction` s after the agent falls silent."""

    def __init__(self, clips: list[Answer], rate: int, reaction: float = 0.8) -> None:
        self._left = list(clips)
        self._rate = rate
        self._reaction = round(reaction * rate)
        self._tone = RoomTone()
        self._speech = np.zeros(0, np.float32)
        self._quiet = 0
        self._agent_spoke = False
        self._position = 0
        self._last_activity = 0
        self.given: list[tuple[Answer, float]] = []  # (answer, its start in s on the line)
        self.gone = False
        self.transport: float | None = 0.0

    def speak(self, count: int) -> Samples:
        out = self._tone.next(count)
        part, self._speech = self._speech[:count], self._speech[count:]
        out[: len(part)] += part
        if len(part):
            self._last_activity = self._position
        self._position += count
        return np.clip(out, -1.0, 1.0).astype(np.float32)

    def hear(self, samples: Samples) -> None:
        loud = bool(np.abs(samples).max(initial=0.0) > 0.004)
        self._quiet = 0 if loud else self._quiet + len(samples)
        self._agent_spoke = self._agent_spoke or loud
        if loud:
            self._last_activity = self._position
        # A minute of silence on both sides ends the run: a session that got stuck is a result too.
        self.gone = self.gone or self._position - self._last_activity > 60 * self._rate
        if self._agent_spoke and self._quiet >= self._reaction and not len(self._speech):
            if not self._left:
                self.gone = True
                return
            answer = self._left.pop(0)
            self._speech = answer.samples
            self.given.append((answer, self._position / self._rate))
            self._agent_spoke = False
