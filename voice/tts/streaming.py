"""Any Voice as a LiveKit TTS: text streams in, clauses are synthesised one by one, audio streams out.

A clause on which the voice fails is tried once more, then said by the fallback voice. Only if that fails too does the
sentence fail, with an error that LiveKit passes on (event "error", TTSError) to the code that is speaking.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor

import numpy as np
from livekit.agents import APIConnectOptions, APIError, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.utils import shortuuid

from voice.audio import Samples, resample, to_int16
from voice.engine_thread import EngineCallFailed, EngineCalls, EngineHangs
from voice.errors import EngineError
from voice.tts.clauses import ClauseSplitter, clauses
from voice.tts.voice import PhraseCache, Voice

DEADLINE, DEADLINE_CHARACTER = 10.0, 0.2  # minimum in s, and s per character; a voice that takes longer counts as hung
REST = 30.0  # s for which a failed voice is not tried if there is a fallback
TRIES = 2  # for each voice

log = logging.getLogger(__name__)


class SpeechFailed(EngineError):
    """No voice could say a clause; the message gives each voice's error, but not the clause."""


class ClauseTTS(tts.TTS[str]):
    """`rate`: output rate in Hz, to which a voice's own rate is resampled.

    `fallback`: the voice that speaks if `voice` fails.
    """

    def __init__(
        self,
        voice: Voice,
        executor: Executor,
        rate: int = 24_000,
        cache: PhraseCache | None = None,
        fallback: Voice | None = None,
    ) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=True), sample_rate=rate, num_channels=1)
        self.voice = voice
        self.fallback = fallback
        self.cache = cache or PhraseCache()
        self._calls = EngineCalls(executor, "text to speech")
        self._rests_until = float("-inf")  # on the loop's clock

    @property
    def model(self) -> str:
        return self.voice.name

    @property
    def provider(self) -> str:
        return "vivavoce"

    async def clip(self, clause: str) -> Samples:
        """The audio of one clause at the output rate, from the cache or made now. Raises SpeechFailed."""
        known = self.cache.find(self.voice, clause, self.sample_rate)
        if known is not None:
            return known
        now = asyncio.get_running_loop().time
        reasons = []
        if self.fallback is None or now() >= self._rests_until:
            try:
                return await self._say(self.voice, clause)
            except EngineCallFailed as error:
                reasons.append(f"{self.voice.name}: {error}")
                self._rests_until = now() + REST
                log.warning("the voice failed (%s)%s", reasons[0], "; the fallback speaks" if self.fallback else "")
        else:
            reasons.append(f"{self.voice.name}: failed a moment ago")
        if self.fallback is not None:
            try:
                return await self._say(self.fallback, clause)
            except EngineCallFailed as error:
                reasons.append(f"{self.fallback.name}: {error}")
        raise SpeechFailed(f"no voice could say {len(clause)} characters ({'; '.join(reasons)})")

    async def warm(self, texts: list[str]) -> None:
        """Synthesise phrases ahead of time. One that fails is left until it is needed."""
        for text in texts:
            for clause in clauses(text):
                try:
                    await self.clip(clause)
                except SpeechFailed as error:
                    log.warning("a phrase could not be made ahead: %s", error)

    async def _say(self, voice: Voice, clause: str) -> Samples:
        """Say it with this voice, retrying once. Raises EngineCallFailed."""

        def make() -> Samples:
            return self.cache.get(voice, clause, self.sample_rate, lambda: _sound(voice, clause, self.sample_rate))

        for _ in range(TRIES - 1):
            try:
                return await self._calls.call(make, DEADLINE + DEADLINE_CHARACTER * len(clause))
            except EngineHangs:
                if self.fallback is not None and voice is not self.fallback:
                    raise  # another silence as long helps nobody
            except EngineCallFailed:
                pass
        return await self._calls.call(make, DEADLINE + DEADLINE_CHARACTER * len(clause))

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Chunked(tts=self, input_text=text, conn_options=conn_options)

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> tts.SynthesizeStream:
        return _Streamed(tts=self, conn_options=conn_options)


def _sound(voice: Voice, clause: str, rate: int) -> Samples:
    """The voice's audio for a clause, at `rate` Hz. Raises EngineError if it is inaudible or not finite."""
    made = voice.say(clause)
    if not np.isfinite(made).all():
        raise EngineError("made sound that is not a number")
    if any(c.isalnum() for c in clause) and not made.any():
        raise EngineError("made no sound")
    return resample(made, voice.rate, rate)


def _begin(emitter: tts.AudioEmitter, rate: int, *, stream: bool) -> None:
    # 20 ms frames: LiveKit's default of 200 ms would delay the first sound.
    emitter.initialize(
        request_id=shortuuid(),
        sample_rate=rate,
        num_channels=1,
        mime_type="audio/pcm",
        frame_size_ms=20,
        stream=stream,
    )


async def _clip(engine: ClauseTTS, clause: str) -> Samples:
    try:
        return await engine.clip(clause)
    except SpeechFailed as error:
        # Every voice has been tried: LiveKit need not retry, with seconds in between.
        raise APIError(str(error), retryable=False) from error


class _Chunked(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        engine = self._tts
        assert isinstance(engine, ClauseTTS)
        _begin(output_emitter, engine.sample_rate, stream=False)
        for clause in clauses(self._input_text):
            output_emitter.push(to_int16(await _clip(engine, clause)).tobytes())
        output_emitter.flush()


class _Streamed(tts.SynthesizeStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        engine = self._tts
        assert isinstance(engine, ClauseTTS)
        _begin(output_emitter, engine.sample_rate, stream=True)
        output_emitter.start_segment(segment_id=shortuuid())
        splitter = ClauseSplitter()

        async def say(found: list[str]) -> None:
            for clause in found:
                self._mark_started()
                output_emitter.push(to_int16(await _clip(engine, clause)).tobytes())
                output_emitter.flush()

        async for item in self._input_ch:
            await say(splitter.push(item) if isinstance(item, str) else splitter.flush())
        await say(splitter.flush())
        output_emitter.end_segment()
