"""The other end of the line, simulated: hears the agent, recognises its words, waits as a person would, and speaks.

Nothing but sound passes between the two: the persona has its own recogniser.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from simulation.script import Script, ScriptLine
from simulation.speech import PersonaVoice, RoomTone
from voice.audio import SPEECH_RATE, Samples, resample
from voice.stt.decoder import Decoder
from voice.vad.detector import SpeechDetector, SpeechGate

REACTION = 0.5  # s after the agent's last sound; people take about this long to answer a question
LISTEN_EVERY = 0.9  # s between attempts to recognise a question that is still being asked


class SimulatedCandidate:
    """Implements the bridge's Caller. `rate`: the bridge's, in Hz."""

    def __init__(self, script: Script, decoder: Decoder, rate: int = 24_000, farewell: str = "goodbye") -> None:
        self._script = script
        self._decoder = decoder
        self._rate = rate
        self._voice = PersonaVoice(script.voice, rate)
        self._tone = RoomTone()
        self._detector = SpeechDetector()
        self._gate = SpeechGate(min_silence=0.6)
        self._thread = ThreadPoolExecutor(1, "candidate")
        self._lock = threading.Lock()
        self._heard: list[Samples] = []  # the agent's current utterance
        self._speech = np.zeros(0, np.float32)  # being said now
        self._pending: deque[Samples] = deque()
        self._thinking: Future[None] | None = None
        self._next_listen = LISTEN_EVERY
        self._farewell = farewell
        self.gone = False
        self.transport: float | None = 0.0  # same process: no delay
        for line in script.all_lines():  # synthesised now, not during the call
            for segment in line.segments:
                if isinstance(segment, str):
                    self._voice.say(segment)

    def speak(self, count: int) -> Samples:
        out = self._tone.next(count)
        with self._lock:
            if not len(self._speech) and self._pending:
                self._speech = self._pending.popleft()
            part, self._speech = self._speech[:count], self._speech[count:]
        out[: len(part)] += part
        return out

    def hear(self, samples: Samples) -> None:
        at_16k = resample(samples, self._rate, SPEECH_RATE)
        self._heard.append(at_16k)
        change = None
        for probability, end in self._detector.push(at_16k):
            change = self._gate.update(probability, end) or change
        if change and change.speaking:
            self._heard = self._heard[-25:]  # half a second before its onset
            self._next_listen = LISTEN_EVERY
            with self._lock:  # the agent spoke: whatever was about to be said is out of date
                self._pending.clear()
        elif change and not change.speaking:
            self._think(np.concatenate(self._heard), finished=True)
            self._heard = []
        elif self._gate.speaking and not self._busy and len(self._heard) / 50.0 > self._next_listen:
            self._next_listen += LISTEN_EVERY
            self._think(np.concatenate(self._heard), finished=False)
        elif not self._gate.speaking and len(self._heard) > 50:
            self._heard = self._heard[-25:]

    @property
    def _busy(self) -> bool:
        return self._thinking is not None and not self._thinking.done()

    def _think(self, sound: Samples, *, finished: bool) -> None:
        self._thinking = self._thread.submit(self._answer, sound, finished)

    def _answer(self, sound: Samples, finished: bool) -> None:
        heard = " ".join(word.text for word in self._decoder.decode(sound, timed=False))
        if not finished:
            self._say(self._script.interruption(heard))
        elif self._farewell in heard.lower() or "good bye" in heard.lower():
            self.gone = True
        elif not self._speaking:
            self._say(self._script.reply(heard))

    @property
    def _speaking(self) -> bool:
        return bool(len(self._speech) or self._pending)

    def _say(self, line: ScriptLine | None) -> None:
        if line is None:
            return
        samples = self._voice.line(line)
        with self._lock:
            self._pending.append(samples)
