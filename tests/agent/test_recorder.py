"""One file per lease token: a process that lost the session cannot write into its successor's recording, and a failing
disk does not end the call."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from agent.call import recording as module
from agent.call.recording import RATE, RETRY, Recorder, Recording, write_wav
from memory.store import LeaseLost
from voice.audio import Samples, from_int16

TICK = 480


def tick(value: int) -> Samples:
    """20 ms of one 16-bit value."""
    return from_int16(np.full(TICK, value, np.int16)) * 32768.0 / 32767.0


def record(recorder: Recorder, *values: int) -> None:
    for value in values:
        recorder.write(tick(value), tick(-value))


def heard(folder: Path) -> list[int]:
    """The candidate's side, one number per tick."""
    return [int(v) for v in Recording(folder).stereo(0, 10**9)[::TICK, 0]]


def test_a_stopped_and_continued_process_does_not_write_into_its_successors_recording(tmp_path: Path) -> None:
    stopped = Recorder(tmp_path, 3)
    record(stopped, 1, 2, 3)
    successor = Recorder(tmp_path, 4)
    record(successor, 4, 5)
    record(stopped, 90, 91, 92, 93)  # SIGCONT
    record(successor, 6)
    stopped.close()
    successor.close()
    assert heard(tmp_path) == [1, 2, 3, 4, 5, 6]
    assert Recording(tmp_path).ignored == pytest.approx(4 * TICK / RATE), "and it is told"
    names = sorted(path.name for path in (tmp_path / "recording").iterdir())
    assert names == ["000003-000000000000.raw", "000004-000000001440.raw"]
    with pytest.raises(LeaseLost):
        Recorder(tmp_path, 3)
    record(later := Recorder(tmp_path, 5), 7)
    later.close()
    assert heard(tmp_path) == [1, 2, 3, 4, 5, 6, 7]


def test_a_session_from_before_there_were_pieces_goes_on(tmp_path: Path) -> None:
    old = np.repeat(np.array([[1, -1], [2, -2]], np.int16), TICK, axis=0)
    (tmp_path / "recording.raw").write_bytes(old.tobytes() + b"x")  # and half a sample from a crash
    recorder = Recorder(tmp_path, 2)
    assert recorder.start == 2 * TICK
    record(recorder, 3)
    recorder.close()
    assert heard(tmp_path) == [1, 2, 3]


def test_where_the_log_knows_more_than_the_disk_there_is_silence(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 1)
    record(recorder, 1)
    recorder.close()
    recorder = Recorder(tmp_path, 2, at_least=3 * TICK / RATE)
    record(recorder, 4)
    recorder.close()
    assert heard(tmp_path) == [1, 0, 0, 4]


@given(
    counts=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=5),
    part=st.tuples(st.integers(-50, 4000), st.integers(-50, 4000)),
)
def test_any_part_is_read_as_the_whole_has_it(
    counts: list[tuple[int, int]], part: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`counts`: of each holder, the ticks before the next one came, and those after."""
    folder = tmp_path_factory.mktemp("session")
    value, expected, open_ = 0, list[int](), list[Recorder]()
    for token, (count, _) in enumerate(counts):
        open_.append(recorder := Recorder(folder, token))
        for _ in range(count):
            value += 1
            record(recorder, value)
            expected.append(value)
    for recorder, (_, late) in zip(open_[:-1], counts, strict=False):
        record(recorder, *[999] * late)
    for recorder in open_:
        recorder.close()
    recording = Recording(folder)
    whole = np.concatenate([*recording.blocks(1000), np.zeros((0, 2), np.int16)])
    assert [int(v) for v in whole[::TICK, 0]] == expected and recording.length == len(expected) * TICK
    start, end = (min(max(0, p), recording.length) for p in part)
    assert np.array_equal(recording.stereo(*part), whole[start:end])
    assert np.array_equal(recording.candidate[start:end], from_int16(whole[start:end, 0]))


def test_the_wav_is_the_recording(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 1)
    record(recorder, *range(1, 1100))  # longer than a block
    recorder.close()
    write_wav(Recording(tmp_path), tmp_path / "a.wav")
    found, rate = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert rate == RATE and np.array_equal(found, Recording(tmp_path).stereo(0, 10**9))


def test_a_disk_that_fails_ends_neither_the_call_nor_its_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    recorder = Recorder(tmp_path, 1)
    with caplog.at_level(logging.WARNING, "agent.call.recording"):
        monkeypatch.setattr(os, "fsync", failing)
        record(recorder, *[1] * 50)
        recorder._disk.submit(lambda: None).result()  # the sync was tried
        record(recorder, *[2] * 50)
        assert recorder.seconds == pytest.approx(100 * TICK / RATE)
        assert "Input/output error" in recorder.problem and recorder.missing == pytest.approx(1.0)
        monkeypatch.undo()
        record(recorder, *[3] * round(RETRY * 50))
        assert recorder.problem == "" and recorder.missing < RETRY + 1.0
        recorder.close()
    assert [r.levelname for r in caplog.records] == ["ERROR", "WARNING"], "told once, and that it is over"
    found = heard(tmp_path)
    assert len(found) == 100 + RETRY * 50 and found[:50] == [1] * 50 and found[50] == 0 and found[-1] == 3


def test_a_failing_disk_is_told_at_the_end_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    recorder = Recorder(tmp_path, 1)
    record(recorder, 1, 2)
    monkeypatch.setattr(os, "fsync", failing)
    recorder.close()
    recorder.close()
    assert len([r for r in caplog.records if "Input/output" in r.getMessage()]) == 1
    assert heard(tmp_path) == [1, 2]


def test_room_is_left_for_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path, 1)
    monkeypatch.setattr(module, "RESERVE", 2**70)
    record(recorder, *[1] * 50)
    recorder._disk.submit(lambda: None).result()
    record(recorder, 2)
    assert recorder.problem and recorder.missing == pytest.approx(TICK / RATE)
    recorder.close()
    assert heard(tmp_path) == [1] * 50 + [0], "the clock of the session is kept all the same"


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    from agent.errors import UserError

    (tmp_path / "recording").write_text("in the way")
    with pytest.raises(UserError, match="VIVA_HOME"):
        Recorder(tmp_path, 1)


def test_a_full_disk_is_told_as_one_when_the_wav_is_written(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 1)
    record(recorder, *range(1, 200))
    recorder.close()
    with pytest.raises(OSError, match="No space"):
        write_wav(Recording(tmp_path), Path("/dev/full"))
