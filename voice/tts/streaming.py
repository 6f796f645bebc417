"""Any Voice as a LiveKit TTS: text streams in, clauses are said one by one, sound streams out."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor

from livekit.agents import APIConnectOptions, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.utils import shortuuid

from voice.audio import Samples, resample, to_int16
from voice.tts.clauses import ClauseSplitter, clauses
from voice.tts.voice import PhraseCache, Voice


class ClauseTTS(tts.TTS[str]):
    """`rate`: Hz of the sound that goes out; the voice's own rate is resampled to it."""

    def __init__(self, voice: Voice, executor: Executor, rate: int = 24_000, cache: PhraseCache | None = None) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=True), sample_rate=rate, num_channels=1)
        self.voice = voice
        self.cache = cache or PhraseCache()
        self._executor = executor

    @property
    def model(self) -> str:
        return self.voice.name

    @property
    def provider(self) -> str:
        return "vivavoce"

    async def clip(self, clause: str) -> Samples:
        """The sound of one clause at the outgoing rate, from the cache or made now."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._make, clause)

    async def warm(self, texts: list[str]) -> None:
        """Make phrases before they are needed."""
        for text in texts:
            for clause in clauses(text):
                await self.clip(clause)

    def _make(self, clause: str) -> Samples:
        return self.cache.get(
            self.voice,
            clause,
            self.sample_rate,
            lambda: resample(self.voice.say(clause), self.voice.rate, self.sample_rate),
        )

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Chunked(tts=self, input_text=text, conn_options=conn_options)

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> tts.SynthesizeStream:
        return _Streamed(tts=self, conn_options=conn_options)


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


class _Chunked(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        engine = self._tts
        assert isinstance(engine, ClauseTTS)
        _begin(output_emitter, engine.sample_rate, stream=False)
        for clause in clauses(self._input_text):
            output_emitter.push(to_int16(await engine.clip(clause)).tobytes())
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
                output_emitter.push(to_int16(await engine.clip(clause)).tobytes())
                output_emitter.flush()

        async for item in self._input_ch:
            await say(splitter.push(item) if isinstance(item, str) else splitter.flush())
        await say(splitter.flush())
        output_emitter.end_segment()
