"""The recognition of a call (voice/stt/recognition.py) as a LiveKit STT: frames in, speech events out."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, stt
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr, TimedString
from livekit.agents.utils import AudioBuffer, is_given

from voice.audio import SPEECH_RATE, Samples, resample
from voice.engine_thread import EngineCalls
from voice.stt.decoder import Decoder
from voice.stt.recognition import Kind, Recognition, StreamSettings
from voice.stt.retry import RecognitionHealth
from voice.vad.front_end import FrontEnd
from voice.words import TimedWord, joined

__all__ = ["LocalSTT", "LocalStream", "RecognitionHealth", "StreamSettings", "words_of"]

KEPT = 180.0  # s of audio kept by a stream with its own front end: an engine may fail that long without losing any
DEADLINE, DEADLINE_RATE = 5.0, 2.0  # minimum in s, and s per s of audio; a decode that takes longer counts as hung

_TYPES = {
    Kind.START: stt.SpeechEventType.START_OF_SPEECH,
    Kind.INTERIM: stt.SpeechEventType.INTERIM_TRANSCRIPT,
    Kind.PREFLIGHT: stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
    Kind.FINAL: stt.SpeechEventType.FINAL_TRANSCRIPT,
    Kind.END: stt.SpeechEventType.END_OF_SPEECH,
}
log = logging.getLogger(__name__)


class LocalSTT(stt.STT[str]):
    """A local engine as a LiveKit STT. The decoder is shared by all calls of the process; `executor` runs it.

    `hints`: names and terms to expect, for engines that can use them. `front_end`: the one of the call's speech
    tracker, which must receive every frame before it is pushed here; without one, each stream makes its own.
    """

    def __init__(
        self,
        decoder: Decoder,
        executor: Executor,
        settings: StreamSettings | None = None,
        hints: Sequence[str] = (),
        front_end: FrontEnd | None = None,
    ) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True, interim_results=True, aligned_transcript="word", manual_flush=True
            )
        )
        self.decoder = decoder
        self.front_end = front_end
        self.prompt = f"{', '.join(hints)}." if hints else ""
        self.settings = settings or StreamSettings()
        self._calls = EngineCalls(executor, "speech to text")
        self._streams: weakref.WeakSet[LocalStream] = weakref.WeakSet()
        self._latest: LocalStream | None = None

    def finish_speech(self) -> None:
        """Make everything heard so far final now, because the listener has decided that the turn is over."""
        for stream in self._running():
            stream.flush()

    def health(self) -> RecognitionHealth:
        """The state of recognition; with several streams, the worst of each value (units: see RecognitionHealth)."""
        found = [stream.health() for stream in self._running()] or ([self._latest.health()] if self._latest else [])
        failing = [h for h in found if h.failing_since is not None]
        worst = min(failing, key=lambda h: h.failing_since or 0.0, default=RecognitionHealth())
        speech = max((h.speech_since_last_words for h in found), default=0.0)
        return RecognitionHealth(speech, worst.failing_since, worst.error)

    def restart(self) -> None:
        """Start over: decode audio without words again at once, on another thread if the current one hangs."""
        self._calls.give_up()
        for stream in self._running():
            stream.restart()

    @property
    def model(self) -> str:
        return self.decoder.name

    @property
    def provider(self) -> str:
        return "vivavoce"

    async def decode(self, samples: Samples, timed: bool) -> list[TimedWord]:
        """One decode on the engine's thread. Raises EngineCallFailed, also if the engine does not return."""
        deadline = max(DEADLINE, DEADLINE_RATE * len(samples) / SPEECH_RATE)
        return await self._calls.call(lambda: self.decoder.decode(samples, timed=timed, prompt=self.prompt), deadline)

    async def _recognize_impl(
        self, buffer: AudioBuffer, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        frame = rtc.combine_audio_frames(buffer)
        mono = np.frombuffer(frame.data, np.int16).reshape(-1, frame.num_channels).mean(axis=1).astype(np.float32)
        samples = resample((mono / 32768.0).astype(np.float32), frame.sample_rate, SPEECH_RATE)
        return _event(Kind.FINAL, await self.decode(samples, True), self.settings.language)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> LocalStream:
        before = self._latest
        begin = before.undecided if before is not None and self.front_end is not None else 0
        made = LocalStream(self, conn_options, language if is_given(language) else self.settings.language, begin)
        self._streams.add(made)
        self._latest = made
        return made

    def _running(self) -> list[LocalStream]:
        return [stream for stream in self._streams if stream.running]


class LocalStream(stt.RecognizeStream):
    """One call's recognition stream. Word times are s from the first sample pushed (to the front end, if shared).

    `begin`: the sample at which audio starts to count, so that what an earlier stream left undecoded is not lost.
    """

    def __init__(self, engine: LocalSTT, conn_options: APIConnectOptions, language: str, begin: int = 0) -> None:
        super().__init__(stt=engine, conn_options=conn_options)  # no rate: the front end resamples
        self._language = language
        self._shared = engine.front_end is not None
        self._front = engine.front_end or FrontEnd(KEPT)
        self._recognition = Recognition(
            self._front, engine.decode, engine.decoder.max_window, engine.settings, self._told, begin
        )
        self._speech_at_words = self._front.speech_seconds

    @property
    def running(self) -> bool:
        """Whether more audio may come."""
        return not self._input_ch.closed and not self._task.done()

    @property
    def undecided(self) -> int:
        """The first sample whose words may not have been reported yet."""
        return self._recognition.undecided

    def health(self) -> RecognitionHealth:
        """The state of this stream."""
        retry = self._recognition.retry
        return RecognitionHealth(self._front.speech_seconds - self._speech_at_words, retry.since, retry.error)

    def restart(self) -> None:
        """Decode audio without words again at once; new speech opens a new window."""
        self._recognition.restart()

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._recognition.run(), name="decoding")
                tasks.create_task(self._hear(), name="hearing")
        except ExceptionGroup as errors:
            # A bug of ours. LiveKit reruns a stream that raises LiveKit's own error type; ours resumes where it was.
            log.exception("recognition failed")
            raise APIConnectionError(f"recognition failed: {errors.exceptions[0]!r}") from errors

    async def _hear(self) -> None:
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                if not self._shared:
                    self._front.push(item)
                self._recognition.heard()
            else:
                self._recognition.flush()
        if not self._shared:
            self._front.finish()
            self._recognition.heard()
        self._recognition.finish()

    def _told(self, kind: Kind, words: list[TimedWord]) -> None:
        if words:
            self._speech_at_words = self._front.speech_seconds
        if not self._event_ch.closed:
            event = _event(kind, words, self._language) if words else stt.SpeechEvent(_TYPES[kind])
            self._event_ch.send_nowait(event)


def _event(kind: Kind, words: list[TimedWord], language: str) -> stt.SpeechEvent:
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
    return stt.SpeechEvent(_TYPES[kind], alternatives=[data])


def _given(value: float | None) -> NotGivenOr[float]:
    return NOT_GIVEN if value is None else value


def words_of(event: stt.SpeechEvent) -> list[TimedWord]:
    """The timed words of an event from this stream."""
    found: list[TimedWord] = []
    for alternative in event.alternatives[:1]:
        for word in alternative.words or []:
            start = word.start_time if is_given(word.start_time) else alternative.start_time
            end = word.end_time if is_given(word.end_time) else alternative.end_time
            found.append(TimedWord(str(word), start, end, word.confidence if is_given(word.confidence) else None))
    return found
