"""What the interviewer needs of a language model: answer one prompt, in time or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from vivavoce.errors import VivavoceError


class BackendError(VivavoceError):
    """The model could not answer; the message is one line saying why. The embedded phraser takes over."""


@dataclass(frozen=True)
class Prompt:
    """System and user text. `schema`: the JSON Schema of the answer, for servers that can constrain it.

    `base`: the same with worked examples in a single text, for models that only continue text.
    """

    system: str
    user: str
    max_tokens: int = 60
    schema: dict[str, Any] | None = None
    base: str = ""

    @property
    def messages(self) -> list[dict[str, str]]:
        """For chat models: what they are asked in a call, and what they are trained on."""
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}]

    @property
    def plain(self) -> str:
        """The same for models that only continue text and were tuned on it, so they need no worked examples."""
        return f"{self.system}\n\n{self.user}\n"


class LanguageModel(Protocol):
    """`name` is logged with every utterance (model, adapter and where it runs)."""

    name: str

    async def complete(self, prompt: Prompt) -> str:
        """The raw text of the answer. Raises BackendError. The caller sets the time limit and cancels the task,
        which stops the work wherever it runs."""
        ...

    async def close(self) -> None: ...


async def ask(model: LanguageModel, prompt: Prompt) -> str:
    """The model's reply. Whatever goes wrong in it, raises only BackendError or TimeoutError.

    Models are other people's programs; an unforeseen error must not end an interview or lose a report.
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
    """The type of an error and the beginning of its message."""
    said = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
