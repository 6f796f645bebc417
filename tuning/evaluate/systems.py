"""Everything that can word a follow-up, behind one interface: models, adapters, phraser, retrieval."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dialogue.analysis.language import content_stems
from dialogue.analysis.noun_phrases import noun_phrases
from dialogue.backends.base import BackendError, LanguageModel, Prompt
from dialogue.follow_up.phraser import phrase
from dialogue.follow_up.wording import read_reply
from dialogue.plan.generic import generic_question
from dialogue.plan.plan import questions_of
from memory.records import PlannedQuestion
from prompts.loader import load_examples, load_pack, pack_names
from tuning.data.records import FollowUpRecord
from tuning.data.rows import decision_of, prompt_of


@dataclass(frozen=True)
class Reply:
    """`raw`: as received; `text`: the follow-up in it, None if there is none; `seconds`: the time it took."""

    raw: str
    text: str | None
    seconds: float


class System(Protocol):
    """`name` labels a row of the table."""

    name: str

    async def ask(self, record: FollowUpRecord) -> Reply: ...


class Embedded:
    """The embedded phraser, with the rubric of the pack's question if the record is about one."""

    name = "embedded phraser"

    def __init__(self) -> None:
        self._known = known_questions()

    async def ask(self, record: FollowUpRecord) -> Reply:
        start = time.perf_counter()
        question = self._known.get(record.pack_question) or generic_question(record.question)
        topics = noun_phrases(record.span) or noun_phrases(record.answer)
        topic = max(topics, key=lambda t: len(t.split()), default="")
        decision = replace(decision_of(record), question=question, topic=topic)
        text = phrase(decision, heard=record.answer, earlier=[record.question])
        return Reply(text or "", text, time.perf_counter() - start)


class Retrieval:
    """The follow-up of the nearest training record with the same probe: a lookup baseline."""

    name = "retrieval"

    def __init__(self, training: Sequence[FollowUpRecord]) -> None:
        self._pool = [(r, content_stems(f"{r.answer} {r.span}")) for r in training]

    async def ask(self, record: FollowUpRecord) -> Reply:
        start = time.perf_counter()
        mine = content_stems(f"{record.answer} {record.span}")

        def near(entry: tuple[FollowUpRecord, set[str]]) -> tuple[bool, float]:
            other, stems = entry
            return other.probe == record.probe, len(mine & stems) / max(len(mine | stems), 1)

        text = max(self._pool, key=near)[0].follow_up if self._pool else None
        return Reply(text or "", text, time.perf_counter() - start)


class Model:
    """A language model as it is served. `few_shot`: with worked examples in the prompt, for a base model."""

    def __init__(self, model: LanguageModel, *, few_shot: bool = False, name: str = "") -> None:
        self._model = model
        self._few_shot = few_shot
        self.name = name or f"{model.name}{', few-shot' if few_shot else ''}"

    async def ask(self, record: FollowUpRecord) -> Reply:
        prompt = prompt_of(record)
        start = time.perf_counter()
        try:
            raw = await self._model.complete(with_examples(prompt) if self._few_shot else prompt)
        except BackendError:
            return Reply("", None, time.perf_counter() - start)
        return Reply(raw, read_reply(raw), time.perf_counter() - start)


def with_examples(prompt: Prompt) -> Prompt:
    """The same question with worked examples before it."""
    lines = [
        f'Kind of follow-up: {e["probe"]}\nThe part of the answer to pick up: "{e["span"]}"\nThe whole answer: {e["answer"]}\n'
        f'{{"follow_up": "{e["follow_up"]}"}}'
        for e in load_examples("follow_ups")
    ]
    return replace(prompt, user="Examples:\n\n" + "\n\n".join(lines) + f"\n\nNow this one.\n{prompt.user}")


def known_questions() -> dict[str, PlannedQuestion]:
    """All questions of our packs by id."""
    return {q.id: q for q in questions_of(*map(load_pack, pack_names()))}
