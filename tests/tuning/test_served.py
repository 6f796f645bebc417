"""From a trained adapter to a spoken question: served in a whole interview, evaluated, gated, promoted, rated, learnt from."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.cli.main import main
from dialogue.state import fold
from memory.events import AnyEvent
from memory.sqlite_store import SqliteStore
from prompts.loader import prompt_version
from tests.dialogue.test_backends import Server
from tests.fixed_reader import FixedReader
from tests.tuning.conftest import ANSWER, LEARNT, Overfit
from tuning.config import load_config
from tuning.data.importers import from_session
from tuning.data.preferences import collect
from tuning.data.records import load_follow_ups, write_rows
from tuning.data.splits import fingerprint, split

pytestmark = pytest.mark.engines


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Viva = Callable[..., Done]


@pytest.fixture
def viva(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Viva:
    """The command `viva`, in this process, so torch is imported only once."""

    def run(home: Path, *arguments: str, text: str = "", **settings: str) -> Done:
        named = {"VIVA_HOME": str(home), "VIVA_MEMORY": "sqlite", "COLUMNS": "200", **settings}
        with monkeypatch.context() as patch:
            for name, value in named.items():
                patch.setenv(name, value)
            patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
            patch.setattr(sys, "stdin", io.StringIO(text))
            capsys.readouterr()
            with pytest.raises(SystemExit) as stopped:
                main(list(arguments))
        out, err = capsys.readouterr()
        return Done(int(stopped.value.code or 0), out, err)

    return run


def log_of(home: Path) -> tuple[str, list[AnyEvent]]:
    async def read() -> tuple[str, list[AnyEvent]]:
        store = SqliteStore(home / "sessions.db")
        name = (await store.sessions())[-1]
        found = await store.read(name)
        await store.close()
        return name, found

    return asyncio.run(read())


@pytest.fixture
def no_small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are read by rule: these tests are about the adapter, not about the embedded reader."""
    for where in ("tuning.evaluate.run_systems", "agent.engines.readers", "agent.reporting.write_up"):
        monkeypatch.setattr(f"{where}.EmbeddedReader", FixedReader)


async def _better(*_: object) -> bool:
    """In place of the model's own comparison, which a tiny one cannot make."""
    return True


