"""A recogniser fails, hangs or hears no words: nothing is lost, nothing hangs, the call is told. In virtual time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit.agents import stt

from tests.voice.scripted_sound import Detector, Hang, Inline, Listening, Reader, failing, run
from voice.errors import EngineError
from voice.stt.stream import LocalSTT
from voice.vad import front_end
from voice.vad.front_end import FrontEnd

START, END = stt.SpeechEventType.START_OF_SPEECH, stt.SpeechEventType.END_OF_SPEECH


@pytest.fixture(autouse=True, scope="module")
def scripted_detector() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front_end, "SpeechDetector", Detector)
        yield


def engine_of(reader: Reader, shared: bool = False) -> LocalSTT:
    return LocalSTT(reader, Inline(), front_end=FrontEnd(600.0) if shared else None)


@pytest.mark.parametrize("times", [1, 2, 9])
@pytest.mark.parametrize(
    "error", [EngineError("x"), RuntimeError("x"), OSError(), asyncio.CancelledError(), SystemExit()]
)
def test_a_recogniser_that_fails_for_a_while_loses_no_word(times: int, error: BaseException) -> None:
    async def scenario() -> None:
        listening = Listening(engine_of(Reader(failing(times, error))))
        await listening.push(0.5, 1, 2, 3, 1.0, 4, 5, 40.0)
        await listening.push(6, 7, 3.0)
        await listening.end()
        assert listening.final == [1, 2, 3, 4, 5, 6, 7]
        assert listening.brackets == "()()"

    run(scenario())


def test_a_failing_recogniser_is_asked_ever_more_seldom_and_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    reader = Reader(failing(10_000, RuntimeError("no memory")))

    async def scenario() -> None:
        engine = engine_of(reader)
        listening = Listening(engine)
        await listening.push(0.5, *range(150), 3.0)
        # 0.5, 1, 2, 4 and then 5 s apart, in 63 s.
        assert 8 <= reader.decodes <= 20
        assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1
        health = engine.health()
        assert health.failing_since == pytest.approx(1.2, abs=0.2) and "no memory" in health.error
        assert health.speech_since_last_words == pytest.approx(150 * 0.5, abs=0.5)
        await listening.end()

    run(scenario())


def test_words_come_in_order_when_the_recogniser_works_again() -> None:
    """Recovery comes late, when more than one window's worth has been said."""
    broken = [True]

    def behave(words: Sequence[int]) -> None:
        if broken[0]:
            raise EngineError("x")

    async def scenario() -> None:
        reader = Reader(behave)
        engine = engine_of(reader)
        listening = Listening(engine)
        await listening.push(0.5, *range(40), 2.0, *range(40, 50), 2.0, 50)
        engine.finish_speech()
        await listening.push(51, 52, 2.0)
        assert listening.final == [] and listening.brackets == "("
        broken[0] = False
        await listening.push(6.0)
        assert listening.final == list(range(53))
        assert listening.brackets == "()()()()"
        assert reader.most <= 1.5 * reader.max_window, "what waited is decoded in pieces that the engine can take"
        assert engine.health().failing_since is None and engine.health().error == ""
        await listening.end()

    run(scenario())


@pytest.mark.parametrize("times", [1, 3])
def test_a_decode_that_never_returns_is_left_behind(times: int) -> None:
    async def scenario() -> None:
        listening = Listening(engine_of(Reader(failing(times, Hang()))))
        await listening.push(0.5, 1, 2, 3, 90.0)
        assert listening.final == [1, 2, 3]
        assert listening.brackets == "()"
        await listening.end()

    run(scenario())


@pytest.mark.parametrize("error", [EngineError("x"), Hang()])
def test_the_end_of_input_ends_also_where_nothing_can_be_decoded(error: BaseException) -> None:
    async def scenario() -> None:
        listening = Listening(engine_of(Reader(failing(10_000, error))))
        await listening.push(0.5, 1, 2, 3, 3.0, 4, 3.0)
        async with asyncio.timeout(120):
            await listening.end()
        assert listening.final == []
        assert listening.brackets == "()()"

    run(scenario())


def test_sound_that_the_recogniser_refuses_does_not_hold_up_what_comes_later() -> None:
    def behave(words: Sequence[int]) -> None:
        if 2 in words:
            raise ValueError("cannot take this")

    async def scenario() -> None:
        engine = engine_of(Reader(behave))
        listening = Listening(engine)
        await listening.push(0.5, 1, 2, 3, 20.0, 4, 5, 6, 20.0)
        assert listening.final == [4, 5, 6]
        assert listening.brackets == "()()"
        assert engine.health().failing_since is None
        await listening.end()

    run(scenario())


