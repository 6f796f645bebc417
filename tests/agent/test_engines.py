"""The engines of a process: which voice replaces which."""

from __future__ import annotations

from agent.engines.loading import Engines
from tests.agent.test_ear import Always
from tests.agent.test_session_sound import Tone
from tests.voice.scripted_sound import Reader
from voice.tts.espeak import EspeakVoice
from voice.tts.voice import Voice


def engines_of(voice: Voice) -> Engines:
    return Engines(Reader(), voice, Always(), None, [])


def test_the_embedded_voice_stands_in_for_any_other() -> None:
    assert isinstance(engines_of(Tone()).fallback_voice, EspeakVoice)


def test_nothing_stands_in_for_the_embedded_voice() -> None:
    assert engines_of(EspeakVoice()).fallback_voice is None
