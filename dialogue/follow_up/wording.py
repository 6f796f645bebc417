"""Wording a decided follow-up: the author's probe, or a model's own words where a check finds them better, in time.

No dead air and no dependence on a model: the authored probe exists before the model is asked, and is spoken wherever the
model is late, breaks a rule, or is not found better in a call of its own.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dialogue.backends.base import BackendError, LanguageModel, Prompt, ask
from dialogue.backends.reply_json import objects_in
from dialogue.follow_up.checker import beats
from dialogue.follow_up.policy import Decision
from dialogue.follow_up.validator import validate
from prompts.loader import load_examples, load_schema, prompt_version, render

AUTHORED = "authored probe"
ATTEMPTS = 2  # at the model, both within the deadline
EXAMPLES = 3  # in the prompt of a base model


@dataclass(frozen=True)
class Wording:
    """`engine` names what worded it; `problem` says why a model's words were not used, "" if none was asked.

    `prompt`: the version of the prompt the model was given, "" for an authored probe.
    """

    text: str
    engine: str
    problem: str = ""
    prompt: str = ""


async def word(
    decision: Decision, *, heard: str, earlier: Sequence[str], model: LanguageModel | None, deadline: float
) -> Wording | None:
    """What to say for the decision, within `deadline` s; None if the author's probe cannot be asked any more.

    `heard`: the answer without what is private. `model` None: the authored probe.
    """
    assert decision.probe is not None and decision.question is not None
    authored = decision.probe.text
    if authored in earlier:
        return None
    if model is None or not heard:
        return Wording(authored, AUTHORED)
    problem = ""
    try:
        async with asyncio.timeout(deadline):
            prompt = asked = prompt_for(decision, heard, earlier)
            for _ in range(ATTEMPTS):
                if problem:
                    prompt = replace(
                        asked, user=f"{asked.user}\nYour last reply could not be used: {problem}. Reply again."
                    )
                text = read_reply(await ask(model, prompt))
                if text is None:
                    problem = f"{model.name} did not return the JSON it was asked for"
                    continue
                verdict = validate(text, earlier=earlier)
                if not verdict.valid:
                    problem = f"{model.name}: {'; '.join(verdict.problems)}"
                    continue
                if await beats(model, decision.question.text, heard, text, authored):
                    return Wording(text, model.name, prompt=prompt_version("follow_up"))
                problem = f"{model.name}: its own follow-up was not found better than the author's"
                break
    except TimeoutError:
        problem = problem or f"{model.name} took longer than {deadline:g} s"
    except BackendError as error:
        problem = str(error)
    return Wording(authored, AUTHORED, problem)


def prompt_for(decision: Decision, heard: str, earlier: Sequence[str]) -> Prompt:
    """The prompt of a decision. Training uses the same function: what is trained is what is served."""
    assert decision.question is not None and decision.probe is not None
    user = render(
        "follow_up_user.j2",
        question=decision.question.text,
        probe=decision.probe.type.replace("_", " "),
        gap=decision.probe.asks,
        prepared=decision.probe.text,
        answer=heard[-4000:],
        earlier=list(earlier)[-8:],
    )
    system = render("follow_up_system.j2")
    base = render("follow_up_base.j2", system=system, user=user, examples=load_examples("follow_ups")[:EXAMPLES])
    return Prompt(system, user, max_tokens=60, schema=load_schema("follow_up.schema.json"), base=base)


def read_reply(raw: str) -> str | None:
    """The question in a model's reply: the first JSON object with "follow_up", JSON slips mended. None otherwise."""
    for text in (raw[:4000], _mended(raw[:4000])):
        for found in objects_in(text):
            if isinstance(found.get("follow_up"), str):
                return re.sub(r"\s+", " ", found["follow_up"]).strip() or None
    return None


def _mended(raw: str) -> str:
    """Repair typical JSON slips: typographic or single quotes, a bare key, a trailing comma, a missing brace."""
    text = re.sub(r"[“”]", '"', raw)
    text = re.sub(r"([{,]\s*)'?(follow_up)'?\s*:", r'\1"\2":', text)
    text = re.sub(r":\s*'((?:[^'\\]|\\.|'(?![\s]*[,}]))*)'", lambda m: ": " + json.dumps(m[1]), text)
    text = re.sub(r",\s*}", "}", text)
    return text if "}" in text else f"{text.rstrip()}}}"
