"""The LiveKit side of a call: a session that carries the sound, and an agent whose nodes tap it.

Turn-taking is ours (LiveKit's is set to "manual"), and so is the handling of failing engines: LiveKit would close the
session after a few errors in a row, leaving the call silent for good.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

from livekit import rtc
from livekit.agents import Agent, AgentEvent, AgentSession, ModelSettings, stt, tts
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.events import EventTypes

from agent.tasks import cancel_and_wait

FIRST_BACK_OFF, LONGEST_BACK_OFF = 0.25, 8.0  # s between the end of one recogniser stream and the next
log = logging.getLogger(__name__)


def session_of(recogniser: stt.STT[Any], voice: tts.TTS[Any]) -> AgentSession[Any]:
    """A session with these engines, in which LiveKit decides nothing."""
    return _Forgetful(
        stt=recogniser,
        vad=None,  # the speech tracker's detector is the only one; the session decides nothing by sound
        tts=voice,
        turn_handling={
            "turn_detection": "manual",
            # The Speaker decides about interruptions. Never discard: during an uninterruptible utterance LiveKit would
            # feed the speech tracker silence instead of what the candidate says.
            "interruption": {
                "enabled": False, "discard_audio_if_uninterruptible": False, "resume_false_interruption": False,
            },
            "preemptive_generation": {"enabled": False},
        },
        conn_options=SessionConnectOptions(max_unrecoverable_errors=sys.maxsize),
        aec_warmup_duration=None,
        user_away_timeout=None,
        session_close_transcript_timeout=0.0,  # the last words are stored before the session is closed
    )  # fmt: skip


class _Forgetful(AgentSession[Any]):
    """LiveKit's own keeps every event for a report that we do not make, and with the events every utterance and its tasks."""

    def emit(self, event: EventTypes, arg: AgentEvent) -> None:
        rtc.EventEmitter.emit(self, event, arg)


class CallAgent(Agent):
    """`hear` gets every frame, `recognised` every event, and `voice_failed` the reason why an utterance ended early.

    The speech tracker hears everything even if the recogniser fails: the call's clock counts its samples. If a stream
    ends before the sound does, another follows and continues where the front end says that words are missing.
    """

    def __init__(
        self,
        hear: Callable[[rtc.AudioFrame], None],
        recognised: Callable[[stt.SpeechEvent], None],
        voice_failed: Callable[[Exception], None],
    ) -> None:
        super().__init__(instructions="")
        self._hear = hear
        self._recognised = recognised
        self._voice_failed = voice_failed

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent]:
        frames: asyncio.Queue[rtc.AudioFrame | None] = asyncio.Queue()
        over = asyncio.Event()

        async def tap() -> None:
            async for frame in audio:
                self._hear(frame)
                frames.put_nowait(frame)
            frames.put_nowait(None)

        async def tapped() -> AsyncIterator[rtc.AudioFrame]:
            while (frame := await frames.get()) is not None:
                yield frame
            over.set()

        tapping = asyncio.create_task(tap(), name="frames")
        pause = FIRST_BACK_OFF
        try:
            while not over.is_set():
                reason = "no error"
                try:
                    async for event in Agent.default.stt_node(self, tapped(), model_settings):  # type: ignore[union-attr]
                        if isinstance(event, stt.SpeechEvent):
                            pause = FIRST_BACK_OFF
                            self._recognised(event)
                        # Not passed on: nothing in the session needs the words, and it would keep them all.
                        if False:
                            yield event
                except Exception as error:
                    reason = type(error).__name__
                if not over.is_set():
                    log.warning("the recogniser's stream ended (%s); the next one begins in %g s", reason, pause)
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_BACK_OFF)
        finally:
            await cancel_and_wait(tapping)

    async def tts_node(self, text: AsyncIterable[str], model_settings: ModelSettings) -> AsyncIterator[rtc.AudioFrame]:
        try:
            async for frame in Agent.default.tts_node(self, text, model_settings):  # type: ignore[union-attr]
                yield frame
        except Exception as error:  # the Speaker says it again; to LiveKit the utterance just ends here
            self._voice_failed(error)
