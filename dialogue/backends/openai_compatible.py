"""Any server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, OpenAI, and compatible endpoints.

The answer is streamed and read under three caps (bytes, tokens requested, and the caller's deadline), so a server
that rambles or stalls costs nothing but its own turn.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx

from dialogue.backends.base import BackendError, Prompt, one_line
from dialogue.backends.presets import Preset

MAX_BYTES = 256_000  # of an answer; a token in an event of its own takes 300 or more
CONNECT, SILENT = (
    5.0,
    60.0,
)  # s to wait for a server that does not answer, and for one that stops: a backstop behind the caller's deadline


class OpenAICompatible:
    """`base_url` up to and including /v1. `key` may be empty for local servers; it is never logged.

    Raises BackendError if one of them is not valid.
    """

    def __init__(
        self, base_url: str, model: str, key: str = "", timeout: float = SILENT, preset: Preset | None = None
    ) -> None:  # fmt: skip
        self._preset = preset or Preset(base_url)
        self._model = model
        self._key = key.strip()
        if not self._key.isascii() or not self._key.isprintable():
            raise BackendError("the key for the model server holds characters that no key has; look at VIVA_LLM_KEY")
        try:
            address = httpx.URL(base_url.strip().rstrip("/") + "/")
        except (httpx.InvalidURL, ValueError) as error:
            raise _no_address(base_url) from error
        if address.scheme not in ("http", "https") or not address.host:
            raise _no_address(base_url)
        self.name = f"{model} at {address.host}"
        # An uncompressed answer can be measured while it arrives.
        headers = {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {self._key}"} if self._key else {})}
        limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT))
        self._client = httpx.AsyncClient(base_url=address, headers=headers, timeout=limits)

    async def complete(self, prompt: Prompt) -> str:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": prompt.messages,
            self._preset.limit: prompt.max_tokens,
            "temperature": 0.3,
            "stream": True,
        }
        if prompt.schema and self._preset.structure == "object":
            body["response_format"] = {"type": "json_object"}
        elif prompt.schema and self._preset.structure == "schema":
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": prompt.schema},
            }
        try:
            return await self._stream(body)
        except BackendError:
            raise
        except Exception as error:  # errors of the network, of the client (a closed one) and of JSON
            why = one_line(error)
            raise BackendError(f"{self.name}: {why.replace(self._key, '***') if self._key else why}") from error

    async def _stream(self, body: dict[str, Any]) -> str:
        text = whole = ""
        async with self._client.stream("POST", "chat/completions", json=body) as response:
            if response.status_code >= 400:
                raise BackendError(f"{self.name}: HTTP {response.status_code}")
            async with contextlib.aclosing(self._lines(response)) as lines:
                async for line in lines:
                    if line.startswith("data:"):
                        if line[5:].strip() == "[DONE]":
                            break
                        text += _delta(line[5:], self.name)
                    elif not line.startswith((":", "event:", "id:", "retry:")):  # not another field of an event
                        whole += line  # a server that does not stream sends one JSON object
            return text or (_whole(whole, self.name) if whole.strip() else "")

    async def _lines(self, response: httpx.Response) -> AsyncGenerator[str, None]:
        """The answer's lines. Never holds more than MAX_BYTES, even if a line never ends."""
        rest, read = b"", 0
        async for chunk in response.aiter_raw():
            read += len(chunk)
            if read > MAX_BYTES:
                raise BackendError(f"{self.name}: answered more than {MAX_BYTES} bytes")
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode("utf-8", "replace").rstrip("\r")
        if rest:
            yield rest.decode("utf-8", "replace").rstrip("\r")

    async def close(self) -> None:
        await self._client.aclose()


def _no_address(url: str) -> BackendError:
    return BackendError(
        f"{url!r} is no address of a model server; one looks like http://127.0.0.1:8000/v1 (VIVA_LLM_URL)"
    )


def _delta(data: str, name: str) -> str:
    try:
        choices = json.loads(data)["choices"]
        return _text((choices[0].get("delta") or {}).get("content")) if choices else ""
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise BackendError(f"{name}: sent an event that is no chat completion") from error


def _whole(data: str, name: str) -> str:
    try:
        return _text(json.loads(data)["choices"][0]["message"]["content"])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise BackendError(f"{name}: sent something that is no chat completion") from error


def _text(content: object) -> str:
    """Raises TypeError if the content is neither text nor empty."""
    if content is not None and not isinstance(content, str):
        raise TypeError("content is no text")
    return content or ""
