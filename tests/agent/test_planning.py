"""What candidates may be told of the job, and the terms they may ask about, as they get into a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import UserError
from agent.planning.planning import MOST_NOTES, Wishes, planned
from agent.settings import Settings
from memory.records import CandidateSource

TYPED = CandidateSource(kind="typed")


def test_the_notes_on_the_job_are_in_the_plan(home: Path) -> None:
    agreed = planned(Settings(), Wishes(about="  The salary is 50,000 a year.  "), TYPED)
    assert agreed.about == "The salary is 50,000 a year."


def test_notes_of_fifty_thousand_words_are_one_clear_line(home: Path) -> None:
    with pytest.raises(UserError, match="keep what candidates ask about"):
        planned(Settings(), Wishes(about="pay " * 50_000), TYPED)
    assert len("pay " * 50_000) > MOST_NOTES


def test_only_terms_of_the_questions_asked_are_explained(home: Path) -> None:
    agreed = planned(Settings(), Wishes(pack="mlops", questions=("model-to-prod",)), TYPED)
    text = agreed.questions[0].text.lower()
    assert agreed.glossary and all(term.split()[0].rstrip("s") in text for term in agreed.glossary)
