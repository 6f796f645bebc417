"""The LiveKit side of a call: a session that carries the sound, and an agent whose nodes tap it.

Turn-taking is ours ("manual" there), and so is what happens when an engine fails: LiveKit would close the session after three
errors in a row, and the call would be silent for good.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

from livekit import rtc
from livekit.agents import Agent, AgentSession, ModelSettings, inference, stt, tts
from livekit.agents.voice.agent_session import SessionConnectOptions

from agent.recognition import Recognition


def session_of(recogniser: stt.STT[Any], voice: tts.TTS[Any]) -> AgentSession[Any]:
    """A session with these engines, in which LiveKit decides nothing."""
    return AgentSession(
        stt=recogniser,
        vad=inference.VAD(model="silero"),
        tts=voice,
        turn_handling={
            "turn_detection": "manual",
            "interruption": {"enabled": True, "mode": "vad", "resume_false_interruption": False},
            "preemptive_generation": {"enabled": False},
        },
        conn_options=SessionConnectOptions(max_unrecoverable_errors=sys.maxsize),
        aec_warmup_duration=None,
        user_away_timeout=None,
    )


class CallAgent(Agent):
    """`voice_failed` is told when the sound of an utterance could not be made."""

    def __init__(self, recognition: Recognition, voice_failed: Callable[[Exception], None]) -> None:
        super().__init__(instructions="")
        self._recognition = recognition
        self._voice_failed = voice_failed

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent]:
        def open_stream(frames: AsyncIterator[rtc.AudioFrame]) -> AsyncIterable[stt.SpeechEvent | str]:
            return Agent.default.stt_node(self, frames, model_settings)  # type: ignore[return-value]

        async with contextlib.aclosing(self._recognition.run(audio, open_stream)) as events:
            async for event in events:
                yield event

    async def tts_node(self, text: AsyncIterable[str], model_settings: ModelSettings) -> AsyncIterator[rtc.AudioFrame]:
        try:
            async for frame in Agent.default.tts_node(self, text, model_settings):  # type: ignore[union-attr]
                yield frame
        except Exception as error:  # the speaker says it again; to LiveKit the utterance just ends here
            self._voice_failed(error)
