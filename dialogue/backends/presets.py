"""Servers that speak OpenAI's chat completions, and what each expects in a request. Addresses may be overridden.

`structure`: how JSON is requested. `schema`: response_format with a JSON Schema; `object`: any JSON object; `none`: by
the prompt alone. Sources: the servers' own documentation as of November 2026; docs/interviewing.md says what could not
be tried here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Preset:
    """`url` up to and including the version; `key`: the environment variable that usually holds the key, "" for none."""

    url: str
    key: str = ""
    structure: Literal["schema", "object", "none"] = "schema"
    limit: str = "max_tokens"  # the field that limits the answer's length


PRESETS: dict[str, Preset] = {
    "vllm": Preset("http://127.0.0.1:8000/v1"),
    "llamacpp": Preset("http://127.0.0.1:8080/v1"),
    "ollama": Preset("http://127.0.0.1:11434/v1"),
    "openai": Preset("https://api.openai.com/v1", "OPENAI_API_KEY", limit="max_completion_tokens"),
    "gemini": Preset("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "claude": Preset("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", structure="none"),
    "mistral": Preset("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
}
