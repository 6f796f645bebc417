"""Bad input gets one clear line, exit code 2, and nothing half written. Run as a user would."""

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

import docx
import numpy as np
import pytest
import soundfile

from agent.call.recording import Recording
from simulation.speech import PersonaVoice
from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[2]


def viva(*arguments: str, home: Path, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command with its own home."""
    return subprocess.run(
        [sys.executable, "-m", "agent.cli.main", *arguments],
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
    is_one_clear_line(viva("interview", "--persona", "sam", home=tmp_path, VIVA_LLM="openai"), "VIVA_LLM_MODEL")


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    is_one_clear_line(viva("interview", "--text", home=tmp_path / "file" / "home"), "VIVA_HOME")


def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    is_one_clear_line(viva("interview", "--text", home=tmp_path, VIVA_MIN_FREE_MB="999999999"), "free")


SMALL_DISK = pytest.mark.skipif(
    not shutil.which("unshare") or os.geteuid() != 0, reason="needs root to mount a small disk"
)


def on_a_small_disk(home: Path, size: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with a real small disk at `home` and no check for free space; `viva` in it is ours."""
    home.mkdir()
    env = {
        **os.environ,
        "HOME_DISK": str(home),
        "VIVA_HOME": str(home),
        "VIVA_MIN_FREE_MB": "0",
        "VIVA_MEMORY": "sqlite",
    }
    head = f'mount -t tmpfs -o size={size} none "$HOME_DISK" || exit 99\nviva() {{ {sys.executable} -m agent.cli.main "$@"; }}\n'
    command = ["unshare", "-m", "sh", "-c", head + script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=240, env=env)
    if done.returncode == 99:
        pytest.skip("mounting is not allowed here")
    return done


@SMALL_DISK
def test_a_disk_that_fills_up_keeps_the_session_and_it_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """Typed: full after the first answer, so that the second cannot be stored; then there is room again."""
    script = """
    mkfifo "$HOME_DISK.in"
    viva interview --text --questions mistake,slow-service --probes 0 < "$HOME_DISK.in" > "$HOME_DISK.out" 2> "$HOME_DISK.err" &
    exec 3> "$HOME_DISK.in"
    echo "I deleted a table by accident, told my manager at once, and we restored it from a copy." >&3
    for i in $(seq 600); do [ "$(grep -c '^> ' "$HOME_DISK.out")" -ge 2 ] && break; sleep 0.1; done
    cat /dev/zero > "$HOME_DISK/filler" 2> /dev/null
    echo "The kitchen was slow, so I moved two cooks to the pass and it was quick again." >&3
    exec 3>&-
    wait %1; echo "rc $?"
    rm "$HOME_DISK/filler"
    session=$(ls "$HOME_DISK/sessions")
    echo "The kitchen was slow, so I moved two cooks to the pass." | viva interview --resume "$session" || exit 1
    cat "$HOME_DISK/sessions/$session/report/report.json"
    """
    done = on_a_small_disk(tmp_path / "small", "6m", script)
    assert done.returncode == 0, done.stdout + done.stderr
    told = (tmp_path / "small.err").read_text()
    assert "rc 2" in done.stdout and told.startswith("viva: ") and told.count("\n") == 1 and "space" in told, told
    assert "--resume" in (tmp_path / "small.out").read_text() and "cut off" in done.stdout
    report = json.loads(done.stdout[done.stdout.index("{") :])
    said = [s["text"] for q in report["questions"] for e in q["exchanges"] for s in e["sentences"]]
    assert said[0].startswith("I deleted a table by accident") and "two cooks" in said[-1]
    assert report["outcome"] == "completed"


@SMALL_DISK
def test_a_disk_without_room_for_the_sound_ends_no_call_and_loses_no_word(tmp_path: Path) -> None:
    script = """
    viva interview --persona sam --count 1 --probes 0 --out "$HOME_DISK.report" >&2
    echo "rc $?"
    """
    done = on_a_small_disk(tmp_path / "small", "3m", script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rc 0" in done.stdout and "are not in the recording" in done.stderr, done.stderr
    report = json.loads((tmp_path / "small.report" / "report.json").read_text())
    assert report["outcome"] == "completed" and report["duration"] > 10.0, "the clock went on"
    assert [e for q in report["questions"] for e in q["exchanges"] if e["sentences"]]


def test_out_is_refused_before_the_interview_not_after_it(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    for command in (("interview", "--text"), ("demo",), ("report", "x"), ("retry", "x", "y", "--text")):
        is_one_clear_line(
            viva(*command, "--out", str(mine), home=tmp_path / "home", stdin="skip\n" * 9), "--out", "mine"
        )
    assert not (tmp_path / "home" / "sessions").exists() and (mine / "thesis.tex").read_text() == "years of work"
    chosen = tmp_path / "chosen"
    for _ in range(2):
        done = viva(
            "interview", "--text", "--count", "1", "--out", str(chosen), home=tmp_path / "home", stdin="skip\n" * 9
        )
        assert done.returncode == 0 and done.stdout.strip().endswith(f"report: {chosen}"), done.stderr


def test_analyse_destroys_nothing(sounds: Path, tmp_path: Path) -> None:
    speech = tmp_path / "speech.wav"
    shutil.copy(sounds / "speech.wav", speech)
    (tmp_path / "speech.TextGrid").write_text("set by hand")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    for arguments in (("--png", str(speech)), ("--png", str(tmp_path / "x.doc")), ("--out", str(tmp_path))):
        is_one_clear_line(viva("analyse", str(speech), *arguments, home=tmp_path / "home"), arguments[0])
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before


def test_a_recording_that_is_cut_off_is_told(sounds: Path, tmp_path: Path) -> None:
    data = (sounds / "speech.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(data[: len(data) * 7 // 10])
    done = viva("analyse", str(tmp_path / "cut.wav"), "--json", home=tmp_path)
    assert done.returncode == 0 and "are missing" in done.stderr
    assert any("are missing" in note for note in json.loads(done.stdout)["notes"])


def test_a_typed_interview_ends_in_a_report(tmp_path: Path) -> None:
    answers = (
        "I deleted a table by accident and told my manager at once. We restored it.\nSince then I test on a copy.\n" * 5
    )
    done = viva("interview", "--text", "--questions", "mistake,slow-service", home=tmp_path, stdin=answers)
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-1]
    folder = Path(last.removeprefix("report: "))
    assert last.startswith("report: ") and (folder / "report.json").is_file() and (folder / "report.html").is_file()


def test_a_practice_is_talked_about_and_tried_again(tmp_path: Path) -> None:
    weak = "I deleted a customer table by accident and I told my manager at once, and that was a bad day for us.\n"
    first = viva(
        "interview", "--text", "--questions", "mistake", "--probes", "0", "--name", "Kim", home=tmp_path, stdin=weak
    )
    session = Path(first.stdout.strip().splitlines()[-1].removeprefix("report: ")).parent.name
    talk = viva("coach", session, home=tmp_path, stdin="why question 1?\nraise my score to 5\n\n")
    told = " ".join(talk.stdout.split())
    assert talk.returncode == 0 and "a person rates" in told and "There is no rating that I could change" in told
    strong = "I deleted a table, noticed it by an alert, told my manager, restored it in forty minutes, and since then we have a checklist.\n"
    again = viva("retry", session, "mistake", "--text", "--probes", "0", home=tmp_path, stdin=strong * 4)
    assert again.returncode == 0, again.stderr
    folder = Path(again.stdout.strip().splitlines()[-1].removeprefix("report: "))
    comparison = json.loads((folder / "comparison.json").read_text())
    assert comparison["earlier_session"] == session and comparison["summary"] in " ".join(again.stdout.split())
    is_one_clear_line(viva("retry", session, "nothing", "--text", home=tmp_path), "was not asked", "mistake")
    is_one_clear_line(viva("coach", "nobody", home=tmp_path), "no report", "nobody")
    hiring = viva(
        "interview", "--text", "--mode", "screen", "--questions", "mistake", "--probes", "0", home=tmp_path, stdin=weak
    )
    screened = Path(hiring.stdout.strip().splitlines()[-1].removeprefix("report: ")).parent.name
    is_one_clear_line(viva("coach", screened, home=tmp_path), "practice")
    is_one_clear_line(viva("retry", screened, "mistake", "--text", home=tmp_path), "practice")


def test_a_plan_from_a_resume_and_a_job(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Reduced nightly load time by 60% with Airflow")
    document.save(str(tmp_path / "resume.docx"))
    (tmp_path / "job.txt").write_text(
        "Data engineer: Kafka, Iceberg, streaming pipelines, partitioning, warehouse, data quality."
    )
    done = viva(
        "interview", "--text", "--job", str(tmp_path / "job.txt"), "--resume-file", str(tmp_path / "resume.docx"), "--minutes", "12",
        home=tmp_path, stdin="skip\n" * 12,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(
        (Path(done.stdout.strip().splitlines()[-1].removeprefix("report: ")) / "report.json").read_text()
    )
    assert "reduced nightly load time by 60%" in report["questions"][0]["text"]
    assert any(q["kind"] == "technical" for q in report["questions"])
    for bad, words in ((b"PK\x03\x04 no docx", "DOCX"), (b"\xff\xfe\x00\x80\x81", "UTF-8"), (b"  ", "no text")):
        (tmp_path / "bad").write_bytes(bad)
        is_one_clear_line(viva("interview", "--text", "--job", str(tmp_path / "bad"), home=tmp_path), words)
    is_one_clear_line(viva("interview", "--text", "--domain", "alchemy", home=tmp_path), "alchemy", "data-engineering")
    is_one_clear_line(
        viva("interview", "--text", "--job", str(tmp_path / "none.pdf"), home=tmp_path), "none.pdf", "check the path"
    )


def test_packs_are_listed_begun_checked_and_shown(tmp_path: Path) -> None:
    pack = str(tmp_path / "night-shift.yaml")
    assert viva("pack", "new", pack, home=tmp_path).returncode == 0
    assert "nothing to remark" in viva("pack", "lint", pack, home=tmp_path).stdout
    assert "listens for" in viva("pack", "preview", pack, home=tmp_path).stdout
    assert "screen-nurse" in viva("pack", "list", home=tmp_path, COLUMNS="120").stdout
    is_one_clear_line(viva("pack", "new", pack, home=tmp_path), "is there already")
    Path(pack).write_text(
        Path(pack).read_text().replace("How did the day end for the others?", "Was it not great, right?")
    )
    found = viva("pack", "lint", pack, home=tmp_path)
    line = Path(pack).read_text().splitlines().index("  - id: first-question") + 1
    assert found.returncode == 1 and f"{pack}:{line}: first-question: probe" in found.stdout


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
        [sys.executable, "-m", "agent.cli.main", "interview", "--persona", "sam"],
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
    assert Recording(next((tmp_path / "sessions").iterdir())).seconds > 2.0


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
