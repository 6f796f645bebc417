"""What a language model must do for the interviewer: answer one prompt, in time or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from vivavoce.errors import VivavoceError


class BackendError(VivavoceError):
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
        """The raw text of the answer. Raises BackendError. How long it may take is the caller's business, who cancels
        the task: that stops the work, wherever it is done."""
        ...

    async def close(self) -> None: ...


async def ask(model: LanguageModel, prompt: Prompt) -> str:
    """The model's reply. Raises BackendError for whatever goes wrong in it, and TimeoutError: nothing else.

    Models are other people's programs; an error that nobody thought of must not end an interview or lose a report.
    """
    try:
        reply = await model.complete(prompt)
    except (BackendError, TimeoutError):
        raise
    except Exception as error:
        raise BackendError(f"{model.name} failed: {one_line(error)}") from error
    if not isinstance(reply, str):
        raise BackendError(f"{model.name} returned no text")
    return reply


def one_line(error: BaseException) -> str:
    """The kind of an error and the beginning of what it says."""
    said = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
