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

    @property
    def messages(self) -> list[dict[str, str]]:
        """For models that know a chat: what they are asked in a call, and what they are trained on."""
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}]

    @property
    def plain(self) -> str:
        """The same for models that only continue text and were tuned on it, so that they need no worked examples."""
        return f"{self.system}\n\n{self.user}\n"


class LanguageModel(Protocol):
    """`name` goes into the log with every utterance (model, adapter and where it runs)."""

    name: str

    async def complete(self, prompt: Prompt) -> str:
        """The raw text of the answer. Raises BackendError. Cancelling the task stops the work."""
        ...

    async def close(self) -> None: ...
