"""The streaming loop shared by all engines: recognise while the candidate speaks.

Audio comes in; a speech gate opens a window; while it is open the window is decoded again and again (never two
decodes at once, and the pace follows the engine's measured cost), which gives interim words by local agreement.
At a short silence the window is decoded once more: PREFLIGHT. If speech goes on, the window stays open and nothing
was lost; after `final_silence`, or on a flush, the same words become FINAL without another decode.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectOptions, stt
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr, TimedString
from livekit.agents.utils import AudioBuffer, is_given

from voice.audio import SPEECH_RATE, Samples, from_int16, resample
from voice.stt.agreement import LocalAgreement
from voice.stt.decoder import Decoder
from voice.stt.hallucination import believable
from voice.vad import SpeechChange, SpeechDetector, SpeechGate
from voice.words import TimedWord, joined

LEAD = 0.35  # s kept before the gate opened: soft onsets
TAIL = 0.15  # s kept after it closed


@dataclass(frozen=True)
class StreamSettings:
    """Seconds. `preflight_silence` < `final_silence`: between the two, speech that goes on stays one window."""

    preflight_silence: float = 0.22
    final_silence: float = 1.2
    interim_every: float = 0.6
    language: str = "en"


@dataclass
class _Window:
    """Open speech. Sample positions count from the start of the stream."""

    start: int
    speech_seconds: float = 0.0
    closed_at: float | None = None
    decoded: list[TimedWord] | None = None
    decoded_until: int = 0
    agreement: LocalAgreement = field(default_factory=LocalAgreement)
    next_interim: float = 0.0


class LocalSTT(stt.STT[str]):
    """A local engine as a LiveKit STT. The decoder is shared by all calls of the process; `executor` runs it.

    `hints`: names and terms to expect, for engines that can use them.
    """

    def __init__(
        self, decoder: Decoder, executor: Executor, settings: StreamSettings | None = None, hints: Sequence[str] = ()
    ) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True, interim_results=True, aligned_transcript="word", manual_flush=True
            )
        )
        self.decoder = decoder
        self.executor = executor
        self.prompt = f"{', '.join(hints)}." if hints else ""
        self.settings = settings or StreamSettings()
        self._streams: weakref.WeakSet[LocalStream] = weakref.WeakSet()

    def finish_speech(self) -> None:
        """Make what was heard so far final now: the listener has decided that the turn is over."""
        for stream in self._streams:
            stream.flush()

    @property
    def model(self) -> str:
        return self.decoder.name

    @property
    def provider(self) -> str:
        return "vivavoce"

    async def _recognize_impl(
        self, buffer: AudioBuffer, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        frame = rtc.combine_audio_frames(buffer)
        mono = np.frombuffer(frame.data, np.int16).reshape(-1, frame.num_channels).mean(axis=1).astype(np.float32)
        samples = resample((mono / 32768.0).astype(np.float32), frame.sample_rate, SPEECH_RATE)
        loop = asyncio.get_running_loop()
        words = await loop.run_in_executor(self.executor, lambda: self.decoder.decode(samples, timed=True))
        return _event(stt.SpeechEventType.FINAL_TRANSCRIPT, words, self.settings.language)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> LocalStream:
        made = LocalStream(self, conn_options, language if is_given(language) else self.settings.language)
        self._streams.add(made)
        return made


class LocalStream(stt.RecognizeStream):
    """One call's ears. Word times are seconds from the first sample pushed."""

    def __init__(self, engine: LocalSTT, conn_options: APIConnectOptions, language: str) -> None:
        super().__init__(stt=engine, conn_options=conn_options, sample_rate=SPEECH_RATE)
        self._engine = engine
        self._settings = engine.settings
        self._language = language
        self._audio: Samples = np.zeros(0, np.float32)  # from sample position `_base`
        self._base = 0
        self._detector = SpeechDetector()
        self._gate = SpeechGate(min_silence=engine.settings.preflight_silence)
        self._window: _Window | None = None
        self._decoding: asyncio.Task[None] | None = None
        self._last_text = ""

    async def _run(self) -> None:
        try:
            async for item in self._input_ch:
                if isinstance(item, rtc.AudioFrame):
                    await self._hear(from_int16(np.frombuffer(item.data, np.int16)))
                else:
                    await self._finish_window()
            await self._finish_window()
        finally:
            if self._decoding:
                self._decoding.cancel()

    @property
    def _now(self) -> float:
        return (self._base + len(self._audio)) / SPEECH_RATE

    async def _hear(self, samples: Samples) -> None:
        self._audio = np.concatenate([self._audio, samples])
        for probability, end in self._detector.push(samples):
            if change := self._gate.update(probability, end):
                await self._gate_changed(change)
            if self._window and self._gate.speaking:
                self._window.speech_seconds += 0.032 * (probability > 0.5)
        window = self._window
        if window is None:
            self._forget(self._now - 2.0)
        elif window.closed_at is not None and self._now - window.closed_at >= self._settings.final_silence:
            await self._finish_window()
        elif self._gate.speaking and self._now >= window.next_interim and not self._busy:
            self._decoding = asyncio.create_task(self._interim(window))

    @property
    def _busy(self) -> bool:
        return self._decoding is not None and not self._decoding.done()

    async def _gate_changed(self, change: SpeechChange) -> None:
        if change.speaking:
            if self._window is None:
                start = max(self._base, round((change.time - LEAD) * SPEECH_RATE))
                self._window = _Window(start=start, next_interim=change.time + self._settings.interim_every)
                self._send(stt.SpeechEvent(stt.SpeechEventType.START_OF_SPEECH))
            self._window.closed_at = None
        elif self._window is not None:
            self._window.closed_at = change.time
            if self._busy and self._decoding:
                await self._decoding
            # Not awaited: frames keep flowing while the decode runs.
            self._decoding = asyncio.create_task(self._preflight(self._window))

    async def _interim(self, window: _Window) -> None:
        began = time.perf_counter()
        words = await self._decode(window, timed=False)
        took = time.perf_counter() - began
        if self._window is not window:
            return
        window.next_interim = self._now + max(self._settings.interim_every, 1.5 * took)
        shown = window.agreement.update(words)
        if shown and joined(shown) != self._last_text:
            self._last_text = joined(shown)
            self._emit(stt.SpeechEventType.INTERIM_TRANSCRIPT, shown)
        if self._now - window.start / SPEECH_RATE > self._engine.decoder.max_window:
            await self._cut(window)

    async def _preflight(self, window: _Window) -> None:
        until = self._base + len(self._audio)
        words = await self._decode(window, timed=True)
        if self._window is not window:
            return
        window.decoded, window.decoded_until = words, until
        if words:
            self._last_text = joined(words)
            self._emit(stt.SpeechEventType.PREFLIGHT_TRANSCRIPT, words)

    async def _cut(self, window: _Window) -> None:
        """Speech longer than the window: what is stable becomes final, the window goes on after it."""
        words = await self._decode(window, timed=True)
        stable = min(len(window.agreement.stable), len(words) - 1)
        if self._window is not window or stable < 3:
            return
        # The widest gap among the last stable words is the least harmful place.
        at = max(range(max(1, stable // 2), stable + 1), key=lambda i: words[i].start - words[i - 1].end)
        self._emit(stt.SpeechEventType.FINAL_TRANSCRIPT, words[:at])
        middle = (words[at - 1].end + words[at].start) / 2
        window.start = round(middle * SPEECH_RATE)
        window.agreement = LocalAgreement()
        window.decoded = None
        self._forget(window.start / SPEECH_RATE - 0.1)

    async def _finish_window(self) -> None:
        """Make the open window final."""
        window = self._window
        if window is None:
            return
        if self._busy and self._decoding:
            await self._decoding
        if window.decoded is None or (
            window.closed_at is None and window.decoded_until < self._base + len(self._audio)
        ):
            window.decoded = await self._decode(window, timed=True)
        self._window = None
        self._last_text = ""
        if window.decoded:
            self._emit(stt.SpeechEventType.FINAL_TRANSCRIPT, window.decoded)
        self._send(stt.SpeechEvent(stt.SpeechEventType.END_OF_SPEECH))

    async def _decode(self, window: _Window, *, timed: bool) -> list[TimedWord]:
        stop = self._base + len(self._audio)
        if window.closed_at is not None:
            stop = min(stop, round((window.closed_at + TAIL) * SPEECH_RATE))
        samples = self._audio[window.start - self._base : stop - self._base].copy()
        loop = asyncio.get_running_loop()
        words = await loop.run_in_executor(
            self._engine.executor,
            lambda: self._engine.decoder.decode(samples, timed=timed, prompt=self._engine.prompt),
        )
        offset = window.start / SPEECH_RATE
        return [word.shifted(offset) for word in believable(words, window.speech_seconds)]

    def _forget(self, before: float) -> None:
        drop = max(0, min(round(before * SPEECH_RATE) - self._base, len(self._audio)))
        if drop > SPEECH_RATE:
            self._audio = self._audio[drop:]
            self._base += drop

    def _emit(self, kind: stt.SpeechEventType, words: list[TimedWord]) -> None:
        self._send(_event(kind, words, self._language))

    def _send(self, event: stt.SpeechEvent) -> None:
        if not self._event_ch.closed:
            self._event_ch.send_nowait(event)


def _event(kind: stt.SpeechEventType, words: list[TimedWord], language: str) -> stt.SpeechEvent:
    timed = [TimedString(w.text, start_time=w.start, end_time=w.end, confidence=_given(w.confidence)) for w in words]
    known = [w.confidence for w in words if w.confidence is not None]
    data = stt.SpeechData(
        language=language,  # type: ignore[arg-type]
        text=joined(words),
        start_time=words[0].start if words else 0.0,
        end_time=words[-1].end if words else 0.0,
        confidence=float(np.mean(known)) if known else 0.0,
        words=timed,
    )
    return stt.SpeechEvent(kind, alternatives=[data])


def _given(value: float | None) -> NotGivenOr[float]:
    return NOT_GIVEN if value is None else value


def words_of(event: stt.SpeechEvent) -> list[TimedWord]:
    """The timed words of an event of this stream."""
    found: list[TimedWord] = []
    for alternative in event.alternatives[:1]:
        for word in alternative.words or []:
            start = word.start_time if is_given(word.start_time) else alternative.start_time
            end = word.end_time if is_given(word.end_time) else alternative.end_time
            found.append(TimedWord(str(word), start, end, word.confidence if is_given(word.confidence) else None))
    return found
