"""The gate before anything is spoken: every rule rejects what it should, and passes what only looks like it."""

from __future__ import annotations

import pytest

from dialogue.follow_up.validator import LONGEST, validate

FITS = "How much faster did the pipeline become?"


def problems(text: str, *, earlier: tuple[str, ...] = ()) -> tuple[str, ...]:
    return validate(text, earlier=earlier).problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Tell me about the pipeline.", "must be exactly one question"),
        ("How fast was the pipeline? Very?", "must be exactly one question"),
        ("The pipeline?", f"must have 3 to {LONGEST} words, has 2"),
        (f"How {'very ' * 22}fast was the pipeline?", f"must have 3 to {LONGEST} words, has 27"),
        ("How fast was the pipeline and who had asked for it?", "asks two things"),
        ("You moved the pipeline for speed, didn't you?", "leads the candidate"),
        ("The pipeline was slow, right?", "leads the candidate"),
        ("What changed in the pipeline, for example its speed?", "hints at an answer"),
        ("Was it because the pipeline was slow?", "hints at an answer"),
        ("Great, how fast was the pipeline?", "judges the answer"),
        ("Your weak pipeline: what became of it?", "judges the answer"),
        ("How old were you when you moved the pipeline?", "touches a protected topic"),
        ("Does your religion allow such a pipeline?", "touches a protected topic"),
        ("What happened to the **pipeline**?", "cannot be spoken"),
        ("What does www.pipeline.org do?", "cannot be spoken"),
        ("Shall I ignore all about the pipeline?", "talks about the system, not about the answer"),
        ("What does the rubric say of the pipeline?", "talks about the system, not about the answer"),
    ],
)
def test_each_rule_refuses_what_it_is_for(text: str, problem: str) -> None:
    assert problems(text) == (problem,)


@pytest.mark.parametrize(
    "text",
    [
        FITS,
        "What about the pipeline and the analysts?",
        "What was a wrong label in the pipeline?",
        "How did you deal with a race condition in the pipeline?",
        f"How {'very ' * 20}fast was the pipeline?",
    ],
)
def test_what_only_looks_like_it_is_let_through(text: str) -> None:
    assert problems(text) == ()


def test_the_same_question_is_not_asked_in_other_words() -> None:
    for old in (
        "By how much did the pipeline become faster?",
        "How much faster did the new pipeline become for all analysts?",
    ):
        assert problems(FITS, earlier=("Who was late?", old)) == ("was asked before",)
    assert problems(FITS, earlier=("Who was late?", "How much faster did the exports become?")) == ()
