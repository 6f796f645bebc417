"""What bad input gets: one clear line, exit code 2, nothing half written. Run as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulation.speech import PersonaVoice
from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[2]


def viva(*arguments: str, home: Path, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a home of its own."""
    return subprocess.run(
        [sys.executable, "-m", "agent.cli", *arguments],
        input=stdin, capture_output=True, text=True, cwd=ROOT, timeout=180,
        env={**os.environ, "VIVA_HOME": str(home), "VIVA_MEMORY": "sqlite", **env},
    )  # fmt: skip


def is_one_clear_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stderr + done.stdout
    assert done.stderr.startswith("viva: ") and done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    for word in words:
        assert word in done.stderr, done.stderr


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    soundfile.write(folder / "empty.wav", np.zeros(0), 16_000)
    soundfile.write(folder / "silence.wav", np.zeros(48_000), 16_000)
    soundfile.write(folder / "noise.wav", rng.standard_normal(48_000) * 0.05, 16_000)
    (folder / "text.mp3").write_text("this is no sound")
    speech = PersonaVoice("rms", 16_000).say("I deleted a customer table by accident, and told my manager at once.")
    soundfile.write(folder / "speech.wav", speech, 16_000)
    return folder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.wav", "no such file"),
        ("empty.wav", "zero length"),
        ("silence.wav", "silent"),
        ("noise.wav", "no speech"),
        ("text.mp3", "convert"),
    ],
)
@pytest.mark.parametrize("command", [("interview", "--answers"), ("analyse",)])
def test_recordings_that_are_no_answers(
    command: tuple[str, ...], name: str, words: str, sounds: Path, tmp_path: Path
) -> None:
    is_one_clear_line(viva(*command, str(sounds / name), home=tmp_path / "home"), name, words)
    assert not list((tmp_path).rglob("*.json")) and not list(tmp_path.rglob("*.raw"))


def test_a_good_file_beside_a_bad_one_starts_nothing(sounds: Path, tmp_path: Path) -> None:
    done = viva("interview", "--answers", str(sounds / "speech.wav"), str(sounds / "noise.wav"), home=tmp_path / "home")
    is_one_clear_line(done, "noise.wav")
    assert not (tmp_path / "home" / "sessions").exists()


def test_analyse_prints_only_json(sounds: Path, tmp_path: Path) -> None:
    done = viva("analyse", str(sounds / "speech.wav"), "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for key in ("duration", "speech", "silent_pauses", "filled_pauses", "words", "speech_rate", "articulation_rate",
                "pitch_sd_semitones", "confidence"):  # fmt: skip
        assert key in found
    assert {"word", "start", "end"} == set(found["words"][0])
    assert found["speech"][0]["start"] + 0.1 > 0 and found["speech"][-1]["end"] <= found["duration"] + 0.01
    assert not list(sounds.glob("*.png"))


