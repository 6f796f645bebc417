"""Resuming a cut session: the cut is logged, and what was recorded but not yet recognised is recognised."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from agent.call.journal import Journal
from agent.call.recording import RATE, Recorder, Recording
from agent.call.recovery import Entry, take_up, take_up_typed
from agent.engines.measuring import READ, Answer, measure_answer
from agent.reporting.write_up import measure_missing
from dialogue.state import State, fold
from memory.events import (
    Answered,
    AnyEvent,
    Asked,
    Consented,
    Created,
    Heard,
    Measured,
    Noted,
    Resumed,
    Said,
    Spoken,
    Yielded,
)
from memory.records import Delivery, Word
from memory.sqlite_store import SqliteStore
from memory.store import LeaseLost
from simulation.speech import PersonaVoice, RoomTone
from tests.dialogue.helpers import agreed
from voice.audio import SPEECH_RATE, Samples
from voice.words import TimedWord

ASKED_AT, SPOKEN_UNTIL = 1.0, 3.0  # s
DIED = 1000.0  # unix s


class Scripted:
    """Knows what it will be played; gives a word for each piece of speech and records its length."""

    name, max_window = "scripted", 30.0

    def __init__(self) -> None:
        self.pieces: list[float] = []

    def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
        self.pieces.append(len(samples) / SPEECH_RATE)
        return [TimedWord(f"word{len(self.pieces)}", 0.3, 0.8)]


@pytest.fixture(scope="module")
def speech() -> Samples:
    return PersonaVoice("slt", RATE).say("I told my manager at once and then we repaired it")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "s.db")
    yield opened
    await opened.close()


def begun() -> list[AnyEvent]:
    """The events until the candidate has the floor."""
    interview = agreed(["mistake", "slow-service"], probes=0)
    first = interview.questions[0]
    return [
        Created(at=0, interview=interview),
        Consented(at=0, by="test", text_version="1", scope=["recording"]),
        Said(at=0, t=0, purpose="greeting", text="Hello."),
        Asked(at=0, t=ASKED_AT, turn=0, question=first.id, text=first.text, why="first"),
        Spoken(at=0, t=ASKED_AT, turn=0, end=SPOKEN_UNTIL, text=first.text),
    ]


async def journal_of(store: SqliteStore, events: list[AnyEvent]) -> Journal:
    """The journal after another process wrote `events` and died, and this one took the lease."""
    if not await store.sessions():
        before = await store.acquire("test", "the dead", 1.0)
        await store.append(before, events, 0)
        await store.release(before)
    lease = await store.acquire("test", "the living", 30.0)
    found = await store.read("test")
    return Journal(store, lease, fold(found), length=len(found))


def recorded(folder: Path, token: int, *parts: Samples) -> None:
    """Write a recording tick by tick, as a call does, with room tone where there is no speech."""
    sound = np.concatenate(parts)
    sound = (sound + RoomTone().next(len(sound))).astype(np.float32)
    recorder = Recorder(folder, token)
    for at in range(0, len(sound), RATE // 50):
        tick = sound[at : at + RATE // 50]
        recorder.write(tick, np.zeros_like(tick))
    recorder.close()
    os.utime(Recording(folder).pieces[-1].path, (DIED, DIED))


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def entry(at: float, cause: str = "takeover", last: float | None = None) -> Entry:
    return Entry("me", {"stt": "scripted"}, cause, last, wall=lambda: at)  # type: ignore[arg-type]


async def test_what_was_recorded_and_not_understood_is_heard(
    store: SqliteStore, tmp_path: Path, speech: Samples
) -> None:
    recorded(tmp_path, 1, silence(5.0), speech, silence(1.0))
    journal, decoder = await journal_of(store, begun()), Scripted()
    recorder = await take_up(journal, tmp_path, decoder, entry(DIED + 7.0, last=DIED - 20.0))
    length = 6.0 + len(speech) / RATE
    assert recorder.start / RATE == pytest.approx(length) and recorder.token == journal.token == 2
    recorder.close()
    heard, resumed = (await store.read("test"))[-2:]
    assert resumed.kind == "resumed" and resumed.t == pytest.approx(length) and resumed.gap == pytest.approx(7.0)
    assert (resumed.cause, resumed.owner, resumed.engines) == ("takeover", "me", {"stt": "scripted"})
    assert isinstance(heard, Heard) and heard.text == "word1" and heard.turn == 0
    assert heard.t == pytest.approx(5.0 - 0.2 + 0.3, abs=0.15), "on the session's clock"
    assert len(decoder.pieces) == 1 and decoder.pieces[0] == pytest.approx(len(speech) / RATE + 0.4, abs=0.3)


async def test_only_what_comes_after_the_last_words_is_read_again(
    store: SqliteStore, tmp_path: Path, speech: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(tmp_path, 1, silence(5.0), speech, silence(60.0), speech, silence(1.0))
    understood = 5.0 + len(speech) / RATE
    piece = Heard(
        at=0, t=5.0, turn=0, text="x", words=[Word(text="x", start=5.0, end=understood)], end=understood + 50.0
    )
    journal, decoder = await journal_of(store, [*begun(), piece]), Scripted()
    read: list[tuple[int, int]] = []
    stereo = Recording.stereo

    def counted(self: Recording, start: int, end: int) -> object:
        read.append((start, end))
        return stereo(self, start, end)

    monkeypatch.setattr(Recording, "stereo", counted)
    (await take_up(journal, tmp_path, decoder, entry(DIED, "rejoin"))).close()
    assert len(decoder.pieces) == 1, "what was understood is not heard twice"
    assert min(start for start, _ in read) >= round((understood + 50.0) * RATE)
    assert [e.kind for e in await store.read("test")][-2:] == ["heard", "resumed"]


async def test_on_both_sides_of_an_earlier_cut_it_is_listened_to_apart(
    store: SqliteStore, tmp_path: Path, speech: Samples
) -> None:
    """A log of before may hold a cut, and nothing of what came before it."""
    recorded(tmp_path, 1, silence(4.0), speech[: len(speech) // 2])
    journal = await journal_of(store, begun())
    await journal.write(Resumed(at=DIED + 1, t=Recording(tmp_path).seconds, gap=1.0, owner="me"))
    recorded(tmp_path, journal.token, speech[len(speech) // 2 :], silence(1.0))
    await journal.release()
    decoder = Scripted()
    journal = await journal_of(store, [])
    (await take_up(journal, tmp_path, decoder, entry(DIED + 9))).close()
    pieces = [e for e in await store.read("test") if isinstance(e, Heard)]
    cut = 4.0 + len(speech[: len(speech) // 2]) / RATE
    assert len(pieces) == len(decoder.pieces) == 2
    assert pieces[0].t < cut <= pieces[1].t, "words do not stretch over the cut"


async def test_where_people_had_the_floor_it_is_a_note(store: SqliteStore, tmp_path: Path, speech: Samples) -> None:
    recorded(tmp_path, 1, silence(5.0), speech, silence(1.0))
    journal = await journal_of(store, [*begun(), Yielded(at=0, t=3.5, to="panel", by="panel")])
    (await take_up(journal, tmp_path, Scripted(), entry(DIED))).close()
    last = (await store.read("test"))[-2]
    assert isinstance(last, Noted) and last.text == "word1"


async def test_silence_and_coughs_are_no_answer(store: SqliteStore, tmp_path: Path, speech: Samples) -> None:
    recorded(tmp_path, 1, silence(5.0), speech[: round(0.15 * RATE)], silence(2.0))
    journal, decoder = await journal_of(store, begun()), Scripted()
    (await take_up(journal, tmp_path, decoder, entry(DIED))).close()
    assert decoder.pieces == [] and (await store.read("test"))[-1].kind == "resumed"


async def test_a_session_that_never_began_has_no_cut(store: SqliteStore, tmp_path: Path) -> None:
    journal = await journal_of(store, begun()[:2])
    (await take_up(journal, tmp_path, Scripted(), entry(5.0))).close()
    assert [e.kind for e in await store.read("test")][2:] == ["started"]
    assert journal.state.engines == {"stt": "scripted"} and not journal.state.holes


async def test_a_typed_one_is_taken_up_without_sound(store: SqliteStore) -> None:
    journal = await journal_of(store, begun())
    await take_up_typed(journal, entry(50.0, last=20.0))
    last = (await store.read("test"))[-1]
    assert last.kind == "resumed" and last.gap == 30.0


async def test_who_has_lost_the_session_records_nothing(store: SqliteStore, tmp_path: Path) -> None:
    journal = await journal_of(store, begun())
    (later := Recorder(tmp_path, journal.token + 1)).close()
    with pytest.raises(LeaseLost):
        await take_up(journal, tmp_path, Scripted(), entry(DIED))
    assert [p.path for p in Recording(tmp_path).pieces] == [
        later.folder / "recording" / f"{later.token:06d}-{0:012d}.raw"
    ]


async def test_what_a_crash_left_unmeasured_is_measured_from_its_part_of_the_recording(
    store: SqliteStore, tmp_path: Path, speech: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pieces of a stated size, from the cut before it on, and no further than needed."""
    recorded(tmp_path, 1, silence(40.0))
    recorded(tmp_path, 2, silence(12.0), speech, silence(100.0))
    begins, ends = 52.0, 52.0 + len(speech) / RATE
    texts = "I told my manager at once and then we repaired it".split()
    step = (ends - begins) / len(texts)
    words = [
        Word(text=w, start=round(begins + i * step, 3), end=round(begins + (i + 1) * step, 3))
        for i, w in enumerate(texts)
    ]
    answer = Heard(at=9.0, t=begins, turn=0, text=" ".join(texts), words=words, end=ends)
    events = [*begun(), answer, Answered(at=9.0, turn=0)]
    journal = await journal_of(store, events)
    journal.state = State(**{**journal.state.__dict__, "holes": ((40.0, 1.0),)})
    read: list[tuple[int, int]] = []
    stereo = Recording.stereo

    def counted(self: Recording, start: int, end: int) -> object:
        read.append((start, end))
        return stereo(self, start, end)

    monkeypatch.setattr(Recording, "stereo", counted)
    given: list[Answer] = []

    def measuring(answer: Answer) -> Delivery:
        given.append(answer)
        return measure_answer(answer)

    await measure_missing(journal, Recording(tmp_path), measuring)
    last = (await store.read("test"))[-1]
    assert isinstance(last, Measured) and last.delivery.start == pytest.approx(begins, abs=0.1)
    assert len(given[0].samples) == round((words[-1].end + 0.5 - (begins - 0.6)) * SPEECH_RATE)
    assert min(a for a, _ in read) == 40 * RATE and max(b for _, b in read) < (ends + READ + 5.0) * RATE
    assert max(b - a for a, b in read) <= READ * RATE


async def test_an_answer_that_cannot_be_measured_costs_its_numbers_not_the_report(
    store: SqliteStore, tmp_path: Path
) -> None:
    word = Word(text="gone", start=5.0, end=6.0)
    answer = Heard(at=9.0, t=5.0, turn=0, text="gone", words=[word], end=6.0)
    journal = await journal_of(store, [*begun(), answer, Answered(at=9.0, turn=0)])

    def broken(answer: Answer) -> Delivery:
        raise ZeroDivisionError

    await measure_missing(journal, Recording(tmp_path), broken)
    await measure_missing(journal, Recording(tmp_path))  # nothing was recorded at all