def test_from_evaluation_to_a_rated_interview(
    overfit: Overfit, tmp_path: Path, viva: Viva, monkeypatch: pytest.MonkeyPatch, no_small_model: None
) -> None:
    monkeypatch.setattr("dialogue.follow_up.wording.beats", _better)
    home, frozen = tmp_path / "home", tmp_path / "frozen.jsonl"
    # The set is what the model knows by heart: so it must win, and the gate must see it.
    write_rows(frozen, overfit.records)
    run = str(overfit.folder)
    done = viva(home, "tune", "eval", run, "--file", str(frozen), "--embeddings", "none", "--out", f"{run}/evaluation")
    assert done.returncode == 0, done.stderr
    found = json.loads((overfit.folder / "evaluation" / "evaluation.json").read_text())
    names = list(found["systems"])
    assert names[:2] == ["authored probe", "retrieval"] and len(names) == 3
    tuned = found["systems"][names[2]]
    assert tuned["summary"]["ROUGE-L"] > 85 > found["systems"]["authored probe"]["summary"]["ROUGE-L"]
    assert (
        tuned["summary"]["JSON, free"] == 100 and found["against_first"][names[2]]["rouge_l"]["p_randomization"] < 0.01
    )
    table = (overfit.folder / "evaluation" / "table.md").read_text()
    assert "approximate randomization" in table and "wrong probe" in table
    assert (overfit.folder / "evaluation" / "chart.png").stat().st_size > 5000

    # Knowing thirty-two sentences by heart is not safe, and the gate says so.
    refused = viva(home, "tune", "promote", run)
    assert "NO   evaluated on the whole frozen set" in refused.stdout  # it was asked what it had learnt
    assert (
        refused.returncode == 2
        and "yes  better on ROUGE-L" in refused.stdout
        and "NO   the safety set" in refused.stdout
    )
    assert "authored probe" in viva(home, "tune", "list").stdout
    added = viva(home, "tune", "add", "follow-ups", run)
    assert "follow-ups@1" in added.stdout

    # A whole interview by text with the adapter out of the registry; its base is found through it.
    answers = f"{ANSWER}\nThe analysts had their numbers two hours earlier, and I measured that over four weeks because they asked.\n"
    spoken = viva(
        home, "interview", "--text", "--questions", "improved-process", "--probes", "1", text=answers,
        VIVA_LLM="transformers", VIVA_LLM_ADAPTER="follow-ups@1", VIVA_LLM_DEADLINE="60",
    )  # fmt: skip
    assert spoken.returncode == 0, spoken.stderr
    assert LEARNT in spoken.stdout
    name, events = log_of(home)
    followed = next(e for e in events if e.kind == "followed")
    assert followed.text == LEARNT and "follow-ups@1" in followed.engine
    assert followed.prompt == prompt_version("follow_up")
    # The model never learnt to give feedback: what it says does not pass, and the log says why.
    advised = next(e for e in events if e.kind == "advised")
    assert advised.text == "" and advised.note

    # What the candidate thinks of it, and may be learnt from it.
    turn = str(followed.turn)
    assert viva(home, "rate", name, "--stars", "4", "--down", turn).returncode == 0
    assert from_session(name, log_of(home)[1]).records == []  # no consent yet
    better = "How many hours earlier did the analysts have their numbers?"
    assert viva(home, "rate", name, "--teach", "yes", "--reword", turn, better).returncode == 0
    assert "follow-ups@1" in viva(home, "tune", "survey").stdout
    _, events = log_of(home)
    assert fold(events).stars == 4
    record = from_session(name, events).records[0]
    assert record.follow_up == better and record.source == f"session:{name}"
    rows = collect([(name, events)])
    assert len(rows.pairs) == 1 == len(rows.thumbs) and rows.thumbs[0]["label"] is False
    assert better in rows.pairs[0]["chosen"][0]["content"] and LEARNT in rows.pairs[0]["rejected"][0]["content"]
    viva(home, "rate", name, "--teach", "no")
    assert from_session(name, log_of(home)[1]).records == [] and collect([log_of(home)]).pairs == []

    wrong = viva(home, "rate", name, "--up", "0")
    assert wrong.returncode == 2 and f"its follow-ups are {turn}" in wrong.stderr


def test_past_the_gate_it_is_champion_until_it_is_rolled_back(tmp_path: Path, viva: Viva) -> None:
    """The way through the gate, with an evaluation as a good model would have it."""
    config = load_config("tiny")
    frozen = split(load_follow_ups(), config.splits, config.split_seed)[2]
    run = tmp_path / "runs" / "tiny" / "seed-0"
    (run / "adapter").mkdir(parents=True)
    (run / "evaluation").mkdir()
    (run / "config.yaml").write_text(yaml.safe_dump(config.model_dump()))
    (run / "run.json").write_text(json.dumps({"base": "models/base", "seed": 0}))
    (run / "adapter" / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "models/base"}))

    def system(score: float) -> dict[str, Any]:
        items = [{"id": r.id, "valid": True, "category": "", "rouge_l": score + i % 5} for i, r in enumerate(frozen)]
        return {"summary": {"p95 s": 0.5}, "items": items}

    found: dict[str, Any] = {
        "frozen_set": {"records": len(frozen), "fingerprint": fingerprint(frozen)},
        "runs": {"tiny lora seed 0": str(run.resolve())},
        "systems": {"authored probe": system(20.0), "tiny lora seed 0": system(30.0)},
        "safety": {"tiny lora seed 0": [{"id": "safety-1", "valid": True}]},
    }
    (run / "evaluation" / "evaluation.json").write_text(json.dumps(found))
    asked = viva(tmp_path, "tune", "gate", str(run)).stdout
    assert "It may replace the champion" in asked and "only blind marks can say" in asked
    assert "authored probe" in viva(tmp_path, "tune", "list").stdout  # asking changed nothing
    assert "follow-ups@1 is champion" in viva(tmp_path, "tune", "promote", str(run)).stdout
    again = viva(tmp_path, "tune", "promote", str(run))  # no better than itself
    assert again.returncode == 2 and "against the champion, follow-ups@1" in again.stdout
    slow = viva(tmp_path, "tune", "gate", str(run), "--deadline", "0.2")
    assert "NO   in time: p95 0.50 s" in slow.stdout
    found["frozen_set"] = {"records": 1, "fingerprint": "of another set"}
    (run / "evaluation" / "evaluation.json").write_text(json.dumps(found))
    assert "different sets" in viva(tmp_path, "tune", "promote", str(run)).stdout
    assert "authored probe" in viva(tmp_path, "tune", "rollback").stdout


