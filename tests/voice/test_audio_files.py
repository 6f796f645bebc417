"""Recordings as phones, browsers and meeting tools make them: cut off, damaged, or with channels that cancel out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voice.audio import Audio, AudioError, Samples, level_dbfs, load

SECONDS = 3.0
RATES = {"amr": 8_000, "3gp": 8_000, "wma": 44_100}
KINDS = ("wav", "flac", "mp3", "ogg", "aiff", "m4a", "mp4", "webm", "amr", "3gp", "aac", "wma", "ac3.wav")
COUNTED = ("wav", "flac", "mp3")  # formats whose header gives the length and that play from the beginning
FORMATS = {"wav": "WAV", "flac": "FLAC", "mp3": "MP3", "ogg": "OGG", "aiff": "AIFF"}
CODECS = {
    "m4a": "aac",
    "mp4": "aac",
    "webm": "libopus",
    "aac": "aac",
    "wma": "wmav2",
    "ac3.wav": "ac3",
    "amr": "libopencore_amrnb",
    "3gp": "libopencore_amrnb",
}


def tone(rate: int, seconds: float = SECONDS) -> Samples:
    """440 Hz, loud only in its second half, so that the beginning cannot be mistaken for the end."""
    at = np.arange(round(rate * seconds)) / rate
    return (np.sin(2 * np.pi * 440 * at) * np.where(at < seconds / 2, 0.05, 0.3)).astype(np.float32)


def encode(path: Path, codec: str, rate: int, sound: Samples, *, video: bool = False) -> None:
    """Encode mono `sound` with FFmpeg, in the container given by the path's name."""
    with av.open(str(path), "w", format="adts" if path.suffix == ".aac" else None) as container:
        if video:
            container.add_stream("mpeg4", rate=5, width=32, height=32, pix_fmt="yuv420p")  # type: ignore[call-overload]
        stream = container.add_stream(codec, rate=rate)
        stream.layout = "mono"  # type: ignore[union-attr]
        stream.bit_rate = 12_200 if "amr" in codec else 64_000  # type: ignore[union-attr]
        frame = av.AudioFrame.from_ndarray((sound * 32767).astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
        context = stream.codec_context
        sizes = av.AudioResampler(context.format.name, "mono", rate, frame_size=context.frame_size or 1024)  # type: ignore[union-attr]
        for part in [*sizes.resample(frame), *sizes.resample(None)]:
            container.mux(stream.encode(part))  # type: ignore[union-attr,arg-type]
        container.mux(stream.encode(None))  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sounds")
    made = {}
    for kind in KINDS:
        path, rate = folder / f"a.{kind}", RATES.get(kind, 48_000)
        if kind in FORMATS:
            soundfile.write(path, tone(rate), rate, format=FORMATS[kind])
        else:
            encode(path, CODECS[kind], rate, tone(rate))
        made[kind] = path
    return made


def is_the_tone(audio: Audio, share: float = 1.0) -> bool:
    assert audio.duration == pytest.approx(SECONDS * share, abs=0.15)
    spectrum = np.abs(np.fft.rfft(audio.at(16_000).samples))
    peak = int(spectrum.argmax()) / len(spectrum) * 8_000
    return abs(peak - 440.0) < 5.0 and level_dbfs(audio.samples) > -35.0


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read(kind: str, files: dict[str, Path], tmp_path: Path) -> None:
    found = load(files[kind])
    assert is_the_tone(found) and found.missing == 0.0 and found.warning == ""
    (tmp_path / "a.recording").write_bytes(files[kind].read_bytes())
    assert is_the_tone(load(tmp_path / "a.recording")), "by what it is, not by what it is called"


@pytest.mark.parametrize("kind", COUNTED)
def test_a_recording_that_is_cut_off_says_how_much_is_missing(
    kind: str, files: dict[str, Path], tmp_path: Path
) -> None:
    data = files[kind].read_bytes()
    (tmp_path / "a").write_bytes(data[: round(len(data) * 0.6)])
    found = load(tmp_path / "a")
    assert 1.0 < found.duration < 2.4 and found.duration + found.missing == pytest.approx(SECONDS, abs=0.1)
    assert f"{found.missing:.1f} s of the 3.0 s" in found.warning


def test_a_wav_from_a_pipe_does_not_know_how_long_it_is_and_is_whole(files: dict[str, Path], tmp_path: Path) -> None:
    data = bytearray(files["wav"].read_bytes())
    at = data.index(b"data") + 4
    for size in (0xFFFFFFFF, 0xFFFFFFDB):
        data[at : at + 4] = size.to_bytes(4, "little")
        (tmp_path / "a.wav").write_bytes(data)
        assert load(tmp_path / "a.wav").missing == 0.0


def test_an_mp3_without_a_count_is_whole(files: dict[str, Path], tmp_path: Path) -> None:
    data = files["mp3"].read_bytes()
    assert b"Xing" in data[:300]
    (tmp_path / "a.mp3").write_bytes(data[data.index(data[:2], 4) :])
    assert load(tmp_path / "a.mp3").missing == 0.0


@pytest.mark.parametrize("other", [-1.0, -0.9, -0.98])
def test_sides_that_cancel_each_other_out_are_not_silence(other: float, tmp_path: Path) -> None:
    sound = tone(16_000)
    stereo = np.stack([sound, other * sound + 1e-4 * np.random.default_rng(0).standard_normal(len(sound))], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, 16_000)
    found = load(tmp_path / "a.wav")
    assert level_dbfs(found.samples) == pytest.approx(level_dbfs(sound), abs=0.2)


def test_sides_that_do_not_are_mixed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    left, right = (0.1 * rng.standard_normal((2, 16_000))).astype(np.float32)
    for sides in ((left, right), (left, left), (left, 0 * left), (left, right, -right)):
        stereo = np.stack(sides, axis=1)
        soundfile.write(tmp_path / "a.wav", stereo, 16_000, subtype="FLOAT")
        assert np.allclose(load(tmp_path / "a.wav").samples, stereo.mean(axis=1), atol=1e-6)


def test_a_film_without_sound_and_other_files(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match="no sound"):
        load(tmp_path / "a.mp4")
    other = tmp_path / "secret.wav"
    soundfile.write(other, tone(16_000), 16_000)
    (tmp_path / "list.m4a").write_text(f"#EXTM3U\n#EXTINF:3,\n{other}\n")
    (tmp_path / "list.ffconcat").write_text(f"ffconcat version 1.0\nfile {other}\n")
    for name in ("list.m4a", "list.ffconcat"):
        with pytest.raises(AudioError, match="convert it"):
            load(tmp_path / name)
    with pytest.raises(AudioError, match="check the path"):
        load(tmp_path)


def test_a_rate_that_no_recording_has(files: dict[str, Path], tmp_path: Path) -> None:
    data = bytearray(files["wav"].read_bytes())
    data[24:28] = (2**31 - 1).to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(AudioError, match="header"):
        load(tmp_path / "a.wav")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    cut=st.floats(0.0, 1.0),
    damage=st.lists(st.tuples(st.floats(0.0, 0.999), st.integers(0, 255)), max_size=12),
)
def test_broken_files_are_read_as_far_as_they_go_or_are_one_clear_line(
    kind: str, cut: float, damage: list[tuple[float, int]], files: dict[str, Path], tmp_path: Path
) -> None:
    data = bytearray(files[kind].read_bytes())
    for where, value in damage:
        data[round(where * (len(data) - 1))] = value
    path = tmp_path / f"broken.{kind}"
    path.write_bytes(data[: round(cut * len(data))])
    try:
        found = load(path)
    except AudioError as error:
        assert "\n" not in str(error) and str(path) in str(error)
    else:
        assert found.samples.ndim == 1 and found.samples.dtype == np.float32 and np.isfinite(found.samples).all()
        assert len(found.samples) and found.missing >= 0.0
