"""What a language model must do for the interviewer: answer one prompt, in time or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class BackendError(Exception):
    """The model could not answer; the message says why in one line. The embedded phraser takes over."""


@dataclass(frozen=True)
class Prompt:
    """System and user text. `schema`: the JSON Schema that the answer should follow, for servers that can constrain.

    `base`: the same with worked examples in one text, for models that only continue text.
    """

    system: str
    user: str
    max_tokens: int = 60
    schema: dict[str, Any] | None = None
    base: str = ""


class LanguageModel(Protocol):
    """`name` goes into the log with every utterance (model, adapter and where it runs)."""

    name: str

    async def complete(self, prompt: Prompt) -> str:
        """The raw text of the answer. Raises BackendError. Cancelling the task stops the work."""
        ...

    async def close(self) -> None: ...
