"""The embedded phraser: every frame is sound, the candidate's words are turned correctly, nothing wears out."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.follow_ups import PER_INTERVIEW, decision_of, embedded, held_out_items
from dialogue.analysis.consistency import contradiction
from dialogue.analysis.reading import Reader
from dialogue.analysis.second_person import SaidBack
from dialogue.follow_up import frames
from dialogue.follow_up.phraser import acknowledge, opening, short_quote
from dialogue.follow_up.validator import grounded, validate
from memory.records import Word
from prompts.loader import load_phrases
from tests.dialogue.helpers import conversation
from tuning.metrics import distinct

VALUES = {
    "clause": "you moved the reporting pipeline to streaming", "topic": "the reporting pipeline", "quote": "I moved the reporting pipeline",
    "gap": "the reporting pipeline", "before": "a team of five engineers", "now": "twelve engineers in the pipeline", "short": "What did you do?",
}  # fmt: skip
HEARD = "I moved the reporting pipeline to streaming with twelve engineers and a team of five."


def said(text: str, confidence: float | None = None) -> list[Word]:
    return [Word(text=w, start=i / 3, end=i / 3 + 0.3, confidence=confidence) for i, w in enumerate(text.split())]


@pytest.mark.parametrize(("slot", "frame"), frames.all_frames())
def test_every_frame_makes_a_valid_question(slot: str, frame: str) -> None:
    text = frame.format(**VALUES)
    assert validate(text, span=HEARD, gap="the reporting pipeline", earlier=[], heard=HEARD).problems == ()
    assert frames.shape(frame).fullmatch(text), "a used frame is recognised"


@pytest.mark.parametrize(
    ("heard", "turned"),
    [
        (
            "so I, uh, I moved the the reporting pipeline to streaming because it was late.",
            ["you moved the reporting pipeline to streaming"],
        ),
        (
            "We rolled back the release, and I told my manager at once.",
            ["you rolled back the release", "you told your manager at once"],
        ),
        (
            "I was selected as a project lead for that project.",
            ["you were selected as a project lead"],
        ),
        ("I've worked with our largest customers for years.", ["you've worked with your largest customers for years"]),
        ("I handle pressure quite well. The rest is luck.", []),
        ("They moved the table and you know how that goes.", []),
        ("I think I want to be", []),
    ],
)
def test_clauses_are_turned(heard: str, turned: list[str]) -> None:
    assert SaidBack(said(heard)).clauses == turned


def test_statements_in_the_present_are_turned() -> None:
    # "well" is taken for the filler that it mostly is.
    assert SaidBack(said("I handle pressure quite well. The rest is luck.")).statements == ["you handle pressure quite"]
    assert SaidBack(said("I prefer to be respected by my team.")).statements == [
        "you prefer to be respected by your team"
    ]


def test_words_that_were_hardly_understood_are_not_said_back() -> None:
    assert SaidBack(said("I moved the reporting pipeline to streaming.", 0.3)).clauses == []


def test_we_stays_the_team_where_the_own_part_is_asked() -> None:
    assert SaidBack(said("We rolled back the release at night.")).team_clauses == [
        "the team rolled back the release at night"
    ]


def test_a_quote_ends_where_the_thought_does() -> None:
    assert short_quote("lack of time management, the reason why I failed") == "lack of time management"
    assert short_quote("I would like to be of") == "I would like"
    assert short_quote("it is") == ""


def test_an_interview_of_our_own_answers_wears_nothing_out() -> None:
    """The goals of the phraser, on answers that it was not made with (bench/follow_ups.py prints them all)."""
    asked: list[str] = []
    every: list[str] = []
    strict = 0
    for i, item in enumerate(held_out_items()):
        if i % PER_INTERVIEW == 0:
            asked = []
        decision = decision_of(item)
        text = asyncio.run(embedded(decision, item, asked))
        assert text is not None
        prepared = any(p.text == text for p in item.question.probes)
        span = decision.span.quote if decision.span else ""
        assert validate(text, span=span, gap=text if prepared else decision.gap, earlier=asked, heard=item.answer).valid
        strict += grounded(text, span, decision.gap, item.answer)
        asked.append(text)
        every.append(text)
        assert max(Counter(map(opening, asked)).values()) <= 2
    assert strict / len(every) >= 0.95
    assert distinct(every, 2) >= 0.6


def test_acknowledgements_never_judge_and_take_turns() -> None:
    fixed = load_phrases()["acknowledgements"]
    leads: list[str] = []
    for i in range(20):
        lead = acknowledge(
            "the reporting pipeline" if i % 2 else "", SaidBack(said(HEARD)).clauses if i % 3 else [], fixed, leads
        )
        assert (
            "judges the answer"
            not in validate(f"{lead} What happened then?", span="", gap="happened", earlier=[]).problems
        )
        assert not leads or lead != leads[-1]
        leads.append(lead)
    assert len(set(leads)) >= 8


def test_two_numbers_of_one_thing_are_asked_about_neutrally() -> None:
    first, second = Reader(said("I led a team of five in Berlin.")), Reader(said("Our team of twelve was too large."))
    found = contradiction([first], second)
    assert found is not None and (found[0].number, found[1].number) == (5, 12)
    assert contradiction([first], Reader(said("It took five weeks and twelve meetings."))) is None
    call = conversation(ids=["improved-process", "disagreement"])
    call.open()
    call.answer(
        "I led a team of five engineers and I automated the nightly exports because it was slow, and we saved hours in the end."
    )
    while call.state.awaiting.question == "improved-process":
        call.answer("It took two weeks of work.")
    text = call.answer("My team of twelve wanted to keep the old way and I argued against it in a meeting last year.")
    assert "team of five" in text and "team of twelve" in text and text.endswith("?")


def test_an_answer_beside_the_point_is_led_back() -> None:
    call = conversation(ids=["improved-process"])
    call.open()
    text = call.answer(
        "My holiday in Portugal was lovely, warm weather, fish each evening, the beach, the music, and my sister danced until dawn."
    )
    assert call.state.planned("improved-process").short in text


@given(st.text(max_size=300))
@settings(max_examples=80, deadline=None)
def test_no_text_breaks_the_turning(text: str) -> None:
    own = SaidBack(said(text))
    assert all(isinstance(found, list) for found in (own.clauses, own.team_clauses, own.statements))


# Words around a clause that can be turned: what comes before and after must not break it.
AROUND = st.lists(
    st.sampled_from(
        "um, I we so because. moved prefer you? the The team's data 40 % uh built it, my at AND our".split()
    ),
    max_size=8,
)


@given(AROUND, AROUND)
@settings(max_examples=150, deadline=None)
def test_no_words_break_the_turning(before: list[str], after: list[str]) -> None:
    own = SaidBack(
        said(" ".join([*before, "end.", "We moved the reporting pipeline.", "I prefer the quiet office.", *after]))
    )
    found = [*own.team_clauses, *own.statements]
    assert {"the team moved the reporting pipeline", "you prefer the quiet office"} <= set(found)
    for clause in found:
        assert clause.startswith(("you", "the team")) and 4 <= len(clause.split()) <= 12
        assert not {"i", "we", "my", "our", "um", "uh"} & set(clause.lower().split())
