"""Who reads the answers, and the interviewer made of it: one place for calls at the terminal, in rooms and typed."""

from __future__ import annotations

from agent.engines.loading import Choice, choose_llm
from agent.settings import Settings
from dialogue.backends.base import LanguageModel
from dialogue.manager.interviewer import Interviewer
from dialogue.understanding.embedded import EmbeddedReader
from dialogue.understanding.language_model import LanguageModelReader
from dialogue.understanding.reader import Reader
from memory.records import Interview


def choose_reader(settings: Settings) -> Choice:
    """Who reads the answers, for `viva doctor`."""
    model = choose_llm(settings)
    if settings.reader == "embedded":
        return Choice("understanding", "embedded", "asked for by VIVA_READER")
    if model.engine == "embedded":
        why = "no language model is named" if settings.reader == "auto" else "VIVA_READER=model, but no model is named"
        return Choice("understanding", "embedded", why, "name a model with VIVA_LLM_URL and VIVA_LLM_MODEL")
    return Choice("understanding", "model", f"{model.why}, every quote checked; the embedded reader stands behind it")


def reader_for(settings: Settings, model: LanguageModel | None) -> Reader:
    """A language model reads where there is one, unless VIVA_READER says otherwise; the embedded reader stands behind it."""
    embedded = EmbeddedReader()
    if model is None or settings.reader == "embedded":
        return embedded
    return LanguageModelReader(model, embedded, settings.reader_deadline)


def interviewer_for(settings: Settings, interview: Interview, model: LanguageModel | None) -> Interviewer:
    """The interviewer of one call."""
    return Interviewer(
        model, settings.llm_deadline, interview.language, reader=reader_for(settings, model),
        own_words_in_screening=settings.screen_wording,
    )  # fmt: skip
