"""Reading as a task: rows are asked as in a call, what is to be learnt passes the checks of a call, bad lines are one clear line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from rich.console import Console

from dialogue.understanding.language_model import points_of, probes_of, reading_prompt
from memory.records import untimed
from prompts.loader import load_schema
from tuning.cli.main import main
from tuning.config import TrainConfig
from tuning.data.augment import augmented
from tuning.data.readings import ReadingRecord, load_readings, reading_prompt_of, reading_reply_of
from tuning.data.rows import prompt_of, reply_of, rows_of
from tuning.data.splits import reading_parts
from tuning.errors import DataError, TuneError
from tuning.train.train import parts_of

PROBES = ("evidence", "why", "result", "learned", "depth", "own_part")
QUESTION: dict[str, Any] = {
    "id": "fresh-goods", "competency": "ordering", "kind": "situational", "level": "junior", "difficulty": 2, "seconds": 60, "patience": 6,
    "text": "How do you decide how much fresh fruit to order?", "short": "how much fruit to order",
    "key_points": [{"name": name, "says": says} for name, says in (
        ("past", "They go by what was sold before."), ("count", "They count what is left in the shop."),
        ("adjust", "They change the order as they go."), ("measure", "They look at how much is thrown away."),
    )],
    "anchors": {"1": "By feeling.", "3": "By last week.", "5": "By numbers and checks."},
    "probes": [
        {"type": kind, "text": f"What about the {kind.replace('_', ' ')} of it?", "asks": f"the {kind} behind it", "answered_by": ["It is so."]}
        for kind in PROBES
    ],
}  # fmt: skip
LINE: dict[str, Any] = {
    "id": "fresh-goods", "kind": "half", "full": False,
    "answer": ["I go by last week and, uh, the weather report.", "And I order daily so it never gets too much.", "I count it, no, I never do."],
    "points": {"past": ["said", [0]], "count": ["contradicted", [2]], "adjust": ["said", [0, 1]], "measure": ["absent", []]},
    "probes": ["best", "good", "answered", "beside", "good", "good"],
}  # fmt: skip


@pytest.fixture
def line(tmp_path: Path) -> dict[str, Any]:
    """A labelled answer to a question of a pack of its own."""
    pack = tmp_path / "shop.yaml"
    pack.write_text(yaml.safe_dump({"name": "shop", "title": "Shop", "language": "en", "questions": [QUESTION]}))
    return {**LINE, "pack": str(pack)}


def written(tmp_path: Path, *lines: dict[str, Any]) -> Path:
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_it_is_asked_as_in_a_call_and_what_it_learns_would_be_believed(line: dict[str, Any], tmp_path: Path) -> None:
    (record,) = load_readings(written(tmp_path, line))
    words = " ".join(line["answer"]).split()
    assert reading_prompt_of(record) == reading_prompt(record.planned, words) == prompt_of(record)
    reply = json.loads(reading_reply_of(record))
    assert reply == json.loads(reply_of(record))
    jsonschema.validate(reply, load_schema("reading.schema.json"))
    assert [p["quote"] for p in reply["points"]] == [
        line["answer"][0],
        line["answer"][2],
        " ".join(line["answer"][:2]),
        "",
    ]
    assert [(p["state"], p["worth"]) for p in reply["probes"]] == [
        ("open", 9), ("open", 5), ("answered", 0), ("beside", 0), ("open", 5), ("open", 5),
    ]  # fmt: skip
    read = points_of(reply["points"], record.planned, untimed(" ".join(words)), range(len(words)))
    assert [p.state for p in read] == ["said", "contradicted", "said", "not_found"]
    probes = probes_of(reply["probes"], record.planned.probes)
    assert [p.state for p in probes] == ["open", "open", "answered", "beside", "open", "open"] and probes[
        0
    ].worth == 0.9


def test_a_quote_is_in_one_piece_and_one_word_is_none(line: dict[str, Any]) -> None:
    apart = {**line, "points": {**line["points"], "adjust": ["said", [0, 2]]}}
    assert json.loads(reading_reply_of(ReadingRecord.model_validate(apart)))["points"][2]["quote"] == line["answer"][0]
    short = {**line, "answer": ["Yes.", *line["answer"][1:]]}
    assert json.loads(reading_reply_of(ReadingRecord.model_validate(short)))["points"][0] == {
        "point": 1,
        "state": "unsure",
        "quote": "",
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "other"}, "is about 'other', which the pack"),
        ({"points": {"past": ["said", [0]]}}, "fresh-goods has past, count, adjust, measure"),
        ({"probes": ["best"]}, "labels 1 probes; fresh-goods has 6"),
        (
            {"points": {**LINE["points"], "past": ["said", [3]]}},
            "shows 'past' .said. by the sentences .3.; there are 3",
        ),
        ({"points": {**LINE["points"], "past": ["said", []]}}, "shows 'past'"),
        ({"points": {**LINE["points"], "measure": ["absent", [1]]}}, "shows 'measure'"),
        ({"probes": ["fine"] * 6}, "probes"),
    ],
)
def test_a_line_that_does_not_fit_its_question_is_named(
    line: dict[str, Any], change: Any, words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        load_readings(written(tmp_path, line, {**line, **change}))
    assert str(caught.value).startswith("answers.jsonl line 2") and "\n" not in str(caught.value)


def test_it_is_a_task_of_its_own_whole_and_without_variants(line: dict[str, Any], tmp_path: Path) -> None:
    config = TrainConfig.model_validate({"base": "tiny", "task": "reading", "data": str(written(tmp_path, line, line))})
    parts = parts_of(config)
    assert [len(p) for p in parts] == [len(p) for p in reading_parts(config)] and sum(map(len, parts)) == 2
    assert max(map(len, parts)) == 2  # one question is on one side
    records = [r for part in parts for r in part]
    assert augmented(records) == records

    def length(asked: Any, reply: str) -> int:
        return len(str(asked)) + len(reply)

    assert len(rows_of(records, chat=True, length=length, limit=10_000).rows) == 2
    assert rows_of(records, chat=True, length=length, limit=500).left_out == ["fresh-goods"] * 2


def test_our_answers_are_read_in_full() -> None:
    records = load_readings()
    assert len(records) > 1500 and len({r.question for r in records}) > 300
    for r in records:
        reply = json.loads(reading_reply_of(r))
        read = points_of(reply["points"], r.planned, untimed(" ".join(r.words)), range(len(r.words)))
        assert [p.state for p in read] == [p["state"] for p in reply["points"]], r.id


def test_a_run_that_reads_is_not_evaluated_on_follow_ups(tmp_path: Path) -> None:
    run = tmp_path / "seed-0"
    run.mkdir()
    (run / "config.yaml").write_text(
        yaml.safe_dump(TrainConfig.model_validate({"base": "tiny", "task": "reading"}).model_dump())
    )
    (run / "run.json").write_text(json.dumps({"base": "b", "seed": 0}))
    with pytest.raises(TuneError, match="learnt to read answers"):
        main(["eval", str(run), "--out", str(tmp_path / "out")], tmp_path, list, "", Console(quiet=True))
