"""Records as training rows, made by the code that asks a model in a call: what is trained is what is served."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from dialogue.analysis.language import tokens
from dialogue.backends.base import Prompt
from dialogue.follow_up.policy import Decision
from dialogue.follow_up.wording import prompt_for
from dialogue.plan.generic import generic_question
from dialogue.report.feedback import feedback_prompt
from tuning.data.packs import known_questions, probe_about
from tuning.data.readings import ReadingRecord, reading_prompt_of, reading_reply_of
from tuning.data.records import CoachingRecord, FollowUpRecord

Record = FollowUpRecord | CoachingRecord | ReadingRecord
FEWEST_WORDS = 8  # an answer is not shortened below this, nor into its span


@dataclass
class Rows:
    """Rows for TRL ({"prompt", "completion"}), and what it took to fit them. Nothing is cut silently."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    shortened: int = 0
    left_out: list[str] = field(default_factory=list)


def decision_of(record: FollowUpRecord) -> Decision:
    """The decision that the record words; the prepared follow-up is the author's, where the question is one of our packs."""
    probe = probe_about(record.probe, record.gap, known_questions().get(record.pack_question))
    return Decision("probe", generic_question(record.question), probe)


def asked_before(record: FollowUpRecord) -> list[str]:
    """What had been asked when the follow-up was due: in a call, at least the question itself."""
    return [record.question]


def prompt_of(record: Record, answer: str | None = None) -> Prompt:
    """What a model is asked for this record in a call."""
    if isinstance(record, ReadingRecord):
        return reading_prompt_of(record)
    heard = record.answer if answer is None else answer
    if isinstance(record, CoachingRecord):
        return feedback_prompt(record.question, heard)
    return prompt_for(decision_of(record), heard, asked_before(record))


def follow_up_reply(text: str) -> str:
    """A follow-up as the JSON that the prompt asks for."""
    return json.dumps({"follow_up": text}, ensure_ascii=False)


def reply_of(record: Record) -> str:
    """What the model should answer: JSON as the prompt asks for it, evidence before judgement."""
    if isinstance(record, FollowUpRecord):
        return follow_up_reply(record.follow_up)
    if isinstance(record, ReadingRecord):
        return reading_reply_of(record)
    reply = {"quote": record.quote, "feedback": record.feedback, "level": record.rating}
    return json.dumps(reply, ensure_ascii=False)


def completion(reply: str, chat: bool) -> Any:
    """A reply in the form TRL trains on."""
    return [{"role": "assistant", "content": reply}] if chat else reply


def rows_of(records: Sequence[Record], *, chat: bool, length: Callable[[Any, str], int], limit: int) -> Rows:
    """Rows of at most `limit` tokens. `chat`: the base model has a chat template; `length` counts prompt and reply.

    A long answer loses words at the end farther from its span (not one that is to be read: its labels are of the whole); a row
    that still does not fit is left out and named.
    """
    made = Rows()
    for record in records:
        reply = reply_of(record)
        answer = next(
            (a for a in _answers(record) if length(asked_as(prompt_of(record, a), chat), reply) <= limit), None
        )
        if answer is None:
            made.left_out.append(record.id)
            continue
        made.shortened += answer != next(_answers(record))
        asked = asked_as(prompt_of(record, answer), chat)
        made.rows.append({"prompt": asked, "completion": completion(reply, chat)})
    return made


def _answers(record: Record) -> Iterator[str]:
    """The answer, and the same shorter and shorter. One that is to be read has its labels for the whole of it."""
    if isinstance(record, ReadingRecord):
        yield " ".join(record.answer)
        return
    answer: str | None = record.answer
    while answer is not None:
        yield answer
        answer = _shorter(answer, record.quote if isinstance(record, CoachingRecord) else record.span)


def asked_as(prompt: Prompt, chat: bool) -> Any:
    """A prompt in the form TRL trains on."""
    return prompt.messages if chat else prompt.plain


def _shorter(answer: str, keep: str) -> str | None:
    """The answer shortened by a tenth, or None if only its span is left."""
    words = answer.split()
    drop = max(1, len(words) // 10)
    if len(words) - drop < FEWEST_WORDS:
        return None
    said = [tokens(w)[0] if tokens(w) else "" for w in words]
    wanted = tokens(keep)
    at = next((i for i in range(len(said)) if wanted and said[i : i + len(wanted)] == wanted), 0)
    if at >= drop and at > len(words) - at - len(wanted):
        return " ".join(words[drop:])
    if len(words) - drop >= at + len(wanted):
        return " ".join(words[:-drop])
    return " ".join(words[drop:]) if at >= drop else None
