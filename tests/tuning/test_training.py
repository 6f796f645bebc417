"""Training a tiny model made on the spot: it learns, the loss covers the reply, and what was learnt is saved."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from dialogue.backends.base import BackendError
from dialogue.backends.local_transformers import LocalTransformers
from tests.tuning.conftest import Overfit
from tuning.checks import check_base, out_of_memory, precision_of
from tuning.config import TrainConfig, load_config
from tuning.data.preferences import Preferences
from tuning.data.records import load_coaching, load_follow_ups
from tuning.data.rows import prompt_of, reply_of
from tuning.errors import DataError, TuneError
from tuning.metrics import bleu
from tuning.train.export import merge, serving_commands
from tuning.train.prefer import prefer
from tuning.train.train import tokenized_rows, train

pytestmark = pytest.mark.engines
QUIET = Console(quiet=True)


def test_it_learns_thirty_two_records_by_heart(overfit: Overfit) -> None:
    model = LocalTransformers(overfit.trained.base, overfit.trained.adapter, constrain=False)
    said = [asyncio.run(model.complete(prompt_of(r))) for r in overfit.records]
    assert bleu(said, [[reply_of(r)] for r in overfit.records], 4) >= 90
    # The end token was learnt: without a limit in sight it stops by itself.
    assert all(text.strip().endswith("}") for text in said)


def test_the_folder_says_how_it_was_made(overfit: Overfit) -> None:
    made = json.loads((overfit.folder / "made.json").read_text())
    assert made["trl"] and made["data"]["train"]["records"] == 32 and made["prompts"]["follow_up"]
    losses = [json.loads(line) for line in (overfit.folder / "losses.jsonl").read_text().splitlines()]
    steps = [entry["loss"] for entry in losses if "loss" in entry]
    assert steps[-1] < steps[0]
    assert (overfit.folder / "loss.png").stat().st_size > 5000 and list(
        (overfit.folder / "tensorboard").rglob("events*")
    )
    card = (overfit.folder / "adapter" / "README.md").read_text()
    assert "base_model" in card and f"{overfit.trained.trainable:,}" in card
    assert 0 < overfit.trained.trainable < overfit.trained.total and overfit.trained.peak_bytes > 0


@pytest.mark.parametrize("base", ["tiny", "tiny-falcon"])
def test_the_loss_is_on_the_reply_and_its_end_token_alone(base: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    from tuning.train.train import _trainer, base_of

    records = load_follow_ups()[:4]
    config = load_config("tiny", base=base, method="full")
    path = base_of(config, tmp_path, records)
    tokenizer = AutoTokenizer.from_pretrained(path)
    rows = tokenized_rows(records, tokenizer, config)
    trainer = _trainer(config, path, tokenizer, rows, type(rows)(), tmp_path / "run", 0, QUIET)
    batch: dict[str, Any] = trainer.data_collator([trainer.train_dataset[i] for i in range(4)])
    served = LocalTransformers(path, tuned=True, constrain=False)
    for i, record in enumerate(records):
        learnt = [int(t) for t in batch["labels"][i] if t != -100]
        text = tokenizer.decode(learnt)
        assert text.removesuffix("\n").removesuffix("<|im_end|>") == reply_of(record)
        assert tokenizer.eos_token_id in learnt
        # What stands before the reply is, token for token, what a call would send.
        mask = batch["labels"][i] != -100
        before = [int(t) for t in batch["input_ids"][i][: int(mask.nonzero()[0])]]
        assert before == served._encode(prompt_of(record))[0].tolist()


def test_save_load_and_merge_give_the_same_logits(overfit: Overfit, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(overfit.trained.base)
    tuned = PeftModel.from_pretrained(base, overfit.trained.adapter).eval()
    ids = LocalTransformers(overfit.trained.base, overfit.trained.adapter)._encode(prompt_of(overfit.records[0]))
    with torch.inference_mode():
        logits = tuned(ids).logits
        with tuned.disable_adapter():
            assert not torch.allclose(tuned(ids).logits, logits, atol=1e-2)  # the adapter does something
    tuned.save_pretrained(tmp_path / "again")
    merge(overfit.trained.base, Path(overfit.trained.adapter), tmp_path / "merged", dtype="float32")
    fresh = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(overfit.trained.base), tmp_path / "again"
    ).eval()
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged").eval()
    with torch.inference_mode():
        assert torch.equal(fresh(ids).logits, logits)
        assert torch.allclose(merged(ids).logits, logits, atol=1e-4)
    whole = LocalTransformers(str(tmp_path / "merged"), tuned=True, constrain=False)
    assert asyncio.run(whole.complete(prompt_of(overfit.records[0]))) == reply_of(overfit.records[0])
    commands = serving_commands("base", Path("a b"), tmp_path / "merged", rank=4)
    assert "--enable-lora" in commands and "'a b'" in commands and "convert_hf_to_gguf" in commands


@pytest.mark.parametrize("method", ["qlora", "lora", "dora", "ia3", "adapter", "prefix", "prompt", "full"])
def test_every_method_trains_and_is_served(method: str, tmp_path: Path) -> None:
    config = load_config("tiny", method=method).model_copy(update={"r": 4, "batch_size": 2, "virtual_tokens": 4})
    records = load_follow_ups()
    done = train(config, tmp_path / "run", QUIET, parts=(records[:4], records[4:6], []))
    assert done.steps == 2 and done.loss is not None
    assert (done.trainable == done.total) == (method == "full")
    if method == "full":
        model = LocalTransformers(done.adapter, tuned=True)
    else:
        model = LocalTransformers(done.base, done.adapter)
    assert isinstance(asyncio.run(model.complete(prompt_of(records[0]))), str)


def test_the_grid_of_paper_two_on_a_falcon_that_makes_itself(tmp_path: Path) -> None:
    grid = load_config("falcon-rw-1b", base="tiny-falcon").variants()
    assert {n: (c.r, c.alpha, c.learning_rate) for n, c in grid.items()} == {"A": (8, 16, 2e-4), "B": (4, 8, 1e-4), "C": (2, 4, 5e-5)}  # fmt: skip
    one = grid["A"]
    assert (one.epochs, one.max_length, one.patience, one.eval_steps, one.warmup_steps) == (5, 256, 3, 25, 50)
    assert one.target_modules == ["query_key_value"] and one.weight_decay == 0.01
    records = load_coaching()
    short = one.model_copy(update={"epochs": 0.5, "max_length": 400, "precision": "fp32"})
    done = train(short, tmp_path / "A", QUIET, parts=(records[:8], records[8:10], []))
    assert done.steps == 1 and "tiny-falcon" in done.base


def test_a_run_goes_on_from_its_checkpoint_to_the_same_end(tmp_path: Path) -> None:
    records = load_follow_ups()
    parts = (records[:12], records[12:14], [])
    config = load_config("tiny").model_copy(update={"batch_size": 2, "eval_steps": 3, "patience": 0, "r": 4})
    whole = train(config, tmp_path / "a", QUIET, parts=parts)
    assert whole.steps == 6
    again = train(config, tmp_path / "b", QUIET, parts=parts)
    assert again.train_loss == pytest.approx(whole.train_loss, abs=1e-6)  # same seed, same run
    assert train(config, tmp_path / "c", QUIET, seed=1, parts=parts).train_loss != whole.train_loss
    # Stopped after step 3: only its checkpoint is left.
    import shutil

    shutil.rmtree(tmp_path / "b" / "checkpoints" / "checkpoint-6")
    shutil.rmtree(tmp_path / "b" / "adapter")
    resumed = train(config, tmp_path / "b", QUIET, resume=True, parts=parts)
    assert resumed.steps == 6 and resumed.loss == pytest.approx(whole.loss, abs=1e-4)
    with pytest.raises(TuneError, match="no checkpoint"):
        train(config, tmp_path / "d", QUIET, resume=True, parts=parts)


def test_early_stop_ends_a_run_that_gets_no_better(tmp_path: Path) -> None:
    records = load_follow_ups()
    config = load_config("tiny", epochs=20).model_copy(
        update={"batch_size": 4, "eval_steps": 1, "patience": 2, "learning_rate": 1e-9, "r": 4}
    )
    done = train(config, tmp_path / "run", QUIET, parts=(records[:8], records[8:10], []))
    assert done.steps < 40


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_preferences_train_on_top_of_an_adapter(method: Any, overfit: Overfit, tmp_path: Path) -> None:
    asked = [prompt_of(r).messages for r in overfit.records[:6]]
    said = [[{"role": "assistant", "content": reply_of(r)}] for r in overfit.records[:6]]
    better = [[{"role": "assistant", "content": '{"follow_up": "What came of that?"}'}]] * 6
    found = Preferences(
        pairs=[{"prompt": p, "chosen": b, "rejected": s, "session": "session-1"} for p, s, b in zip(asked, said, better, strict=True)],
        thumbs=[{"prompt": p, "completion": s, "label": i % 2 == 0, "session": "session-1"} for i, (p, s) in enumerate(zip(asked, said, strict=True))],
    )  # fmt: skip
    config = overfit.config.model_copy(update={"epochs": 1.0, "batch_size": 2})
    adapter = Path(overfit.trained.adapter)
    with pytest.raises(TuneError, match=f"{method.upper()} needs 8"):
        prefer(method, overfit.trained.base, adapter, found, config, tmp_path / "few", QUIET)
    done = prefer(
        method, overfit.trained.base, adapter, found, config, tmp_path / "run", QUIET, fewest=2, learning_rate=1e-3
    )
    assert done.rows == 6 and done.steps >= 3 and (tmp_path / "run" / "adapter" / "adapter_config.json").is_file()


def test_mistakes_are_one_line_that_says_what_to_do(overfit: Overfit, tmp_path: Path, monkeypatch: Any) -> None:
    import torch

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # no hub is asked, and none is waited for
    with pytest.raises(TuneError, match="hf download meta-llama/Llama-2-7b-hf"):
        check_base("meta-llama/Llama-2-7b-hf")
    with pytest.raises(TuneError, match=r"config\.json"):
        check_base(str(tmp_path))
    other = tmp_path / "other-base"
    with pytest.raises(BackendError, match="was trained on tiny, not on other-base"):
        LocalTransformers(str(other), overfit.trained.adapter)
    with pytest.raises(BackendError, match="is no adapter"):
        LocalTransformers(overfit.trained.base, str(tmp_path))
    with pytest.raises(TuneError, match="was trained on tiny"):
        merge(str(other), Path(overfit.trained.adapter), tmp_path / "out")
    config = overfit.config
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: False)
    with pytest.raises(TuneError, match="no bf16; set `precision: fp16`"):
        precision_of(config.model_copy(update={"precision": "bf16"}))
    assert precision_of(config.model_copy(update={"precision": "auto"})) == "fp16"
    assert "lower batch_size (now 4" in str(out_of_memory(config)) and "qlora" in str(out_of_memory(config))
    with pytest.raises(DataError, match="presets: falcon-rw-1b"):
        load_config("llama")
    with pytest.raises(DataError, match=r"tiny\.yaml: epochs"):
        load_config("tiny", epochs=-1)
    strange = tmp_path / "mine.yaml"
    strange.write_text("base: tiny\nlearning_rat: 1\n")
    with pytest.raises(DataError, match="learning_rat"):
        load_config(str(strange))
    with pytest.raises(TuneError, match="no row fits"):
        train(TrainConfig.model_validate({"base": "tiny", "max_length": 64}), tmp_path / "r" / "s", QUIET, parts=(load_follow_ups()[:3], [], []))  # fmt: skip


def test_long_answers_lose_words_far_from_their_span_and_nothing_in_silence() -> None:
    from tuning.data.rows import rows_of

    record = load_follow_ups()[0]
    long = record.model_copy(update={"answer": "filler words here " * 200 + record.answer})
    limit = 4000  # characters stand for tokens here

    def length(asked: Any, reply: str) -> int:
        return len(str(asked)) + len(reply)

    made = rows_of([long, record], chat=True, length=length, limit=limit)
    assert made.shortened == 1 and len(made.rows) == 2 and not made.left_out
    assert record.span in made.rows[0]["prompt"][1]["content"]
    assert rows_of([record], chat=True, length=length, limit=100).left_out == [record.id]
