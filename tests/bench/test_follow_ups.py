"""The blind sheet: nobody can see whose a row is, nothing that was trained on is asked about, and marks are counted right."""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench import follow_ups
from bench.follow_up_answers import PEOPLE, human_items, own_items, seen_in_training
from bench.marks import MARKS, USABLE, read_key, read_marks, report
from bench.shares import wilson
from bench.sheet import GUIDE
from dialogue.backends.base import Prompt
from tests.fixed_reader import FixedReader
from tuning.data.packs import known_questions
from tuning.errors import DataError, TuneError
from tuning.reader.rows import key_of

QUESTIONS = [f"Tell me about change number {n}, please." for n in range(12)]
HELD = [q for q in QUESTIONS if zlib.crc32(q.encode()) % 3 == 0]
ANSWER = "We moved the store,\tand then it was calm again."


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small followQG, with two human follow-ups to each answer."""
    folder = tmp_path / "data" / "followqg"
    folder.mkdir(parents=True)
    with (folder / "followqg.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("question", "answer", "followUp"))
        for q in QUESTIONS:
            writer.writerows([(q, ANSWER, "Who  carried the boxes?"), (q, ANSWER, "Why then?"), (q, "", "Nothing?")])
    monkeypatch.setenv("VIVA_DATA", str(folder.parent))
    monkeypatch.setattr(follow_ups, "EmbeddedReader", FixedReader)
    return folder / "followqg.csv"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.jsonl"
    lines = [
        {"question": "mistake", "answer": "I deleted a table and told nobody for an hour."},
        {
            "pack": "phone-screen",
            "id": "improved-process",
            "answer": ["I rewrote the export.", "It is faster."],
            "kind": "usual",
        },
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def rows_in(sheet: Path) -> list[dict[str, str]]:
    with sheet.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_the_sheet_says_nothing_of_engines_and_the_key_says_all(data: Path, own: Path, tmp_path: Path) -> None:
    assert 0 < len(HELD) < len(QUESTIONS)
    folder = tmp_path / "sheet"
    follow_ups.main(["--sheet", str(folder), "--answers", str(own), "--seed", "3"])
    rows, key = rows_in(folder / "sheet.tsv"), read_key(folder)
    assert list(rows[0]) == ["row", "question", "answer", "follow_up"]
    assert [r["row"] for r in rows] == list(key["rows"]) == [str(n) for n in range(1, len(rows) + 1)]
    shown = (folder / "sheet.tsv").read_text() + (folder / "guide.md").read_text()
    assert not re.search("embedded|authored|human|fixed reader", shown)
    # The reader's choice is the first probe here, so it shares a row with "first authored"; a person asked another.
    engines = sorted(tuple(r["engines"]) for r in key["rows"].values())
    assert engines == [("embedded", "first authored")] * (len(HELD) + 2) + [("human",)] * len(HELD)
    assert {r["question"] for r in rows if r["answer"].startswith("We moved")} == set(HELD)
    assert "Who carried the boxes?" in {r["follow_up"] for r in rows} and "Why then?" not in shown
    assert len(key["made"]["fitted"]) == 4 and "2 answers to 2 questions" in key["made"]["fitted"][3]
    # Mixed, but the same for the same seed; and nothing is written over.
    assert [r["set"] for r in key["rows"].values()] != sorted(r["set"] for r in key["rows"].values())
    follow_ups.main(["--sheet", str(tmp_path / "again"), "--answers", str(own), "--seed", "3"])
    assert (tmp_path / "again" / "sheet.tsv").read_bytes() == (folder / "sheet.tsv").read_bytes()
    with pytest.raises(TuneError, match="not empty"):
        follow_ups.main(["--sheet", str(folder), "--answers", str(own)])


def test_where_it_decides_not_to_ask_there_is_no_row_but_a_count(
    data: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {p.text for p in known_questions()["mistake"].probes}
    monkeypatch.setattr(follow_ups, "EmbeddedReader", lambda: FixedReader(answered=told))
    follow_ups.main(["--sheet", str(tmp_path / "s"), "--answers", str(own), "--limit", "2"])
    key = read_key(tmp_path / "s")
    assert key["skipped"] == {"answers to our packs": {"embedded": 1}}
    assert sum(r["set"] == PEOPLE for r in key["rows"].values()) == 4  # two answers, each with a person's


class Talker:
    """Says one thing as a follow-up, and prefers it to the author's."""

    name = "talker"

    async def complete(self, prompt: Prompt) -> str:
        if prompt.schema and "better" in prompt.schema["properties"]:
            return json.dumps({"better": "first" if "First follow-up: Who paid" in prompt.user else "second"})
        return '{"follow_up": "Who paid for that move?"}'

    async def close(self) -> None: ...


