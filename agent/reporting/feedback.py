"""Feedback on each question after a practice interview, by the language model if there is one. Stored, then shown."""

from __future__ import annotations

import logging
import time

from agent.call.journal import Journal
from dialogue.backends.base import LanguageModel, one_line
from dialogue.report.build import REQUESTS
from dialogue.report.feedback import give_feedback
from dialogue.understanding.whole import public_words
from memory.events import Advised
from prompts.loader import prompt_version

DEADLINE = 20.0  # s per question: generous, because nobody in a call is waiting
FEWEST_WORDS = 8  # too little to say anything about below this
log = logging.getLogger(__name__)


async def advise(journal: Journal, model: LanguageModel | None, deadline: float = DEADLINE) -> None:
    """Ask once for each answered question that has no feedback yet. A hiring interview gets none.

    Best effort: whatever goes wrong is noted in `Advised.note`, and the report is written without it. Raises only what
    the store raises.
    """
    interview = journal.state.interview
    if model is None or interview is None or interview.mode != "practice" or not journal.state.ended:
        return
    for question in journal.state.asked_questions:
        turns = [t for t in journal.state.of_question(question.id) if t.intent not in REQUESTS]
        answer = " ".join(w.text for t in turns for w in public_words(t.words_or_text, t.reading))
        if question.id in journal.state.advice or len(answer.split()) < FEWEST_WORDS:
            continue
        try:
            feedback, note = await give_feedback(question.text, answer, model, deadline)
        except Exception as error:
            log.warning("no feedback: %s", type(error).__name__)
            feedback, note = None, f"no feedback from {model.name}: {one_line(error)}"
        engine, prompt = model.name, prompt_version("feedback")
        advised = Advised(at=time.time(), question=question.id, engine=engine, prompt=prompt, note=note)
        if feedback:
            told = {"quote": feedback.quote, "text": feedback.text, "level": feedback.level}
            advised = advised.model_copy(update=told)
        await journal.write(advised)
