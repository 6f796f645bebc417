"""Mistakes a user can mend: one clear line, exit code 2, nothing half done."""

from __future__ import annotations

from dialogue.backends.base import BackendError
from dialogue.plan import PlanError
from memory.store import StoreError
from prompts.loader import PromptError
from voice.audio import AudioError
from voice.stt.decoder import EngineError


class UserError(Exception):
    """The message says what to do next."""


EXPECTED = (UserError, AudioError, EngineError, PromptError, PlanError, StoreError, BackendError)
