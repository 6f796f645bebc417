"""Labelled answers for another task: reading an answer, as a language model is asked to in a call (dialogue/understanding).

The same file teaches the embedded reader (tuning/reader).
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dialogue.analysis.language import tokens
from dialogue.backends.base import Prompt
from dialogue.understanding.language_model import LEAST_QUOTE, reading_prompt
from memory.records import PlannedQuestion
from tuning.data.packs import questions_in
from tuning.data.records import DATA, all_good, read_rows

READINGS = DATA / "reading" / "answers.jsonl"
STATES = {"said": "said", "contradicted": "contradicted", "absent": "not_found"}
ASKED = {"best": ("open", 9), "good": ("open", 5), "answered": ("answered", 0), "beside": ("beside", 0)}


class ReadingRecord(BaseModel):
    """An answer in sentences. `points`: for each key point its label and the sentences (from 0) that show it; `probes`: the label of
    each probe of the question, in order; `kind`: what sort of answer the author was asked for; `full`: needs no follow-up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pack: str
    id: str = Field(description="of the question in the pack")
    kind: str
    answer: list[str] = Field(min_length=1)
    points: dict[str, tuple[Literal["said", "contradicted", "absent"], list[int]]]
    probes: list[Literal["best", "good", "answered", "beside"]]
    full: bool = False

    @model_validator(mode="after")
    def _fits_its_question(self) -> Self:
        question = questions_in(self.pack).get(self.id)
        if question is None:
            raise ValueError(f"is about {self.id!r}, which the pack {self.pack} does not hold")
        names = [p.name for p in question.key_points]
        if sorted(self.points) != sorted(names):
            raise ValueError(f"labels the points {', '.join(self.points)}; {self.id} has {', '.join(names)}")
        if len(self.probes) != len(question.probes):
            raise ValueError(f"labels {len(self.probes)} probes; {self.id} has {len(question.probes)}")
        for name, (label, where) in self.points.items():
            if bool(where) == (label == "absent") or not all(0 <= n < len(self.answer) for n in where):
                raise ValueError(f"shows {name!r} ({label}) by the sentences {where}; there are {len(self.answer)}")
        return self

    @property
    def planned(self) -> PlannedQuestion:
        return questions_in(self.pack)[self.id]

    @property
    def question(self) -> str:
        return self.planned.text

    @property
    def words(self) -> list[str]:
        return " ".join(self.answer).split()


def load_readings(path: Path = READINGS) -> list[ReadingRecord]:
    """All labelled answers in a file. Raises DataError at the first invalid line."""
    return all_good(*read_rows(path, ReadingRecord))


def reading_prompt_of(record: ReadingRecord) -> Prompt:
    """What a model is asked about this answer in a call."""
    return reading_prompt(record.planned, record.words)


def reading_reply_of(record: ReadingRecord) -> str:
    """What it should reply: prompts/schemas/reading.schema.json, with the labelled sentences as quotes."""
    points = []
    for number, point in enumerate(record.planned.key_points, 1):
        label, where = record.points[point.name]
        quote = _quote(record.answer, where)
        # Too short a quote would not be believed in a call.
        state = STATES[label] if label == "absent" or len(tokens(quote)) >= LEAST_QUOTE else "unsure"
        points.append({"point": number, "state": state, "quote": "" if state == "unsure" else quote})
    probes = [{"probe": n, "state": ASKED[p][0], "worth": ASKED[p][1]} for n, p in enumerate(record.probes, 1)]
    return json.dumps({"points": points, "probes": probes}, ensure_ascii=False)


def _quote(sentences: list[str], where: list[int]) -> str:
    """The labelled sentences; of several pieces the longest, since a quote is in one piece."""
    places = sorted(set(where))
    runs = [[n for _, n in run] for _, run in itertools.groupby(enumerate(places), lambda pair: pair[1] - pair[0])]
    return max((" ".join(sentences[n] for n in run) for run in runs), key=len, default="")
