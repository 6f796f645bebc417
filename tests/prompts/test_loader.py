"""Packs: the shipped one is sound, and errors in a broken one are reported by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dialogue.follow_up.validator import validate
from dialogue.plan.plan import PlanError, draw, questions_of
from dialogue.report.schema import report_schema
from prompts.loader import PromptError, load_pack, load_phrases, load_schema

VALID = Path("prompts/packs/phone-screen.yaml").read_text("utf-8") if Path("prompts").is_dir() else ""


def test_the_first_pack_has_what_it_promises() -> None:
    questions = draw(questions_of(load_pack("phone-screen")), minutes=1, probes=0, count=99)
    assert len(questions) >= 24
    assert {"behavioural", "technical"} <= {q.kind for q in questions}
    for q in questions:
        assert {1, 3, 5} <= set(q.anchors) and len(q.probes) >= 6 and len(q.key_points) >= 2
        for probe in q.probes:
            verdict = validate(probe.text, earlier=[q.text])
            assert verdict.valid, (q.id, probe.text, verdict.problems)


def test_nothing_the_interviewer_says_judges() -> None:
    phrases = load_phrases()
    for text in [*phrases["acknowledgements"], *phrases["transitions"]]:
        assert "judges the answer" not in validate(f"{text} What happened?", earlier=[]).problems


@pytest.mark.parametrize(
    ("change", "at", "words"),
    [
        (
            lambda s: s.replace("difficulty: 2", "difficulty: 9", 1),
            "    difficulty: 2",
            "9 is greater than the maximum",
        ),
        (lambda s: s.replace("    kind: behavioural", "    kind: funny", 1), "    kind: behavioural", "funny"),
        (lambda s: s.replace("    seconds: 60\n", "", 1), "  - id: improved-process", "seconds"),
        (lambda s: s.replace("id: mistake", "id: disagreement", 1), "  - id: mistake", "used twice"),
        (lambda s: s.replace("title: phone screen", "title: [phone", 1), "", "not valid YAML"),
        (lambda s: "", "", "is empty"),
    ],
)
def test_a_broken_pack_is_told_by_file_and_line(change: object, at: str, words: str, tmp_path: Path) -> None:
    """`at`: the line of the sound pack that is spoilt."""
    assert callable(change)
    line = VALID.splitlines().index(at) + 1 if at else 0
    path = tmp_path / "pack.yaml"
    path.write_text(change(VALID), "utf-8")
    with pytest.raises(PromptError, match=words) as caught:
        load_pack(str(path))
    where = str(caught.value).split(":")[1]
    assert str(caught.value).startswith(f"{path}:")
    assert where.isdigit() and (line == 0 or abs(int(where) - line) <= 2), str(caught.value)


def test_a_pack_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(PromptError, match="phone-screen"):
        load_pack("no-such-pack")


def test_plans_repeat_and_fit_their_time() -> None:
    pack = questions_of(load_pack("phone-screen"))
    assert draw(pack, minutes=10, probes=1, seed=4) == draw(pack, minutes=10, probes=1, seed=4)
    assert draw(pack, minutes=10, probes=1, seed=4) != draw(pack, minutes=10, probes=1, seed=5)
    for minutes in (3, 10, 20):
        chosen = draw(pack, minutes=minutes, probes=1)
        assert chosen and sum(q.seconds * 1.6 + 25 for q in chosen[1:]) <= minutes * 60
        assert [q.difficulty for q in chosen] == sorted(q.difficulty for q in chosen)
    with pytest.raises(PlanError, match="mistake"):
        draw(pack, minutes=5, probes=1, ids=["nothing"])


def test_the_report_schema_on_disk_is_the_models() -> None:
    assert load_schema("report.schema.json") == report_schema(), "run `make schema`"


def test_a_question_with_two_probes_is_one_clear_line(tmp_path: Path) -> None:
    pack = load_pack("phone-screen")
    pack["questions"] = [{**pack["questions"][0], "probes": pack["questions"][0]["probes"][:2]}]
    path = tmp_path / "two.yaml"
    path.write_text(yaml.safe_dump(pack), "utf-8")
    with pytest.raises(PromptError, match=r"two\.yaml:\d+: questions\.0\.probes: has 2, and needs 6 or more"):
        load_pack(str(path))
