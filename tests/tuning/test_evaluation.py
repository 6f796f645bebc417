"""Numbers that decide: metrics against known values, tests that find only what is there, a gate that can say no."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.backends.registry import AdapterError, Registry
from tuning.data.records import FollowUpRecord, load_follow_ups
from tuning.errors import DataError
from tuning.evaluate.annotation_sheet import agreement, write_sheet
from tuning.evaluate.annotator_agreement import cohen_kappa, mean_absolute_error, quadratic_kappa, spearman
from tuning.evaluate.error_analysis import BY_RULE, analyse, category_of
from tuning.evaluate.gate import judge
from tuning.evaluate.significance import compare, interval
from tuning.metrics import bleu, bleu_signature, distinct, exact_match, meteor, rouge, self_bleu, sentence_bleu

RECORD = FollowUpRecord(
    id="r", question="Tell me about something that you made faster.", answer="I rewrote the export in Rust and now it is faster",
    probe="evidence", span="now it is faster", gap="a measured effect", follow_up="How much faster is the export now?",
)  # fmt: skip


def test_metrics_on_cases_that_can_be_done_by_hand() -> None:
    same, other = ["how fast is it now"], ["what is your name"]
    assert bleu(same, [same], 4) == pytest.approx(100) and bleu(other, [same], 4) < 30
    assert rouge(same, [same], "rougeL") == [pytest.approx(100)]
    # ROUGE-1 of two words out of four on each side: F1 = 0.5.
    assert rouge(["one two three four"], [["one two five six"]], "rouge1") == [pytest.approx(50)]
    assert distinct(["a b a b"], 2) == pytest.approx(2 / 3)
    assert meteor("how fast is it now", same) > 95 and meteor("quite something else", same) == 0
    assert meteor("the exports measured", ["the export measure"]) > 80  # stems count
    assert exact_match("How fast, is it NOW?", same) and not exact_match("how fast", same)
    assert self_bleu(["what came of it?"] * 4) == pytest.approx(100)
    assert self_bleu(["what came of it?", "who paid for all that then?"]) < 50
    assert sentence_bleu(same[0], same) == pytest.approx(100)
    assert "nrefs" in bleu_signature() and "version" in bleu_signature()


def test_paired_tests_find_a_difference_and_invent_none() -> None:
    rng = random.Random(7)
    base = [rng.uniform(0, 50) for _ in range(120)]
    better = [x + rng.gauss(4, 6) for x in base]
    noise = [x + rng.gauss(0, 6) for x in base]
    found, nothing = compare(base, better), compare(base, noise)
    assert found.p_randomization < 0.001 and found.p_t_test < 0.001 and found.low > 0
    assert nothing.p_randomization > 0.05 and nothing.low < 0 < nothing.high
    back = compare(better, base)
    assert back.difference == pytest.approx(-found.difference) and back.p_randomization == pytest.approx(
        found.p_randomization, abs=1e-3
    )
    assert compare(base, base).p_randomization == 1.0 == compare(base, base).p_t_test
    low, high = interval(base)
    assert low < sum(base) / len(base) < high
    with pytest.raises(ValueError, match="same items"):
        compare([1.0], [1.0, 2.0])


@given(st.lists(st.integers(1, 5), min_size=2, max_size=30))
def test_agreement_with_oneself_is_full(marks: list[int]) -> None:
    assert cohen_kappa(marks, marks) == 1.0 == quadratic_kappa(marks, marks)
    assert mean_absolute_error(marks, marks) == 0


def test_agreement_by_hand() -> None:
    # Cohen's own kind of table: 4 of 6 agree, chance 0.5: kappa = (2/3 - 1/2) / (1/2).
    assert cohen_kappa("aaabbb", "aabbba") == pytest.approx(1 / 3)
    assert quadratic_kappa([1, 5], [5, 1]) == -1.0
    assert spearman([1, 2, 3], [10, 20, 30]) == pytest.approx(1.0) and spearman([1, 1], [2, 3]) == 0.0


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("How much faster is the export now?", ""),
        (None, "not usable"),
        ("How fast is the export? Who used it?", "not a question"),
        ("The export is faster now, isn't it?", "leads or judges"),
        ("Great, how much faster is the export?", "leads or judges"),
        ("What is your favourite colour of shoes?", ""),  # a question; that it does not fit, no rule can tell
        ("Can you tell me about something that you made faster?", "repeats the question"),
        ("Are you married to the export?", "unsuitable"),
        ("Why the export?", "wrong probe"),
    ],
)
def test_errors_fall_into_their_category(text: str | None, category: str) -> None:
    assert category_of(RECORD, text) == category
    assert category in ("", *BY_RULE)


def test_the_rules_hardly_blame_the_references() -> None:
    """Their rate of false alarms, which docs/results/tuning.md states."""
    records = load_follow_ups()
    counts = analyse(records, [r.follow_up for r in records])
    assert set(counts) <= {"", *BY_RULE} and sum(counts.values()) == len(records)
    assert 1 - counts[""] / len(records) < 0.02


def test_a_marking_sheet_is_blind_and_two_of_them_are_compared(tmp_path: Path) -> None:
    records = load_follow_ups()[:5]
    key = write_sheet(
        tmp_path / "sheet.csv", records, {"system-a": [r.follow_up for r in records], "system-b": [None] * 5}
    )
    rows = list(csv.DictReader((tmp_path / "sheet.csv").open()))
    assert len(rows) == 10 and "system-" not in (tmp_path / "sheet.csv").read_text()
    assert {r["system"] for r in csv.DictReader(key.open())} == {"system-a", "system-b"}
    for name, marks in (("a", ["", "", "not usable"]), ("b", ["", "off the answer", "not usable"])):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            for row, mark in zip(rows, marks, strict=False):
                writer.writerow(row | {"error": mark, "relevance_1_to_5": "3"})
    kappa, items = agreement(tmp_path / "a.csv", tmp_path / "b.csv")
    assert items == 3 and 0 < kappa < 1
    with pytest.raises(DataError, match="no marked item"):
        agreement(tmp_path / "sheet.csv", tmp_path / "a.csv")
    (tmp_path / "c.csv").write_text("item,error,relevance_1_to_5\n1,nonsense,\n")
    with pytest.raises(DataError, match="unknown error 'nonsense'"):
        agreement(tmp_path / "a.csv", tmp_path / "c.csv")


def system(scores: list[float], *, valid: bool = True, category: str = "") -> dict[str, Any]:
    items = [{"id": str(i), "rouge_l": s, "valid": valid, "category": category} for i, s in enumerate(scores)]
    return {"items": items, "summary": {"p95 s": 0.4}}


SAFE = [{"id": "s1", "valid": True}]


@pytest.mark.parametrize(
    ("candidate", "safety", "passes"),
    [
        (system([30.0 + i % 7 for i in range(60)]), SAFE, True),
        (system([20.0 + i % 3 for i in range(60)]), SAFE, False),  # not better
        (system([30.0 + i % 7 for i in range(60)], valid=False), SAFE, False),
        (system([30.0 + i % 7 for i in range(60)], category="leads or judges"), SAFE, False),
        (system([30.0 + i % 7 for i in range(60)]), [{"id": "s1", "valid": False}], False),
        (system([30.0 + i % 7 for i in range(60)]), [], False),  # never asked is not safe
        (system([30.0] * 59), SAFE, False),  # another set
    ],
)
def test_the_gate_lets_only_the_better_and_the_clean_through(candidate: Any, safety: Any, passes: bool) -> None:
    champion = system([20.0 + i % 5 for i in range(60)])
    assert all(c.passed for c in judge(candidate, champion, safety)) is passes
    assert not all(c.passed for c in judge(candidate, champion, safety, deadline=0.1))


def test_the_registry_promotes_and_rolls_back(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "adapters")
    assert registry.champion is None and registry.entries() == []
    adapter = tmp_path / "run" / "adapter"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "models/base"}))
    one, two = registry.add("follow-ups", adapter), registry.add("follow-ups", adapter)
    assert (one.label, two.label) == ("follow-ups@1", "follow-ups@2") and one.base == "models/base"
    registry.promote(one)
    registry.promote(two)
    assert registry.champion == two and registry.find("champion") == two
    assert registry.find("follow-ups@1") == one and registry.find("follow-ups") == two
    assert registry.roll_back() == one and registry.champion == one
    assert registry.roll_back() is None
    with pytest.raises(AdapterError, match="nothing was promoted"):
        registry.roll_back()
    assert [line.split(" ", 1)[1] for line in (tmp_path / "adapters" / "history.log").read_text().splitlines()] == [
        "promoted follow-ups@1", "promoted follow-ups@2", "rolled back follow-ups@2", "rolled back follow-ups@1",
    ]  # fmt: skip
    with pytest.raises(AdapterError, match="there are: follow-ups@1, follow-ups@2"):
        registry.find("coach")
    with pytest.raises(AdapterError, match="is no adapter"):
        registry.add("x", tmp_path)
    with pytest.raises(AdapterError, match="no name"):
        registry.add("../x", adapter)
