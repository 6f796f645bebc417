"""What candidates ask about the job is answered in the operator's own sentences, or not at all."""

from __future__ import annotations

import random
import time

import pytest

from dialogue.manager.job_questions import LONGEST, answer_from

NOTES = """
- The salary is between forty and forty-five thousand a year.
- You would work two days a week from home.
* The team has seven people and one manager.
The office is in Leeds, next to the station.
There are twenty-eight days of holiday, plus public holidays.
The next step is a talk with the team in the following week.
New colleagues get four weeks of training with a mentor.
"""


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("What is the salary?", "forty-five thousand"),
        ("How much does it pay?", "forty-five thousand"),
        ("Can I work from home?", "two days a week from home"),
        ("Is it a hybrid job?", "two days a week from home"),
        ("How many people are on the team?", "seven people"),
        ("How many days of vacation are there?", "twenty-eight days"),
        ("What are the next steps?", "a talk with the team"),
        ("Is there any training?", "four weeks of training"),
    ],
)
def test_a_question_gets_the_sentence_that_answers_it_and_no_other(asked: str, told: str) -> None:
    answer = answer_from(NOTES, asked)
    assert told in answer and answer in NOTES


@pytest.mark.parametrize(
    "asked",
    ["Do you pay for a gym membership?", "Is there a canteen?", "What happened to the person who had the job before?", "Can I bring my dog?",
     "What is the job about?", "Could I ask a question please?", "", "And why?"],
)  # fmt: skip
def test_without_a_sure_answer_there_is_none(asked: str) -> None:
    assert answer_from(NOTES, asked) == ""


def test_without_notes_nothing_is_answered() -> None:
    assert answer_from("", "What is the salary?") == answer_from(" \n ", "What is the salary?") == ""


def test_a_sentence_too_long_to_be_heard_is_not_read_out() -> None:
    long = "The salary is " + "very " * LONGEST + "good."
    assert answer_from(long, "What is the salary?") == ""
    assert (
        answer_from(f"{long} The salary is forty thousand.", "What is the salary?") == "The salary is forty thousand."
    )


def test_the_sentence_with_most_of_what_is_asked_wins() -> None:
    notes = "The training is in Leeds. The training for night nurses lasts six weeks. Nurses work in teams."
    assert "six weeks" in answer_from(notes, "How long is the training for night nurses?")


def test_fifty_thousand_words_of_notes_are_read_in_time() -> None:
    rng = random.Random(1)
    syllables = ["ba", "ro", "mi", "tel", "san", "ku", "vor", "ne", "lip", "gad"]
    sentences = ["Zz " + " ".join("".join(rng.choices(syllables, k=3)) for _ in range(10)) + "." for _ in range(4600)]
    sentences.insert(2000, "The canteen is on the second floor.")
    notes = " ".join(sentences)
    assert len(notes.split()) > 50_000
    began = time.process_time()
    assert answer_from(notes, "Which floor is the canteen on?") == "The canteen is on the second floor."
    assert time.process_time() - began < 5.0, "the first time"
    began = time.process_time()
    assert answer_from(notes, "Is there any training?") == ""
    assert time.process_time() - began < 0.5, "read once"
