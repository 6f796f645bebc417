"""Keeping a recogniser running for a whole leg: a stream that dies, or is found deaf, is replaced.

The new stream hears again what the old one had not made final, so that no word is lost by it. Whatever happens to the
recogniser, the ear hears every frame: the clock of the call stands on the sound, not on the words.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable

from livekit import rtc
from livekit.agents import stt

from agent.hearing import Hearing
from agent.tasks import cancel_and_wait
from voice.stt.stream import words_of

BEFORE_SPEECH = 2.0  # s of sound kept while nobody speaks: the beginning of the next speech
KEPT_AT_MOST = 45.0  # s of sound kept for a new stream while there are no final words for it
FIRST_BACK_OFF, LONGEST_BACK_OFF = 0.25, 8.0  # s between a stream's death and the next one
log = logging.getLogger(__name__)

Frames = AsyncIterator[rtc.AudioFrame]
OpenStream = Callable[[Frames], AsyncIterable[stt.SpeechEvent | str]]


class Recognition:
    """`hear` is given every frame, `on_event` every event, at once. `hearing` is told where a new stream's clock begins."""

    def __init__(
        self, hear: Callable[[rtc.AudioFrame], None], hearing: Hearing, on_event: Callable[[stt.SpeechEvent], None]
    ) -> None:
        self._hear = hear
        self._hearing = hearing
        self._on_event = on_event
        self._kept: deque[tuple[float, rtc.AudioFrame]] = deque()  # (s from the leg's beginning, frame)
        self._unexplained = False  # the newest speech yielded no final words, or not yet
        self._heard = 0.0  # s from the leg's beginning
        self._frames: asyncio.Queue[rtc.AudioFrame | None] = asyncio.Queue()
        self._listening: asyncio.Task[None] | None = None
        self._back_off = FIRST_BACK_OFF
        self.restarts = 0

    async def run(
        self, audio: AsyncIterable[rtc.AudioFrame], open_stream: OpenStream
    ) -> AsyncGenerator[stt.SpeechEvent]:
        """The events of one stream after the other, until the sound ends or the generator is closed."""
        events: asyncio.Queue[stt.SpeechEvent | None] = asyncio.Queue()
        tapping = asyncio.create_task(self._tap(audio), name="frames")
        keeping = asyncio.create_task(self._keep_listening(open_stream, events), name="recogniser")
        try:
            while (event := await events.get()) is not None:
                yield event
        finally:
            await cancel_and_wait(tapping, keeping)

    def restart(self) -> None:
        """Take a new stream: this one hears nothing."""
        if self._listening is not None:
            self._listening.cancel()

    async def _tap(self, audio: AsyncIterable[rtc.AudioFrame]) -> None:
        async for frame in audio:
            self._hear(frame)
            self._kept.append((self._heard, frame))
            self._heard += frame.samples_per_channel / frame.sample_rate
            self._forget(self._heard - (KEPT_AT_MOST if self._unexplained else BEFORE_SPEECH))
            self._frames.put_nowait(frame)
        self._frames.put_nowait(None)

    async def _keep_listening(self, open_stream: OpenStream, events: asyncio.Queue[stt.SpeechEvent | None]) -> None:
        while True:
            self._frames = asyncio.Queue()
            for _, frame in self._kept:
                self._frames.put_nowait(frame)
            began = self._kept[0][0] if self._kept else self._heard
            self._hearing.new_stream(began)
            stream = self._listen(open_stream, self._frames, events, began)
            listening = asyncio.create_task(stream, name="recogniser stream")
            self._listening = listening
            try:
                await asyncio.wait({listening})
            finally:
                await cancel_and_wait(listening)
            if not listening.cancelled():
                error = listening.exception()
                if error is None:
                    events.put_nowait(None)
                    return
                log.warning(
                    "the recogniser's stream ended: %s; a new one in %g s", type(error).__name__, self._back_off
                )
                await asyncio.sleep(self._back_off)
                self._back_off = min(2 * self._back_off, LONGEST_BACK_OFF)
            self.restarts += 1

    async def _listen(
        self,
        open_stream: OpenStream,
        frames: asyncio.Queue[rtc.AudioFrame | None],
        events: asyncio.Queue[stt.SpeechEvent | None],
        began: float,
    ) -> None:
        ended = understood = False

        async def incoming() -> Frames:
            nonlocal ended
            while (frame := await frames.get()) is not None:
                yield frame
            ended = True

        async for event in open_stream(incoming()):
            if not isinstance(event, stt.SpeechEvent):
                continue
            self._on_event(event)
            if event.type is stt.SpeechEventType.START_OF_SPEECH:
                self._unexplained, understood = True, False
            elif event.type is stt.SpeechEventType.END_OF_SPEECH:
                self._unexplained = not understood
            elif words := words_of(event):
                self._back_off = FIRST_BACK_OFF
                if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                    understood = True
                    self._forget(began + words[-1].end)
            events.put_nowait(event)
        if not ended:
            raise RuntimeError("the stream ended before the sound did")

    def _forget(self, before: float) -> None:
        while self._kept and self._kept[0][0] < before:
            self._kept.popleft()