def test_a_named_model_takes_part_and_hears_nothing_private(
    data: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    class Listening(Talker):
        async def complete(self, prompt: Prompt) -> str:
            heard.append(prompt.user)
            return await super().complete(prompt)

    monkeypatch.setattr(follow_ups, "load_model", lambda settings, choice: Listening())
    monkeypatch.setattr(follow_ups, "reader_for", lambda settings, model: FixedReader(private="deleted"))
    follow_ups.main(["--sheet", str(tmp_path / "s"), "--answers", str(own)])
    key, rows = read_key(tmp_path / "s"), rows_in(tmp_path / "s" / "sheet.tsv")
    models = [rows[int(n) - 1] for n, r in key["rows"].items() if "model" in r["engines"]]
    assert len(models) == len(HELD) + 2 and key["made"]["model"] == "talker"
    # Of the answer that is private as a whole it hears nothing, so there the author's words stand.
    assert sum(r["follow_up"] == "Who paid for that move?" for r in models) == len(models) - 1
    assert heard and not any("deleted a table" in user for user in heard)


def test_only_the_held_out_questions_are_asked_and_none_was_trained_on(data: Path) -> None:
    people = human_items(data)
    assert [i.question.text for i in people] == HELD and seen_in_training(people, data) == (0, 0)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{broken", "line 1 is no answer"),
        ('{"question": "nobody-asks-this", "answer": "Yes."}', "nobody-asks-this"),
        ('{"pack": "phone-screen", "id": "none-such", "answer": "Yes."}', "none-such"),
        ('{"question": "mistake", "answer": " "}', "empty answer"),
        ("", "holds no answer"),
    ],
)
def test_answers_that_are_none_are_one_clear_line(line: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(line)
    with pytest.raises(DataError, match=words) as caught:
        own_items(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="cannot be read"):
        own_items(tmp_path / "none.jsonl")


KEY: dict[str, Any] = {
    "made": {"machine": "a machine", "seed": 0, "fitted": ["embedded: on little"]},
    "skipped": {"a": {"embedded": 3}, "b": {"model": 2}},
    "rows": {
        "1": {"set": "a", "answer": "x", "engines": ["embedded"]},
        "2": {"set": "a", "answer": "x", "engines": ["embedded", "first authored"]},
        "3": {"set": "b", "answer": "y", "engines": ["human"]},
        "4": {"set": "b", "answer": "z", "engines": ["human"]},
    },
}


def test_marks_are_counted_by_hand() -> None:
    one = dict(enumerate(("good", "acceptable", "odd", "harmful"), 1))
    two = dict(enumerate(("good", "odd", "odd", "wrong"), 1))
    text = report(KEY, one, two, "Two people")
    assert (
        "| embedded | 2 | 3 | 100.0 % (34.2 to 100.0; 2 of 2) | 50.0 % (9.5 to 90.5; 1 of 2) | 50.0 % (9.5 to 90.5; 1 of 2) | 0 |"
        in text
    )
    assert (
        "| human | 2 | 0 | 0.0 % (0.0 to 65.8; 0 of 2) | 0.0 % (0.0 to 65.8; 0 of 2) | 0.0 % (0.0 to 65.8; 0 of 2) | 1 |"
        in text
    )
    assert "| model | 0 | 2 | – | – | – | 0 |" in text
    assert "| human | 0 / 0 | 0 / 0 | 1 / 1 | 0 / 1 | 0 / 0 | 0 / 0 | 1 / 0 |" in text
    # 3 of 4 agree on usable (chance 0.5), 2 of 4 on the mark (chance 3/16).
    assert "| all | 4 | 75 % | 0.50 | 50 % | 0.38 |" in text
    assert "Two people marked 4 follow-ups" in text and "embedded: on little" in text


def test_wilson_against_known_values() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4) and wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(500, 1000)
    assert low == pytest.approx(1 - high) and high - low < 0.063


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("1\tgood\n2\tgood\n3\tnice\n4\tgood\n", "line 4: 'nice' is no mark; the marks are good, acceptable"),
        ("1\tgood\n2\tgood\n4\tgood\n", "no mark for row 3; mark every row"),
        ("1\tgood\n2\tgood\n3\t\n4\tgood\n", "no mark for row 3"),
        ("1\tgood\n2\tgood\n3\todd\n4\tgood\n5\todd\n", "line 6: the sheet has no row '5'"),
        ("1\tgood\n1\tgood\n", "line 3: row 1 is marked twice"),
        ("one\tgood\n", "no row 'one'"),
    ],
)
def test_a_bad_mark_is_one_clear_line(lines: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "marks.tsv"
    path.write_text("row\tmark\n" + lines)
    with pytest.raises(DataError, match=re.escape(words)) as caught:
        read_marks(path, map(int, KEY["rows"]))
    assert "\n" not in str(caught.value)


def test_from_a_marked_copy_of_the_sheet_to_the_page(
    data: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, page = tmp_path / "sheet", tmp_path / "follow-ups.md"
    monkeypatch.setattr(follow_ups, "RESULTS", page)
    with pytest.raises(DataError, match="holds no sheet"):
        follow_ups.main(["--marks", str(folder), "a.tsv", "b.tsv"])
    follow_ups.main(["--sheet", str(folder), "--answers", str(own)])
    rows = rows_in(folder / "sheet.tsv")
    for name, marks in (("a.csv", ["good"]), ("b.csv", ["Already_said", "good"])):
        written = io.StringIO()
        writer = csv.DictWriter(written, [*rows[0], "mark"], delimiter=";")
        writer.writeheader()
        writer.writerows(row | {"mark": marks[i % len(marks)]} for i, row in enumerate(rows))
        (tmp_path / name).write_text(written.getvalue(), "utf-8-sig")
    arguments = ["--marks", str(folder), str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), "--readers", "Two clerks"]
    follow_ups.main(arguments)
    assert "Two clerks marked" in page.read_text() and "## Human interviews (followQG)" in page.read_text()


def test_every_mark_is_in_the_guide_with_an_example() -> None:
    table = [line.split("|") for line in GUIDE.read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    assert [cells[1].strip() for cells in table] == list(MARKS) and set(MARKS) > USABLE
    assert all(len(cells[2].split()) > 5 and '"' in cells[3] for cells in table)


def test_without_human_interviews_it_says_so(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIVA_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(follow_ups, "EmbeddedReader", FixedReader)
    monkeypatch.setattr(follow_ups, "Console", lambda: Console(width=300))
    follow_ups.main(["--sheet", str(tmp_path / "s"), "--answers", str(own)])
    assert "no human interviews" in capsys.readouterr().out


def test_an_answer_of_training_is_found_in_every_file_of_it(
    data: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = own_items(own)
    for name, lines in (
        ("READINGS", [{"id": "improved-process", "answer": ["I rewrote the export.", "It is faster."]}]),
        ("NEUTRAL_PACKS", [{"id": "mistake", "answer": "Something else."}]),
        ("NEUTRAL", [{"key": key_of(HELD[0], ANSWER)}]),
    ):
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
        monkeypatch.setattr(f"bench.follow_up_answers.{name}", tmp_path / name)
    assert seen_in_training(items, data) == (1, 2)
    assert seen_in_training(human_items(data), data) == (1, 1)
