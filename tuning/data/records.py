"""The records the model learns from, and one clear line for each row that is not one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dialogue.analysis.language import STOPWORDS, holds, tokens
from prompts.user_text import NotText, read_text
from tuning.errors import DataError

DATA = Path(__file__).parent
LONGEST_ANSWER = 1500  # words: ten minutes of speech; anything longer was pasted
PROBES = (
    "elaborate", "clarify", "why", "evidence", "own_part", "result", "learned", "trade_off", "depth", "easier", "contradiction",
    "counterfactual",
)  # fmt: skip


R = TypeVar("R", bound=BaseModel)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    question: str = Field(min_length=8)
    answer: str
    subfield: str = "general"
    level: Literal["junior", "mid", "senior"] = "mid"
    kind: Literal["behavioural", "technical", "motivation", "situational"] = "behavioural"
    source: str = Field("vivavoce", description="who wrote it: vivavoce, followqg, session:ID")
    pack_question: str = Field("", description="id of the question in our packs, where it is one of them")

    @field_validator("answer")
    @classmethod
    def _speakable(cls, answer: str) -> str:
        words = tokens(answer)
        if not words:
            raise ValueError("has no answer; remove the row, or give what the person said")
        if len(words) > LONGEST_ANSWER:
            raise ValueError(f"has an answer of {len(words)} words; at most {LONGEST_ANSWER}: split it by question")
        if foreign(answer):
            raise ValueError("is not in English; Vivavoce's prompts and checks are English only so far")
        return answer


class FollowUpRecord(_Row):
    """One follow-up, typed and aimed. `gap`: what it wants to know; `rationale`: why ask.

    `span`: words of the answer that it is about. They are in no prompt: they keep variants and shortened answers true to it.
    """

    probe: str
    span: str = ""
    gap: str = Field(min_length=2)
    follow_up: str = Field(min_length=8)
    rationale: str = ""

    @field_validator("probe")
    @classmethod
    def _known(cls, probe: str) -> str:
        if probe not in PROBES:
            raise ValueError(f"has the unknown probe {probe!r}; known: {', '.join(PROBES)}")
        return probe

    @model_validator(mode="after")
    def _aimed(self) -> Self:
        if self.span and not holds(self.answer, self.span):
            raise ValueError(f"aims at {self.span!r}, which its answer does not hold word for word")
        return self


class CoachingRecord(_Row):
    """Feedback on one answer: the words it rests on, what to do next, and the level 1..5 by the question's anchors."""

    quote: str = Field(min_length=2)
    feedback: str = Field(min_length=20)
    rating: int = Field(ge=1, le=5)

    @model_validator(mode="after")
    def _evidence(self) -> Self:
        if not holds(self.answer, self.quote):
            raise ValueError(f"quotes {self.quote!r}, which its answer does not hold word for word")
        return self


def foreign(text: str) -> bool:
    """Whether a longer text has hardly any of the small words of English, or is in another script."""
    letters = [c for c in text if c.isalpha()]
    if letters and sum(c.isascii() for c in letters) < 0.8 * len(letters):
        return True
    words = tokens(text)
    return len(words) >= 12 and sum(w in STOPWORDS for w in words) < 0.15 * len(words)


def load_follow_ups(path: Path = DATA / "follow_ups.jsonl") -> list[FollowUpRecord]:
    """All records in a file. Raises DataError at the first invalid line."""
    records, problems = read_rows(path, FollowUpRecord)
    return all_good(records, problems)


def load_coaching(path: Path = DATA / "coaching.jsonl") -> list[CoachingRecord]:
    """All coaching records in a file. Raises DataError at the first invalid line."""
    records, problems = read_rows(path, CoachingRecord)
    return all_good(records, problems)


def all_good(records: list[R], problems: Sequence[str]) -> list[R]:
    """The records, if there was no problem. Raises DataError with the first."""
    if problems:
        more = f" (and {len(problems) - 1} more lines)" if len(problems) > 1 else ""
        raise DataError(problems[0] + more)
    return records


def read_rows(path: Path, kind: type[R]) -> tuple[list[R], list[str]]:
    """The good rows of a JSONL file, and a line for each of the others: file, line number, what is wrong."""
    try:
        # Not splitlines: a sentence may contain characters that Unicode treats as line ends.
        lines = read_text(path).split("\n")
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); viva tune data --help says what is needed"
        ) from error
    except NotText as error:
        raise DataError(f"{path} is {error}; it needs one JSON object on each line, in UTF-8") from error
    records: list[R] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            records.append(kind.model_validate(json.loads(line)))
        except ValidationError as error:
            problems.append(f"{path.name} line {number} {reason_of(error)}")
        except ValueError as error:
            problems.append(f"{path.name} line {number} is not JSON ({error})")
    if not records and not problems:
        raise DataError(f"{path} is empty; it needs one JSON object on each line")
    return records, problems


def reason_of(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    text = first["msg"].removeprefix("Value error, ")
    return text if first["type"] == "value_error" else f"{where}: {text}"


def write_rows(path: Path, rows: Iterable[BaseModel]) -> None:
    """One JSON object per line, defaults left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row.model_dump(exclude_defaults=True), ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", "utf-8")
