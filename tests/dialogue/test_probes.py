"""A follow-up's kind and aim are values: no words in a pack can be mistaken for one of them."""

from __future__ import annotations

import pytest

from dialogue.analysis import second_person
from dialogue.follow_up import frames
from dialogue.follow_up.phraser import candidates
from dialogue.follow_up.policy import Decision
from dialogue.follow_up.probes import Aim, BackToQuestion, Missing, Occasion, ProbeType, aim_of
from memory.events import Followed, decode, encode
from memory.records import PlannedQuestion
from prompts.loader import load_pack, pack_names
from tests.dialogue.helpers import agreed, conversation
from tuning.data.records import PROBES

ANSWER = "I moved the reporting pipeline to streaming and it improved the work of the analysts in the whole company."
[QUESTION] = agreed(["improved-process"]).questions


def worded(question: PlannedQuestion, aim: Aim) -> list[str]:
    return [c.text for c in candidates(Decision("probe", question, ProbeType.ELABORATE, aim), ANSWER)]


def test_a_key_point_with_the_name_of_an_aim_stays_a_key_point() -> None:
    back = [f.format(short=QUESTION.short) for f in frames.BACK]
    assert worded(QUESTION, BackToQuestion(QUESTION.short)) == back
    assert not set(back) & set(worded(QUESTION, Missing(QUESTION.short)))
    clause = "you moved the reporting pipeline to streaming"
    about_it = {f.format(clause=clause) for f in frames.CLAUSE["elaborate"]}
    assert about_it <= set(worded(QUESTION, Missing(Occasion.gap)))
    assert not about_it & set(worded(QUESTION, Occasion()))


def test_a_question_whose_short_form_is_empty_is_not_led_back_to() -> None:
    nameless = QUESTION.model_copy(update={"short": ""})
    assert any("reporting pipeline" in text for text in worded(nameless, Missing("")))


@pytest.mark.parametrize("aim", [Missing("the reason"), Occasion(), BackToQuestion(QUESTION.short)])
def test_the_gap_of_a_log_is_read_back_as_its_aim(aim: Aim) -> None:
    assert aim_of(aim.gap, QUESTION.short) == aim


def test_the_log_holds_plain_text_as_before() -> None:
    call = conversation(ids=["improved-process"])
    call.open()
    call.answer(ANSWER)
    followed = next(e for e in call.events if isinstance(e, Followed))
    assert type(followed.probe) is str and type(followed.gap) is str
    old = encode(followed).replace(f'"{followed.probe}"', '"of an older version"')
    assert decode(old).probe == "of an older version"  # type: ignore[union-attr]


def test_every_kind_that_authors_and_records_use_is_known() -> None:
    prepared = {probe["type"] for name in pack_names() for q in load_pack(name)["questions"] for probe in q["probes"]}
    known = set(ProbeType)
    assert prepared and prepared <= known and set(PROBES) <= known
    for table in (frames.CLAUSE, frames.TOPIC, frames.QUOTE):
        assert set(table) <= known


def test_the_clauses_of_an_answer_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the policy among the words that count, and once more whole: for the follow-up and for the words before it."""
    read: list[int] = []
    clean = second_person._clean

    def counted(words: object) -> object:
        read.append(len(words))  # type: ignore[arg-type]
        return clean(words)  # type: ignore[arg-type]

    monkeypatch.setattr(second_person, "_clean", counted)
    call = conversation(ids=["improved-process"])
    call.open()
    call.answer(ANSWER)
    assert any(isinstance(e, Followed) for e in call.events)
    assert 1 <= len(read) <= 2