def test_a_model_server_is_evaluated_beside_the_others(tmp_path: Path, viva: Viva, no_small_model: None) -> None:
    http = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    Server.behaviour = "good"
    out = tmp_path / "out"
    done = viva(
        tmp_path, "tune", "eval", "--url", f"http://127.0.0.1:{http.server_address[1]}/v1", "--model", "some-model",
        "--limit", "4", "--embeddings", "none", "--out", str(out),
    )  # fmt: skip
    http.shutdown()
    http.server_close()
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "evaluation.json").read_text())
    row = found["systems"]["some-model, server"]
    assert (
        row["summary"]["JSON"] == 100
        and [i["text"] for i in row["items"]] == ["How much faster did the reporting pipeline become?"] * 4
    )
    # It answers feedback prompts with a follow-up: none of that is feedback, and the table says so.
    assert list(found["feedback"]) == ["some-model, server"] and found["feedback"]["some-model, server"]["JSON"] == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["tune", "train", "tiny-llama"], "presets: falcon-rw-1b, llama-2-7b, qwen3-4b, qwen3-4b-reading, tiny"),
        (["tune", "train", "llama-2-7b"], "hf download meta-llama/Llama-2-7b-hf"),
        (["tune", "train", "tiny", "--data", "none.jsonl"], "none.jsonl cannot be read"),
        (["tune", "eval", "nowhere", "--out", "x"], "nowhere is no finished run"),
        (["tune", "gate", "nowhere"], "nowhere is no finished run"),
        (["tune", "data", "--csv", "x.csv"], "--out FILE.jsonl"),
        (["tune", "rollback"], "nothing was promoted"),
        (["interview", "--text"], "there is no adapter 'champion'"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], line: str, tmp_path: Path, viva: Viva) -> None:
    settings: dict[str, Any] = {}
    if arguments[0] == "interview":
        settings["VIVA_LLM_ADAPTER"] = "champion"
    done = viva(tmp_path, *arguments, **settings)
    assert done.returncode == 2 and line in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and done.stderr.strip().splitlines()[-1].startswith("viva: ")


def test_the_constrained_reply_is_always_the_json_asked_for(overfit: Overfit, tmp_path: Path) -> None:
    """A model that knows nothing: free it babbles, held to the schema it cannot but return the JSON."""
    from dialogue.backends.local_transformers import LocalTransformers
    from dialogue.follow_up.wording import read_reply
    from tuning.data.rows import prompt_of

    prompts = [prompt_of(r) for r in overfit.records[:3]]
    free = LocalTransformers(overfit.trained.base, constrain=False)
    held = LocalTransformers(overfit.trained.base)
    assert held.constrain
    assert all(read_reply(asyncio.run(free.complete(p))) is None for p in prompts)
    raws = [asyncio.run(held.complete(p)) for p in prompts]
    assert all(raw.lstrip().startswith("{") and '"follow_up"' in raw for raw in raws)
