"""CSV and JSONL as written by Excel and editors; and nothing that somebody has worked on is overwritten."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.fixed_reader import FixedReader
from tuning.cli.main import main
from tuning.config import load_config
from tuning.data.importers import from_csv
from tuning.data.records import FollowUpRecord, load_follow_ups, read_rows, write_rows
from tuning.data.tables import read_table
from tuning.errors import DataError, TuneError
from tuning.evaluate.annotation_sheet import agreement, check_sheet, write_sheet
from tuning.places import new_folder

QUESTION = "What did you change at the café?"
ANSWER = "I moved the nightly job; the “load” was smaller, and the cooks liked it.\nThen we measured it again."
FOLLOW_UP = "How did you measure the load?"


def _csv(delimiter: str, head: str = "question{0}answer{0}followUp") -> str:
    return f'{head.format(delimiter)}\r\n{QUESTION}{delimiter}"{ANSWER}"{delimiter}{FOLLOW_UP}\r\n'


@pytest.mark.parametrize(
    "written",
    [
        _csv(",").encode(),
        _csv(",").encode("utf-8-sig"),
        _csv(";").encode("utf-8-sig"),
        _csv(";").encode("cp1252"),
        _csv("\t").encode("utf-16"),
        ("sep=;\r\n" + _csv(";")).encode("utf-8-sig"),
        _csv(",", "Question{0}Answer{0}Follow_Up").encode(),
    ],
)
async def test_a_csv_as_excel_writes_it(written: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(written)
    found = await from_csv(tmp_path / "mine.csv", FixedReader())
    assert not found.left_out
    (record,) = found.records
    assert (record.question, record.follow_up) == (QUESTION, FOLLOW_UP)
    assert "“load” was smaller" in record.answer and record.id == "mine-2"


async def test_the_line_that_is_named_is_the_line_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(_csv(",") + f"{QUESTION},,{FOLLOW_UP}\n")
    found = await from_csv(tmp_path / "mine.csv", FixedReader())
    assert found.left_out[0].startswith("mine.csv line 4 ")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (b"question;answer\nWhy?;So\n", "no column followUp"),
        (b"", "no column"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "not text"),
        (b'question,answer,followUp\n"open,', "left out"),
    ],
)
async def test_a_csv_that_is_none_is_one_clear_line(written: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(written)
    if words == "left out":
        assert (await from_csv(tmp_path / "mine.csv", FixedReader())).left_out
        return
    with pytest.raises(DataError, match=words):
        await from_csv(tmp_path / "mine.csv", FixedReader())


@given(data=st.binary(max_size=300))
def test_any_bytes_are_a_table_or_one_clear_line(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("csv") / "any.csv"
    path.write_bytes(b"a,b\n" + data)
    with contextlib.suppress(DataError):
        read_table(path, ("a", "b"))


def record(text: str = FOLLOW_UP) -> FollowUpRecord:
    return FollowUpRecord.model_validate(
        {"id": "a-1", "question": QUESTION, "answer": ANSWER, "follow_up": text, "source": "a", "probe": "elaborate", "span": "",
         "gap": "more detail"}
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_jsonl_comes_back_whatever_is_in_its_sentences(encoding: str, tmp_path: Path) -> None:
    row = record().model_copy(update={"answer": "One line\u2028and the next\u0085and more."})
    write_rows(tmp_path / "rows.jsonl", [row, row])
    text = (tmp_path / "rows.jsonl").read_text("utf-8")
    (tmp_path / "rows.jsonl").write_bytes(text.replace("\n", "\r\n").encode(encoding))
    found, problems = read_rows(tmp_path / "rows.jsonl", FollowUpRecord)
    assert not problems and [r.answer for r in found] == [row.answer] * 2


def test_a_sheet_filled_in_with_excel_is_compared_and_never_overwritten(tmp_path: Path) -> None:
    records = [record()]
    path = tmp_path / "marking.csv"
    write_sheet(path, records, {"ours": [FOLLOW_UP]})
    check_sheet(path)  # nobody has marked anything yet
    fresh = path.read_text("utf-8-sig")
    filled = fresh.replace(",", ";").rstrip("\r\n")[:-1] + ";4\r\n"
    for name, encoding in (("a.csv", "cp1252"), ("b.csv", "utf-8-sig")):
        (tmp_path / name).write_bytes(filled.encode(encoding))
        with pytest.raises(DataError, match="by hand"):
            check_sheet(tmp_path / name)
    assert agreement(tmp_path / "a.csv", tmp_path / "b.csv")[1] == 1


def test_what_is_there_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuning.cli.data.EmbeddedReader", FixedReader)
    source = tmp_path / "mine.csv"
    source.write_text(_csv(","))
    edited = tmp_path / "edited.jsonl"
    write_rows(edited, [record("What did the cooks say about it?")])
    for place in (source, edited):
        before = place.read_bytes()
        with pytest.raises(TuneError, match="is there already"):
            main(["data", "--csv", str(source), "--out", str(place)], tmp_path, list, "", Console(quiet=True))
        assert place.read_bytes() == before
    assert (
        main(
            ["data", "--csv", str(source), "--out", str(tmp_path / "new.jsonl")],
            tmp_path,
            list,
            "",
            Console(quiet=True),
        )
        == 0
    )
    assert len(load_follow_ups(tmp_path / "new.jsonl")) == 1
    base = tmp_path / "base"
    base.mkdir()
    (base / "model.safetensors").write_text("weights")
    for arguments in (["export", "run", "--merge", str(base)], ["prefer", "dpo", "run", "--out", str(base)]):
        with pytest.raises(TuneError, match="not empty"):
            main(arguments, tmp_path, list, "", Console(quiet=True))
    new_folder(tmp_path / "another")
    (base / "table.md").write_text("mine")
    with pytest.raises(TuneError, match="not ours"):
        main(["eval", "--out", str(base)], tmp_path, list, "", Console(quiet=True))


@pytest.mark.parametrize(
    ("written", "words"), [(b"[1, 2]", "no fields"), (b"\xff\xd8\xff\xe0\x00\x10", "UTF-8"), (b"a: [", "not YAML")]
)
def test_a_config_that_is_none_is_one_clear_line(written: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(written)
    with pytest.raises(DataError, match=words):
        load_config(str(tmp_path / "mine.yaml"))


def test_a_config_with_a_mark(tmp_path: Path) -> None:
    preset = json.dumps({"base": "x"})
    (tmp_path / "mine.yaml").write_bytes(preset.encode("utf-16"))
    assert load_config(str(tmp_path / "mine.yaml")).base == "x"
