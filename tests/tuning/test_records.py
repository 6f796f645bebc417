"""The data: Vivavoce's own keeps what it promises, and each bad row is reported in one clear line."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.analysis.language import holds
from dialogue.follow_up.validator import validate
from dialogue.plan.generic import neutral_probes
from dialogue.report.feedback import Feedback, problems_of
from tests.fixed_reader import FixedReader
from tuning.data.augment import augmented, misheard, refilled, truncated
from tuning.data.importers import from_csv
from tuning.data.records import DATA, FollowUpRecord, load_coaching, load_follow_ups, read_rows, write_rows
from tuning.data.scrub import scrubbed
from tuning.data.similarity import deduplicated
from tuning.data.splits import fingerprint, split
from tuning.errors import DataError

SUBFIELDS = {"data-engineering", "deep-learning", "llm-nlp", "machine-learning", "mlops", "problem-solving", "statistics", "system-design"}  # fmt: skip
GOOD = {
    "id": "a",
    "question": "What did you change?",
    "answer": "I rewrote the export and it got faster",
    "probe": "evidence",
    "span": "it got faster",
    "gap": "a measured effect",
    "follow_up": "How much faster did the export get?",
}


def test_our_records_are_many_different_and_speakable() -> None:
    records = load_follow_ups()
    assert len(records) >= 1200 and len({r.question for r in records}) >= 400
    assert {r.subfield for r in records} >= SUBFIELDS | {"behavioural", "general"}
    assert deduplicated(records)[1] == []
    for r in records:
        verdict = validate(r.follow_up, earlier=[r.question])
        assert verdict.valid, (r.id, verdict.problems)
        assert r.rationale


def test_our_coaching_rests_on_what_was_said() -> None:
    records = load_coaching()
    assert len(records) >= 350 and {r.subfield for r in records} == SUBFIELDS
    assert {r.rating for r in records} == {1, 2, 3, 4, 5}
    assert deduplicated(records)[1] == []
    for r in records:
        assert problems_of(Feedback(r.quote, r.feedback, r.rating), r.answer) == [], r.id


def test_the_dataset_card_is_fresh() -> None:
    """`viva tune data --card` writes it; the fingerprints tell if it was forgotten."""
    card = (DATA / "README.md").read_text("utf-8")
    assert fingerprint(load_follow_ups()) in card and fingerprint(load_coaching()) in card


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"answer": ""}, "has no answer"),
        ({"answer": "word " * 50_000, "span": ""}, "at most 1500"),
        ({"answer": "Ich habe den Export neu geschrieben und danach war er viel schneller als zuvor", "span": ""}, "not in English"),
        ({"answer": "я переписал экспорт, и он стал быстрее", "span": ""}, "answer"),
        ({"probe": "gossip"}, "unknown probe"),
        ({"span": "it became quicker"}, "does not hold word for word"),
        ({"follow_up": ""}, "follow_up"),
        ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_a_bad_row_is_one_clear_line(tmp_path: Path, change: dict[str, str], line: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(GOOD) + "\n" + json.dumps(GOOD | change) + "\n" + "{broken\n", "utf-8")
    records, problems = read_rows(path, FollowUpRecord)
    assert len(records) == 1 and len(problems) == 2
    assert problems[0].startswith("rows.jsonl line 2") and line in problems[0] and "\n" not in problems[0]
    assert "line 3 is not JSON" in problems[1]
    with pytest.raises(DataError, match="and 1 more"):
        load_follow_ups(path)


def test_a_file_that_is_not_there_or_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_follow_ups(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(DataError, match="empty"):
        load_follow_ups(tmp_path / "empty.jsonl")


def test_splits_never_divide_a_question_and_hold_still() -> None:
    records = load_follow_ups()
    parts = split(records, (0.8, 0.1, 0.1))
    questions = [{r.question for r in part} for part in parts]
    assert not questions[0] & questions[1] and not questions[0] & questions[2] and not questions[1] & questions[2]
    assert sum(map(len, parts)) == len(records)
    assert 0.7 < len(parts[0]) / len(records) < 0.88 and min(map(len, parts)) > 80
    shuffled = list(records)
    random.Random(1).shuffle(shuffled)
    assert {r.id for r in split(shuffled)[2]} == {r.id for r in parts[2]}
    # A record more, of a question that was not there, moves no other.
    more = [*records, records[0].model_copy(update={"question": "Something entirely new?", "id": "new"})]
    assert {r.id for r in split(more)[2]} - {"new"} == {r.id for r in parts[2]}
    assert {r.id for r in split(records, seed=1)[2]} != {r.id for r in parts[2]}
    assert fingerprint(shuffled) == fingerprint(records) != fingerprint(records[1:])


WORDS = st.lists(st.sampled_from("um I rewrote the cache and their data, because. it was for two the the SQL".split()), min_size=9, max_size=40)  # fmt: skip


@given(WORDS, st.integers(0, 999), st.data())
def test_augmentation_keeps_the_span_word_for_word(words: list[str], seed: int, data: st.DataObject) -> None:
    answer = " ".join(words)
    at = data.draw(st.integers(0, len(words) - 3))
    keep = " ".join(words[at : at + 3])
    for change in (refilled, misheard, truncated):
        assert holds(change(answer, keep, random.Random(seed)), keep)


def test_augmentation_adds_spoken_variants_and_is_repeatable() -> None:
    records = load_follow_ups()[:60]
    more = augmented(records, 3)
    assert more[:60] == records and len(more) > 90 and more == augmented(records, 3) != augmented(records, 4)
    assert all(r.follow_up in {x.follow_up for x in records} for r in more)


def test_near_duplicates_go_and_several_probes_of_one_answer_stay() -> None:
    first = FollowUpRecord(**GOOD)  # type: ignore[arg-type]
    again = first.model_copy(update={"id": "b", "follow_up": "How much faster did the export get then?"})
    other = first.model_copy(update={"id": "c", "probe": "why", "follow_up": "What made you rewrite it at all?"})
    moved = first.model_copy(update={"id": "d", "question": "What else?", "follow_up": "Who asked for that rewrite?"})
    kept, dropped = deduplicated([first, again, other, moved])
    assert [r.id for r in kept] == ["a", "c"] and [(x.id, y.id) for x, y in dropped] == [("b", "a"), ("d", "a")]


async def test_csv_is_imported_cleaned_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "human.csv"
    path.write_text(
        "question,answer,followUp\n"
        '"Tell me about a change.","I rewrote the export because it was slow and it got faster","How much faster is the export now?"\n'
        '"Tell me about a change.","","What?"\n'
        '"Tell me about a change.","I rewrote the export because it was slow","Great! Are you married?"\n'
    )
    reader = FixedReader()
    found = await from_csv(path, reader)
    first = neutral_probes(None)[0]  # what the policy would have asked there
    assert [(r.probe, r.gap, r.span) for r in found.records] == [(first.type, first.asks, "")]
    assert [r.follow_up for r in found.records] == ["How much faster is the export now?"]
    assert "has no answer" in found.left_out[0] and "protected" in found.left_out[1]
    assert len((await from_csv(path, reader, clean=False)).records) == 2
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no column"):
        await from_csv(tmp_path / "wrong.csv", reader)
    write_rows(tmp_path / "out.jsonl", found.records)
    assert load_follow_ups(tmp_path / "out.jsonl") == found.records


def test_personal_data_is_scrubbed() -> None:
    text = "My name is Ana Lopez, mail ana.lopez@example.org or ana at example dot org, +49 170 1234567, Mr. Smith, see https://x.y/z, ask ana"
    clean = scrubbed(text, ["Ana Lopez"])
    assert not any(part in clean for part in ("Ana", "ana", "Lopez", "example", "170", "Smith", "x.y"))
    assert scrubbed("I cut it from 40 to 12 minutes in 2023") == "I cut it from 40 to 12 minutes in 2023"
