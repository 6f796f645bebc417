"""All settings in one place: VIVA_* environment variables or an .env file. None is required to start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.errors import UserError


def _default_home() -> Path:
    base = os.environ.get("XDG_DATA_HOME")
    return Path(base) / "vivavoce" if base else Path.home() / ".local" / "share" / "vivavoce"


class Settings(BaseSettings):
    """Each field is read from VIVA_NAME, in capitals. `auto`: the full engine if available, else the embedded one."""

    model_config = SettingsConfigDict(env_prefix="VIVA_", env_file=".env", extra="ignore", populate_by_name=True)

    home: Path = Field(default_factory=_default_home, description="Folder for sessions, recordings and reports")
    memory: Literal["auto", "sqlite", "redis"] = Field("auto", description="Where the event logs live")
    redis_url: str = Field("redis://127.0.0.1:6379/0", description="Address of the Redis server")
    lease_seconds: float = Field(10.0, gt=0, description="How long a dead process keeps its session")

    stt: Literal["auto", "whisper", "moonshine"] = Field("auto", description="Speech to text")
    stt_model: str = Field("small.en", description="faster-whisper: name, or folder of a converted model")
    stt_device: str = Field("auto", description="faster-whisper: cpu, cuda or auto")
    stt_compute_type: str = Field("default", description="faster-whisper: int8, float16, default ...")

    tts: Literal["auto", "coqui", "espeak"] = Field("auto", description="Text to speech")
    tts_model: str = Field(
        "tts_models/en/ljspeech/vits", description="Coqui: catalogue name, or folder with config.json"
    )
    tts_voice: str = Field("en-us", description="espeak-ng: voice name")
    tts_device: str = Field("auto", description="Coqui: cpu, cuda or auto")
    accept_xtts_licence: bool = Field(False, description="Say that your use of XTTS is non-commercial (its licence)")

    llm: Literal[
        "auto", "embedded", "transformers", "vllm", "llamacpp", "ollama", "openai", "gemini", "claude", "mistral"
    ] = Field("auto", description="The language model, if any")
    llm_url: str = Field("", description="OpenAI-compatible server, up to /v1; empty: where VIVA_LLM usually is")
    llm_model: str = Field("", description="Model name on that server, or folder for transformers")
    llm_adapter: str = Field("", description="PEFT adapter for transformers: a folder, name@version, or champion")
    llm_key: SecretStr = Field(SecretStr(""), description="Key for the server; never logged")
    llm_deadline: float = Field(1.2, gt=0, description="Seconds after which the author's own follow-up is taken")
    reader: Literal["auto", "embedded", "model"] = Field(
        "auto", description="Who reads the answers; auto: the model, if any"
    )
    reader_deadline: float = Field(
        2.5, gt=0, description="Seconds after which the embedded reading of an answer is taken"
    )
    screen_wording: bool = Field(False, description="Screening: let the model word follow-ups of its own, where better")

    livekit_url: str = Field(
        "ws://127.0.0.1:7880", description="LiveKit server", validation_alias=AliasChoices("VIVA_LIVEKIT_URL", "LIVEKIT_URL")
    )  # fmt: skip
    livekit_public_url: str = Field("", description="The same as browsers reach it; empty: as above")
    livekit_api_key: str = Field(
        "", description="Its API key", validation_alias=AliasChoices("VIVA_LIVEKIT_API_KEY", "LIVEKIT_API_KEY")
    )
    livekit_api_secret: SecretStr = Field(
        SecretStr(""),
        description="Its API secret, 32 characters or more",
        validation_alias=AliasChoices("VIVA_LIVEKIT_API_SECRET", "LIVEKIT_API_SECRET"),
    )
    agent_name: str = Field("vivavoce", description="Name that workers are dispatched by")
    room_lease_seconds: float = Field(4.0, gt=0.5, description="The lease in rooms: how fast a dead agent is replaced")
    wait_seconds: float = Field(120.0, gt=0, description="How long an agent waits in a room for its candidate")
    store_patience: float = Field(60.0, ge=0, description="How long a call in a room waits for a store that is away")
    abandon_minutes: float = Field(60.0, gt=0, description="After this long without its candidate an interview ends")
    worker_port: int = Field(8081, ge=0, description="Health of the worker; 0: any free port")
    worker_host: str = Field("127.0.0.1", description="Address on which the worker tells its health")
    worker_load_limit: float = Field(0.8, gt=0, le=1, description="Share of the cores from which no call is taken")

    api_host: str = Field("127.0.0.1", description="Address of the HTTP API and the web app")
    api_port: int = Field(8080, ge=0, description="Port of the HTTP API and the web app")
    public_url: str = Field("", description="How people reach the web app; empty: http://localhost:PORT")
    api_keys: SecretStr = Field(
        SecretStr(""), description="Operators' keys, with commas; empty: one is made in VIVA_HOME"
    )
    signing_key: SecretStr = Field(
        SecretStr(""), description="Signs candidates' links; empty: one is made in VIVA_HOME"
    )
    link_hours: float = Field(72.0, gt=0, description="How long a candidate's link is good")
    join_seconds: int = Field(60, ge=5, description="How long a room token is good for joining")
    webhook_url: str = Field("", description="Told when an interview starts, ends and has its report")
    webhook_secret: SecretStr = Field(SecretStr(""), description="Signs webhooks (Standard Webhooks, HMAC-SHA256)")

    mode: Literal["practice", "screen"] = Field("practice", description="practice: your own; screen: hiring")
    probes: int = Field(1, ge=0, le=5, description="Follow-ups per question, at most")
    min_free_mb: int = Field(200, ge=0, description="Refuse to start with less free disk space than this")


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment; `overrides` that are not None take precedence. Raises UserError on bad values."""
    try:
        given = {key: value for key, value in overrides.items() if value is not None}
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "VIVA_" + "_".join(map(str, first["loc"])).upper()
        raise UserError(
            f"{name}={first.get('input')!r}: {first['msg']}; see docs/deployment.md for the settings"
        ) from error
