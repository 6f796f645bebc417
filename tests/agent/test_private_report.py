"""What is private stands in the transcript, marked, and nowhere else in anything that is made of an interview."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.call.journal import Journal
from agent.reporting import pictures
from agent.reporting.feedback import advise as give_feedback
from agent.reporting.pictures import draw_pictures
from agent.reporting.report_files import write_report
from dialogue.manager.interviewer import Interviewer
from dialogue.report.asked import PRIVATE_QUESTION
from dialogue.report.build import build_report
from dialogue.report.coach import Message, advise, greeting
from dialogue.report.compare import compare
from dialogue.report_model import Report
from dialogue.state import fold
from memory.events import AnyEvent, Followed, Heard, Measured
from memory.records import Delivery, Span, Word
from memory.sqlite_store import SqliteStore
from tests.dialogue.helpers import Conversation, agreed
from tests.dialogue.test_feedback import Scripted
from tests.marked_reader import MarkedReader
from voice.plot.answer import Picture

SECRETS = ("depression", "husband", "pregnancy")
FIRST = (
    "I deleted a customer table by accident. I was off for weeks because my depression had come back and my husband left. "
    "An alert told me of it, and I told my manager at once. Nobody ever found out how it came about."
)
SECOND = "First I would look at what changed yesterday. I can only begin in March because of my notice. Then I check the database."
READER = MarkedReader(
    private={"depression": "health", "pregnancy": "pregnancy", "my notice": "logistics"},
    said={"a mistake of your own": "customer table", "the way it was found": "An alert"},
    against={"the change made after it": "Nobody ever"},
    wishes={"What is the salary": "ask_job", "because of my pregnancy": "ask_job"},
)
REPLY = json.dumps(
    {"quote": "An alert told me of it", "feedback": "Say who set the alert up, and when it came.", "level": 3}
)


def held(mode: str, model: Scripted | None = None) -> Conversation:
    interviewer = Interviewer(model, 1.0, reader=READER)
    about = "The salary is between 48,000 and 55,000 a year."
    call = Conversation(agreed(["mistake", "slow-service"], 1, mode).model_copy(update={"about": about}), interviewer)
    call.open()
    call.answer("What is the salary for this job?")
    call.answer("Do I get leave because of my pregnancy?")
    call.answer(FIRST)
    call.answer("I told them myself. It was my depression that made it hard.")
    call.answer(SECOND)
    call.answer("I would ask the people who know it.")
    assert call.ended
    return call


def report_of(call: Conversation) -> Report:
    return build_report(call.state, started=0.0, duration=60.0, agent_speech=9.0, recording=None)


def outside_the_transcript(report: Report) -> dict[str, Any]:
    data = report.model_dump(mode="json")
    for question in data["questions"]:
        for exchange in question["exchanges"]:
            exchange["sentences"] = [s for s in exchange["sentences"] if not s["private"]]
    return data


def free_of_secrets(text: str) -> bool:
    return not any(secret in text.lower() for secret in SECRETS)


@pytest.mark.parametrize("mode", ["practice", "screen"])
def test_it_is_marked_in_the_transcript_and_nowhere_else_in_the_report(mode: str) -> None:
    report = report_of(held(mode))
    marked = {s.text: s.private for q in report.questions for e in q.exchanges for s in e.sentences if s.private}
    assert sorted(marked.values()) == ["health", "health", "logistics", "pregnancy"]
    assert all(any(s in text for text in marked) for s in SECRETS) and report.left_out == 3
    assert free_of_secrets(json.dumps(outside_the_transcript(report)))
    states = {p.name: p.state for p in report.questions[0].rubric.points}
    assert (states["a mistake of your own"], states["the change made after it"]) == ("said", "contradicted")
    assert len(report.overall.said) == 2 and len(report.overall.contradicted) == 1
    assert [s.text for s in report.logistics] == ["I can only begin in March because of my notice."]
    assert "March" not in json.dumps(outside_the_transcript(report)["overall"])
    assert (report.questions[0].try_next is not None) == (mode == "practice") == bool(report.overall.practice_plan)


@pytest.mark.parametrize("mode", ["practice", "screen"])
def test_what_the_candidate_asked_stands_with_the_reply(mode: str) -> None:
    asked, private = report_of(held(mode)).questions_of_the_candidate
    assert private.text == PRIVATE_QUESTION and private.t0 is None and "note the question" in private.reply
    assert asked.text == "What is the salary for this job?" and asked.t0 is not None
    assert asked.reply.startswith("What I have been told about that: The salary is between 48,000")
    assert "mistake" not in asked.reply, "our own question, put again, is no part of the reply"


@pytest.mark.parametrize("mode", ["practice", "screen"])
def test_the_files_of_the_report(tmp_path: Path, mode: str) -> None:
    write_report(held(mode).events, None, tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    transcripts = re.findall(r'<p class="answer">.*?</p>', page, re.DOTALL)
    assert sum("left out of everything but this transcript: health" in part for part in transcripts) == 2
    assert sum("for the process" in part for part in transcripts) == 1
    rest = re.sub(r'<p class="answer">.*?</p>', "", page, flags=re.DOTALL)
    assert free_of_secrets(rest) and "What was surely said" in rest and "Listen and decide yourself" in rest
    assert not re.search(r"not heard|of 5</b>|\bStrengths\b|quality", rest)
    assert ("Try next" in rest) == ("What to try next" in rest) == ("An exercise" in rest) == (mode == "practice")
    lines = json.loads((tmp_path / "report" / "transcript.json").read_text("utf-8"))
    for line in lines:
        if not free_of_secrets(line["text"]):
            assert set(line["private"]) & {"health", "pregnancy"}, line["text"]
    others = [p for p in (tmp_path / "report").rglob("*") if p.suffix in (".csv", ".txt", ".TextGrid")]
    assert not others, "no other file of the folder holds words"


def test_the_coach_never_says_it() -> None:
    report = report_of(held("practice"))
    topics = (
        "Why is question 1 rated like that?", "How can I improve question 1?", "Outline a better answer for question 1",
        "What did I say to question 1?", "What was good?", "exercise for question 1", "How did I sound?", "quote question 2",
    )  # fmt: skip
    talk: list[Message] = []
    told = greeting(report)
    for topic in topics:
        talk.append(Message("you", topic))
        advice = advise(report, talk)
        talk.append(Message("coach", advice.text))
        told += advice.text + " ".join(span.quote for span in advice.evidence)
    assert free_of_secrets(told) and "customer table" in told


def test_the_comparison_never_shows_it() -> None:
    first, second = report_of(held("practice")).questions[0], report_of(held("practice")).questions[0]
    nothing = first.model_copy(update={"rubric": first.rubric.model_copy(update={"points": []})})
    for pair in ((nothing, second), (second, nothing), (first, second)):
        assert free_of_secrets(compare(*pair, "earlier").model_dump_json())


async def test_no_model_is_sent_it(tmp_path: Path) -> None:
    follow_up = json.dumps({"follow_up": "Who set up the alert that told you of it?"})
    model = Scripted(*[follow_up] * 20)
    call = await asyncio.to_thread(held, "practice", model)
    store = SqliteStore(tmp_path / "sessions.db")
    lease = await store.acquire(call.interview.id, "test", 60.0)
    await store.append(lease, call.events, 0)
    coach = Scripted(*[REPLY] * 5)
    await give_feedback(Journal(store, lease, fold(call.events), length=len(call.events)), coach)
    await store.close()
    prompts = [*model.asked, *coach.asked]
    assert coach.asked and all(free_of_secrets(p.system + p.user) for p in prompts)
    assert "customer table" in coach.asked[0].user and "my notice" not in coach.asked[-1].user


def measured(call: Conversation) -> list[AnyEvent]:
    """The log with measures of the answer that holds something private, whose words stand in them too."""
    piece = next(e for e in call.events if isinstance(e, Heard) and e.text == FIRST)
    at = {w.text.strip(".,"): w for w in piece.words}
    words = [Word(text=t, start=at[t].start, end=at[t].end) for t in ("depression", "alert")]
    delivery = Delivery(
        start=piece.t, end=piece.end, response_delay=0.4, first_word_delay=0.4, speaking_time=9.0, phonation_time=8.0,
        silent_pauses=[], pauses_within_clause=0, pauses_between_clauses=0, pause_rate=0.0, longest_pause=0.0, pause_share=0.0,
        filled_pauses=[], filler_words=[], filler_rate=0.0, speech_rate=3.0, articulation_rate=3.5, words_per_minute=150.0,
        mean_length_of_run=9.0, repetitions=["my husband", "told"], restarts=["my depression"], cut_offs=["depress-"],
        lengthened=words, pitch_sd_semitones=2.0, pitch_median_hz=120.0, loudness_dbfs=-20.0, loudness_iqr_db=6.0, confidence=0.9,
    )  # fmt: skip
    return [*call.events, Measured(at=time.time(), t=piece.end, turn=piece.turn, delivery=delivery)]


def test_neither_the_measures_nor_the_pictures_hold_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = fold(measured(held("practice")))
    report = build_report(state, started=0.0, duration=60.0, agent_speech=9.0, recording=None)
    [delivery] = [e.delivery for q in report.questions for e in q.exchanges if e.delivery]
    assert [w.text for w in delivery.lengthened] == ["alert"] and delivery.repetitions == ["told"]
    assert not delivery.restarts and not delivery.cut_offs
    drawn: list[Picture] = []
    monkeypatch.setattr(pictures, "draw_answer", lambda picture, path: drawn.append(picture))
    sound = np.zeros(round(report.duration + 60) * 16_000, np.float32)
    draw_pictures(report.model_dump(mode="json"), state, sound, 16_000, tmp_path, [])
    [picture] = drawn
    shown = " ".join(text for _, _, text in (*picture.words, *picture.lengthened))
    assert free_of_secrets(shown) and "customer table" in shown


def test_a_follow_up_of_an_old_log_that_aims_at_it_no_longer_shows_what_it_aimed_at() -> None:
    call = held("practice")
    [number] = [t.number for t in call.state.turns if t.probe and t.question == "mistake"]
    for span, shown in ((Span(quote="my depression had come back"), False), (Span(quote="told my manager"), True)):
        events = [
            e.model_copy(update={"span": span}) if isinstance(e, Followed) and e.turn == number else e
            for e in call.events
        ]
        report = build_report(fold(events), started=0.0, duration=60.0, agent_speech=9.0, recording=None)
        [aimed] = [e.aimed_at for q in report.questions for e in q.exchanges if e.turn == number]
        assert (aimed is not None) == shown