def test_analyse_draws(sounds: Path, tmp_path: Path) -> None:
    done = viva("analyse", str(sounds / "speech.wav"), "--png", str(tmp_path / "a.png"), home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.png").stat().st_size > 5_000
    assert "articulation rate" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("interview",), "--answers"),
        (("interview", "--text", "--pack", "nothing"), "phone-screen"),
        (("interview", "--text", "--questions", "nothing"), "no question"),
        (("interview", "--resume", "nothing"), "no session"),
        (("report", "nothing"), "no session"),
        (("interview", "--persona", "nobody"), "sam"),
        (("demo", "--stt", "bogus"), "VIVA_STT"),
        (("demo", "--tts", "bogus"), "VIVA_TTS"),
        (("interview", "--text", "--probes", "99"), "VIVA_PROBES"),
    ],
)
def test_wrong_words_on_the_command_line(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    is_one_clear_line(viva(*arguments, home=tmp_path), words)


def test_a_broken_pack_names_file_and_line(tmp_path: Path) -> None:
    pack = tmp_path / "mine.yaml"
    pack.write_text("name: mine\ntitle: Mine\nlanguage: en\nquestions:\n  - id: one\n    text: Too little\n")
    is_one_clear_line(viva("interview", "--text", "--pack", str(pack), home=tmp_path), f"{pack}:5")


def test_a_redis_that_was_asked_for_and_is_not_there(tmp_path: Path) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    done = viva("interview", "--text", "--memory", "redis", home=tmp_path, VIVA_REDIS_URL=url)
    is_one_clear_line(done, "redis-server")
    auto = viva("interview", "--text", "--memory", "auto", home=tmp_path, stdin="skip\n" * 20, VIVA_REDIS_URL=url)
    assert auto.returncode == 0, auto.stderr


def test_a_whisper_or_coqui_that_was_asked_for_and_is_not_there(tmp_path: Path) -> None:
    done = viva("interview", "--persona", "sam", "--stt", "whisper", home=tmp_path, VIVA_STT_MODEL=str(tmp_path))
    is_one_clear_line(done, "VIVA_STT_MODEL" if _has("faster_whisper") else "faster-whisper")
    done = viva("interview", "--persona", "sam", "--tts", "coqui", home=tmp_path, VIVA_TTS_MODEL=str(tmp_path))
    is_one_clear_line(done, "config.json" if _has("TTS") else "Coqui")


def test_a_language_model_that_was_asked_for_without_its_address(tmp_path: Path) -> None:
    is_one_clear_line(viva("interview", "--persona", "sam", home=tmp_path, VIVA_LLM="openai"), "VIVA_LLM_URL")


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    is_one_clear_line(viva("interview", "--text", home=tmp_path / "file" / "home"), "VIVA_HOME")


def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    is_one_clear_line(viva("interview", "--text", home=tmp_path, VIVA_MIN_FREE_MB="999999999"), "free")


@pytest.mark.skipif(not shutil.which("unshare") or os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_disk_that_fills_up_during_the_call_keeps_the_session(tmp_path: Path) -> None:
    """A real full disk: a tmpfs of 3 MB, with the check at the start switched off."""
    home = tmp_path / "small"
    home.mkdir()
    script = (
        f"mount -t tmpfs -o size=3m none {home} && VIVA_HOME={home} VIVA_MIN_FREE_MB=0 VIVA_MEMORY=sqlite "
        f"{sys.executable} -m agent.cli interview --persona sam --count 1"
    )
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=180)
    if "mount:" in done.stderr:
        pytest.skip("mounting is not allowed here")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "space" in done.stderr.splitlines()[-1]


def test_a_typed_interview_ends_in_a_report(tmp_path: Path) -> None:
    answers = (
        "I deleted a table by accident and told my manager at once. We restored it.\nSince then I test on a copy.\n" * 5
    )
    done = viva("interview", "--text", "--questions", "mistake,slow-service", home=tmp_path, stdin=answers)
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-1]
    folder = Path(last.removeprefix("report: "))
    assert last.startswith("report: ") and (folder / "report.json").is_file() and (folder / "report.html").is_file()


def test_the_end_of_input_keeps_a_resumable_session(tmp_path: Path) -> None:
    first = viva(
        "interview",
        "--text",
        "--questions",
        "mistake,slow-service",
        home=tmp_path,
        stdin="I deleted a table by accident.\n",
    )
    assert first.returncode == 130
    session = first.stdout.split("--resume ")[1].split()[0]
    second = viva("interview", "--resume", session, home=tmp_path, stdin="I told my manager at once.\n" * 6)
    assert second.returncode == 0, second.stderr
    assert "cut off" in second.stdout
    report = json.loads(
        (Path(second.stdout.strip().splitlines()[-1].removeprefix("report: ")) / "report.json").read_text()
    )
    said = [s["text"] for q in report["questions"] for e in q["exchanges"] for s in e["sentences"]]
    assert said[0] == "I deleted a table by accident." and report["outcome"] == "completed"


def test_ctrl_c_closes_cleanly_and_leaves_a_resumable_session(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "agent.cli", "interview", "--persona", "sam"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "VIVA_HOME": str(tmp_path), "VIVA_MEMORY": "sqlite", "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout
    for line in process.stdout:
        if "agent: Hello" in line:
            break
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "--resume" in out and "Traceback" not in err
    raw = next(tmp_path.rglob("recording.raw"))
    assert raw.stat().st_size > 24_000 * 4 * 2


def test_doctor_says_which_why_and_what_to_do(tmp_path: Path) -> None:
    done = viva("doctor", home=tmp_path)
    assert done.returncode == 0, done.stderr
    for word in ("silero", "v1-mini", "speech to text", "text to speech", "sqlite"):
        assert word in done.stdout


def _has(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


def test_up_says_what_is_in_the_way(tmp_path: Path) -> None:
    keys = {"LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s" * 32}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = viva("up", "--port", str(taken.getsockname()[1]), home=tmp_path, **keys)
    is_one_clear_line(done, "in use", "--port")
    bare = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    is_one_clear_line(viva("up", home=tmp_path, **bare), "docker compose up", "LIVEKIT_URL", "Go")
    for command in ("worker", "api"):
        is_one_clear_line(viva(command, home=tmp_path), "LIVEKIT_API_KEY", "viva up")
