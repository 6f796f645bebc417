"""A language model's feedback on an answer (practice only): a quote, a hint, and its level beside the rubric's.

The gate is the same as everywhere: feedback with a quote that was not said, praise, a protected topic or talk about the
system is not shown. The model's level is stored for comparison and changes nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from dialogue.analysis.language import holds, tokens
from dialogue.backends.base import BackendError, LanguageModel, Prompt, ask
from dialogue.backends.reply_json import objects_in
from dialogue.follow_up.validator import unsuitable
from prompts.loader import load_schema, render

LONGEST = 60  # words of feedback


@dataclass(frozen=True)
class Feedback:
    """`quote`: the answer's own words; `level`: 1..5, the model's opinion."""

    quote: str
    text: str
    level: int


def feedback_prompt(question: str, answer: str) -> Prompt:
    """What a model is asked. Training uses the same function."""
    user = render("feedback_user.j2", question=question, answer=answer[-4000:])
    return Prompt(render("feedback_system.j2"), user, max_tokens=140, schema=load_schema("feedback.schema.json"))


def read_feedback(raw: str) -> Feedback | None:
    """The first JSON object in the reply with a quote, feedback and a level; None if there is none."""
    for found in objects_in(raw[:4000]):
        quote, text, level = found.get("quote"), found.get("feedback"), found.get("level")
        if isinstance(quote, str) and isinstance(text, str) and isinstance(level, int) and 1 <= level <= 5:
            return Feedback(quote.strip(), " ".join(text.split()), level)
    return None


def problems_of(feedback: Feedback, answer: str) -> list[str]:
    """Why the feedback must not be shown; empty if it may be."""
    found = [] if holds(answer, feedback.quote) else ["quotes what was not said"]
    if not 5 <= len(tokens(feedback.text)) <= LONGEST:
        found.append(f"must have 5 to {LONGEST} words")
    return [*found, *unsuitable(feedback.text)]


async def give_feedback(
    question: str, answer: str, model: LanguageModel, deadline: float
) -> tuple[Feedback | None, str]:
    """The model's feedback if it passes the gate, else None and the reason."""
    try:
        async with asyncio.timeout(deadline):
            feedback = read_feedback(await ask(model, feedback_prompt(question, answer)))
    except TimeoutError:
        return None, f"{model.name} took longer than {deadline:g} s"
    except BackendError as error:
        return None, str(error)
    if feedback is None:
        return None, f"{model.name} did not return the JSON it was asked for"
    problems = problems_of(feedback, answer)
    return (None, f"{model.name}: {'; '.join(problems)}") if problems else (feedback, "")
