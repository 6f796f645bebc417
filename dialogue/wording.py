"""Wording a decided follow-up: the model if it is there, in time and valid; the embedded phraser in every other case.

There is never dead air and never a dependence: the embedded wording exists before the model is asked.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dialogue.backends.base import BackendError, LanguageModel, Prompt
from dialogue.phraser import phrase
from dialogue.policy import Decision
from dialogue.validator import validate
from memory.records import Word
from prompts.loader import load_schema, render

EMBEDDED = "embedded phraser"


@dataclass(frozen=True)
class Wording:
    """`engine` names who worded it; `problem` says why a model's words were not used, "" where none was asked."""

    text: str
    engine: str
    problem: str = ""


async def word(
    decision: Decision, *, heard: str, earlier: Sequence[str], model: LanguageModel | None, deadline: float,
    words: Sequence[Word] = (),
) -> Wording | None:  # fmt: skip
    """A valid follow-up for the decision within `deadline` s, or None where there is no valid way to ask it."""
    embedded = phrase(decision, heard=heard, earlier=earlier, words=words)
    if embedded is None or model is None:
        return Wording(embedded, EMBEDDED) if embedded else None
    try:
        raw = await asyncio.wait_for(model.complete(prompt_for(decision, heard, earlier)), deadline)
    except TimeoutError:
        return Wording(embedded, EMBEDDED, f"{model.name} took longer than {deadline:g} s")
    except BackendError as error:
        return Wording(embedded, EMBEDDED, str(error))
    text = read_reply(raw)
    if text is None:
        return Wording(embedded, EMBEDDED, f"{model.name} did not return the JSON it was asked for")
    span = decision.span.quote if decision.span else ""
    verdict = validate(text, span=span, gap=decision.gap, earlier=earlier, heard=heard)
    if not verdict.valid:
        return Wording(embedded, EMBEDDED, f"{model.name}: {'; '.join(verdict.problems)}")
    return Wording(text, model.name)


def prompt_for(decision: Decision, heard: str, earlier: Sequence[str]) -> Prompt:
    """The prompt of a decision. Training uses the same function: what is trained is what is served."""
    assert decision.question is not None
    user = render(
        "follow_up_user.j2",
        question=decision.question.text,
        probe=decision.probe.replace("_", " "),
        gap=decision.gap,
        span=decision.span.quote if decision.span else "",
        answer=heard[-4000:],
        earlier=list(earlier)[-8:],
    )
    return Prompt(render("follow_up_system.j2"), user, max_tokens=60, schema=load_schema("follow_up.schema.json"))


def read_reply(raw: str) -> str | None:
    """The question in a model's reply: the first JSON object with "follow_up". None for anything else."""
    for match in re.finditer(r"\{", raw[:4000]):
        try:
            found, _ = json.JSONDecoder().raw_decode(raw[match.start() :])
        except ValueError:
            continue
        if isinstance(found, dict) and isinstance(found.get("follow_up"), str):
            return re.sub(r"\s+", " ", found["follow_up"]).strip() or None
    return None
