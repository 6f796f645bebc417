"""Plays recordings of real people as the answers: one after the other, each once the agent has asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from simulation.speech import RoomTone
from voice.audio import SPEECH_RATE, Audio, AudioError, Samples, level_dbfs, load, resample
from voice.vad.boundaries import SpeechMap, map_speech
from voice.vad.detector import SpeechDetector, SpeechGate

MIN_SPEECH = 0.3  # s in a recording; less is no answer


def load_answers(paths: Sequence[Path], warn: Callable[[str], None] = lambda line: None) -> list[Audio]:
    """Load and check every file before anything begins. Raises AudioError naming the first that is not a spoken answer.

    `warn` gets a line for each file that is cut off.
    """
    answers: list[Audio] = []
    for path in paths:
        audio = load(path)
        check_speech(audio, path)
        if audio.warning:
            warn(f"{path}: {audio.warning}")
        answers.append(audio)
    return answers


def check_speech(audio: Audio, path: Path) -> SpeechMap:
    """Where the speech is. Raises AudioError for silence and for sound without speech."""
    if level_dbfs(audio.samples) < -70.0:
        raise AudioError(f"{path}: is silent (below -70 dBFS); check the microphone and record it again")
    heard = map_speech(audio.at(SPEECH_RATE).samples)
    if sum(b - a for a, b in heard.speech) < MIN_SPEECH:
        raise AudioError(f"{path}: no speech in it, only noise; record it again, closer to the microphone")
    return heard


class RecordedCandidate:
    """Implements the bridge's Caller. `skip`: number of answers given before a crash."""

    def __init__(self, answers: Sequence[Audio], rate: int = 24_000, skip: int = 0) -> None:
        self._clips = [resample(a.samples, a.rate, rate) for a in answers[skip:]]
        self._rate = rate
        self._tone = RoomTone()
        self._detector = SpeechDetector()
        self._gate = SpeechGate(min_silence=0.7)
        self._speech = np.zeros(0, np.float32)
        self.gone = False
        self.transport: float | None = 0.0  # same process: no delay at all

    @property
    def exhausted(self) -> bool:
        """Whether all answers have been played to their end."""
        return not self._clips and not len(self._speech)

    def speak(self, count: int) -> Samples:
        out = self._tone.next(count)
        part, self._speech = self._speech[:count], self._speech[count:]
        out[: len(part)] += part
        return np.clip(out, -1.0, 1.0).astype(np.float32)

    def hear(self, samples: Samples) -> None:
        for probability, end in self._detector.push(resample(samples, self._rate, SPEECH_RATE)):
            change = self._gate.update(probability, end)
            if change and not change.speaking and not len(self._speech) and self._clips:
                self._speech = self._clips.pop(0)
