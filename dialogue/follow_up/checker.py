"""Whether a model's own follow-up beats the author's probe for this answer: asked of the model in a call of its own.

The two are shown without saying whose they are, in an order that depends on their words. Only a clear preference for the
model's own counts; a reply that cannot be read is a preference for the author's.
"""

from __future__ import annotations

import zlib

from dialogue.backends.base import LanguageModel, Prompt, ask
from dialogue.backends.reply_json import objects_in
from prompts.loader import load_schema, render


def check_prompt(question: str, answer: str, first: str, second: str) -> Prompt:
    """Which of two follow-ups is better after this answer. `answer`: without what is private."""
    user = render("check_user.j2", question=question, answer=answer[-4000:], first=first, second=second)
    return Prompt(render("check_system.j2"), user, max_tokens=60, schema=load_schema("check.schema.json"))


async def beats(model: LanguageModel, question: str, answer: str, own: str, authored: str) -> bool:
    """Whether `own` is better than `authored`. Raises what `ask` raises."""
    own_first = zlib.crc32(f"{own}{authored}".encode()) % 2 == 0
    first, second = (own, authored) if own_first else (authored, own)
    reply = await ask(model, check_prompt(question, answer, first, second))
    for found in objects_in(reply[:2000]):
        better = found.get("better")
        if better in ("first", "second", "same"):
            return bool(better == ("first" if own_first else "second"))
    return False