@pytest.mark.parametrize("error", [EngineError("x"), Hang()])
def test_a_restart_decodes_at_once_what_has_no_words_yet(error: BaseException) -> None:
    broken = [True]

    def behave(words: Sequence[int]) -> None:
        if broken[0]:
            raise error

    async def scenario() -> None:
        engine = engine_of(Reader(behave), shared=True)
        listening = Listening(engine)
        await listening.push(0.5, *range(30), 0.3)
        broken[0] = False
        engine.restart()
        await listening.push(0.7)
        assert listening.final == list(range(30))
        assert engine.health().speech_since_last_words == 0.0
        await listening.end()

    run(scenario())


def test_a_recogniser_that_hears_nothing_is_seen_by_the_speech_that_it_had() -> None:
    class Deaf(Reader):
        def decode(self, samples: object, *, timed: bool, prompt: str = "") -> list[object]:  # type: ignore[override]
            return []

    async def scenario() -> None:
        engine = engine_of(Deaf())
        listening = Listening(engine)
        await listening.push(0.5, *range(20), 3.0)
        assert engine.health().speech_since_last_words == pytest.approx(10.0, abs=0.1)
        assert engine.health().failing_since is None
        await listening.end()

    run(scenario())


def test_wordless_noise_without_end_is_decoded_in_bounded_pieces_and_hides_no_word() -> None:
    async def scenario() -> None:
        reader = Reader()
        listening = Listening(engine_of(reader))
        await listening.push(0.5, "noise 300", 1, "noise 9.7", 2, "noise 40", 3, 4, "noise 100", 5, 3.0)
        await listening.end()
        assert listening.final == [1, 2, 3, 4, 5]
        assert reader.most <= 1.6 * reader.max_window

    run(scenario())


def test_speech_that_goes_on_over_a_flush_is_heard_too() -> None:
    async def scenario() -> None:
        engine = engine_of(Reader())
        listening = Listening(engine)
        await listening.push(0.5, 1, 2, "noise 0.1")
        engine.finish_speech()
        await listening.push("noise 0.1", 3, 4, 3.0)
        await listening.end()
        assert listening.final == [1, 2, 3, 4]
        assert listening.brackets == "()()"

    run(scenario())


def test_a_stream_that_ended_is_asked_for_nothing() -> None:
    async def scenario() -> None:
        engine = engine_of(Reader())
        listening = Listening(engine)
        await listening.push(0.5, 1, 2.0)
        await listening.end()
        engine.finish_speech()
        engine.restart()
        assert engine.health().failing_since is None

    run(scenario())


def test_a_stream_made_anew_goes_on_where_the_last_one_was() -> None:
    """LiveKit makes a new stream when one breaks off; its words have the times they were said, and none is missing."""

    async def scenario() -> None:
        engine = engine_of(Reader(), shared=True)
        first = Listening(engine)
        await first.push(0.5, 1, 2, 2.0, 3, 4)
        await first.stream.aclose()
        second = Listening(engine)
        await second.push(5, 2.0)
        await second.end()
        assert first.final == [1, 2] and second.final == [3, 4, 5]
        starts = [
            e.alternatives[0].start_time for _, e in second.events if e.type is stt.SpeechEventType.FINAL_TRANSCRIPT
        ]
        assert starts == [pytest.approx(3.6, abs=0.05)]

    run(scenario())


PART = st.one_of(
    st.lists(st.just(0), min_size=1, max_size=25),
    st.floats(0.05, 4.0),
    st.floats(0.1, 12.0).map(lambda s: f"noise {s}"),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(PART, min_size=1, max_size=6), st.lists(st.booleans(), max_size=12), st.lists(st.booleans(), max_size=7)
)
def test_whatever_happens_each_word_comes_once(
    parts: list[list[int] | float | str], fails: list[bool], flushes: list[bool]
) -> None:
    """Any mix of speech, noise and silence, with occasional failed or hung decodes and flushes between words.

    What the engine keeps refusing while it accepts later audio is given up, and logged; nothing else is missing.
    """
    plan = list(fails)
    given_up: list[str] = []

    def behave(words: Sequence[int]) -> None:
        if plan and plan.pop():
            raise Hang() if len(plan) % 3 == 0 else EngineError("x")

    async def scenario() -> None:
        engine = engine_of(Reader(behave))
        listening = Listening(engine)
        said = 0
        for i, part in enumerate(parts):
            if isinstance(part, list):
                await listening.push(*range(said, said + len(part)))
                said += len(part)
            else:
                await listening.push(part)
            if i < len(flushes) and flushes[i]:
                engine.finish_speech()
        for _ in range(60):
            await listening.push(4.0)
            if len(listening.final) == said and not plan:
                break
        await listening.end()
        assert listening.final == list(range(said)) or (given_up and sum(fails) >= 3)
        assert listening.final == sorted(set(listening.final)), "each once, and in order"
        assert listening.brackets == "()" * (len(listening.brackets) // 2)

    noting = logging.Handler(logging.ERROR)
    noting.emit = lambda record: given_up.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("voice.stt.recognition")
    logger.addHandler(noting)
    try:
        run(scenario())
    finally:
        logger.removeHandler(noting)
