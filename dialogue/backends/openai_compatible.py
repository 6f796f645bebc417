"""Any server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, OpenAI, and the compatible endpoints.

The answer is streamed and read under three caps (bytes, tokens asked for, and the caller's deadline), so a server
that rambles or stalls costs nothing but its own turn.
"""

from __future__ import annotations

import json
from typing import Any

import httpx

from dialogue.backends.base import BackendError, Prompt
from dialogue.backends.presets import Preset

MAX_BYTES = 64_000


class OpenAICompatible:
    """`base_url` up to and including /v1. `key` may be empty for local servers; it is never logged."""

    def __init__(
        self, base_url: str, model: str, key: str = "", timeout: float = 10.0, preset: Preset | None = None
    ) -> None:  # fmt: skip
        self._preset = preset or Preset(base_url)
        self.name = f"{model} at {httpx.URL(base_url).host}"
        self._model = model
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.AsyncClient(base_url=base_url.rstrip("/") + "/", headers=headers, timeout=timeout)

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
        except httpx.HTTPError as error:
            raise BackendError(f"{self.name}: {type(error).__name__} {error}".strip()) from error

    async def _stream(self, body: dict[str, Any]) -> str:
        text, read = "", 0
        async with self._client.stream("POST", "chat/completions", json=body) as response:
            if response.status_code >= 400:
                raise BackendError(f"{self.name}: HTTP {response.status_code}")
            whole = ""
            async for line in response.aiter_lines():
                read += len(line)
                if read > MAX_BYTES:
                    raise BackendError(f"{self.name}: answered more than {MAX_BYTES} bytes")
                if line.startswith("data:"):
                    if line[5:].strip() == "[DONE]":
                        break
                    text += _delta(line[5:], self.name)
                else:
                    whole += line  # a server that does not stream sends one JSON object
            return text or (_whole(whole, self.name) if whole.strip() else "")

    async def close(self) -> None:
        await self._client.aclose()


def _delta(data: str, name: str) -> str:
    try:
        choices = json.loads(data)["choices"]
        return str((choices[0].get("delta") or {}).get("content") or "") if choices else ""
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise BackendError(f"{name}: sent an event that is no chat completion") from error


def _whole(data: str, name: str) -> str:
    try:
        return str(json.loads(data)["choices"][0]["message"]["content"] or "")
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BackendError(f"{name}: sent something that is no chat completion") from error
