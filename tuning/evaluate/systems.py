"""Everything that can word a follow-up, behind one interface: models, adapters, authored probes, retrieval."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dialogue.analysis.language import content_stems
from dialogue.backends.base import BackendError, LanguageModel, Prompt
from dialogue.follow_up.policy import best_probe
from dialogue.follow_up.wording import AUTHORED, read_reply
from dialogue.plan.generic import generic_question
from dialogue.understanding.reader import Answer, Reader
from memory.records import untimed
from prompts.loader import load_examples
from tuning.data.packs import known_questions
from tuning.data.records import FollowUpRecord
from tuning.data.rows import prompt_of


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


class Authored:
    """The authors' probes, chosen by a reader: of the pack's question if the record is about one, else (or if none of them is open
    after this answer) the neutral ones.
    """

    name = AUTHORED

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def ask(self, record: FollowUpRecord) -> Reply:
        start = time.perf_counter()
        known = known_questions().get(record.pack_question)
        questions = [q for q in (known, generic_question(record.question, kind=record.kind)) if q is not None]
        # After every answer of the set a follow-up is due: where none is worth asking, the author's first is better than silence.
        text = questions[0].probes[0].text
        for question in questions:
            reading = await self._reader.read(Answer(question, untimed(record.answer)))
            probe, _ = best_probe(question.probes, reading.probes, set())
            if probe is not None:
                text = probe.text
                break
        return Reply(text, text, time.perf_counter() - start)


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
        f"Kind of follow-up: {e['probe']}\nWhat to find out: {e['gap']}\nThe whole answer: {e['answer']}\n"
        f'{{"follow_up": "{e["follow_up"]}"}}'
        for e in load_examples("follow_ups")
    ]
    return replace(prompt, user="Examples:\n\n" + "\n\n".join(lines) + f"\n\nNow this one.\n{prompt.user}")
