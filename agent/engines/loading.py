"""Which engine each part uses and, in one line, why. Loaded once per process and shared by all its calls."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from agent.allocator import return_large_blocks
from agent.engines.measuring import Measure, measure_answer
from agent.errors import UserError
from agent.settings import Settings
from dialogue.backends.base import LanguageModel
from dialogue.backends.presets import PRESETS, Preset
from dialogue.backends.registry import Registry
from memory.redis_store import RedisStore
from memory.sqlite_store import SqliteStore
from memory.store import EventStore, StoreUnavailable
from voice.engine_thread import EngineThread
from voice.errors import EngineError
from voice.stt.decoder import Decoder
from voice.stt.moonshine import MoonshineDecoder
from voice.tts.espeak import EspeakVoice
from voice.tts.voice import PhraseCache, Voice
from voice.turn.end_of_turn import EndOfTurn, EndOfTurnModel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """A part's engine, why it was chosen, and how to get a better one ("" if it is the best)."""

    part: str
    engine: str
    why: str
    better: str = ""


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def choose_stt(settings: Settings) -> Choice:
    """faster-whisper if it is installed and its weights are on this machine, else Moonshine."""
    if settings.stt == "whisper":
        return Choice("speech to text", "whisper", "asked for by VIVA_STT")
    if settings.stt == "moonshine":
        return Choice("speech to text", "moonshine", "asked for by VIVA_STT")
    if not _installed("faster_whisper"):
        return Choice(
            "speech to text",
            "moonshine",
            "faster-whisper is not installed",
            "pip install 'vivavoce[whisper]'",
        )
    if not _whisper_weights(settings.stt_model):
        return Choice(
            "speech to text", "moonshine", f"no weights of Whisper {settings.stt_model} on this machine",
            f"fetch them once: python -c \"from faster_whisper import WhisperModel; WhisperModel('{settings.stt_model}')\"",
        )  # fmt: skip
    return Choice("speech to text", "whisper", f"faster-whisper {settings.stt_model} is here")


def _whisper_weights(model: str) -> bool:
    if (Path(model) / "model.bin").is_file():
        return True
    try:
        from faster_whisper.utils import download_model

        return bool(download_model(model, local_files_only=True))
    except Exception:  # the hub client has its own exceptions for "not cached"
        return False


def choose_tts(settings: Settings) -> Choice:
    """Coqui if it is installed and its model is on this machine, else espeak-ng."""
    if settings.tts == "coqui":
        return Choice("text to speech", "coqui", "asked for by VIVA_TTS")
    if settings.tts == "espeak":
        return Choice("text to speech", "espeak", "asked for by VIVA_TTS")
    if not (_installed("TTS") and _installed("torch")):
        return Choice("text to speech", "espeak", "Coqui TTS is not installed", "pip install 'vivavoce[coqui]'")
    if not _coqui_weights(settings.tts_model):
        return Choice(
            "text to speech", "espeak", f"the Coqui model {settings.tts_model} is not on this machine",
            f"fetch it once: tts --model_name {settings.tts_model} --text hello --out_path hello.wav",
        )  # fmt: skip
    return Choice("text to speech", "coqui", f"Coqui {settings.tts_model} is here")


def _coqui_weights(model: str) -> bool:
    if (Path(model) / "config.json").is_file():
        return True
    cache = Path.home() / ".local" / "share" / "tts" / model.replace("/", "--")
    return cache.is_dir() and any(cache.glob("*.pth"))


def choose_llm(settings: Settings) -> Choice:
    """A model only if one is named: without one, the embedded reader and the authored probes are used."""
    part = "follow-up wording"
    if settings.llm in PRESETS or (settings.llm == "auto" and settings.llm_url):
        if not settings.llm_model:
            raise UserError(f"VIVA_LLM={settings.llm} needs VIVA_LLM_MODEL, the model's name on that server")
        where = "the server in VIVA_LLM_URL" if settings.llm_url else PRESETS[settings.llm].url
        return Choice(part, "openai", f"{settings.llm_model} at {where}")
    if settings.llm == "transformers" or (settings.llm == "auto" and (settings.llm_model or settings.llm_adapter)):
        if not settings.llm_model and not settings.llm_adapter:
            raise UserError("VIVA_LLM=transformers needs VIVA_LLM_MODEL, a folder or a name (or VIVA_LLM_ADAPTER)")
        return Choice(part, "transformers", f"{settings.llm_model or settings.llm_adapter} in this process")
    why = "asked for by VIVA_LLM" if settings.llm == "embedded" else "no model is named"
    return Choice(part, "embedded", why, "set VIVA_LLM_URL and VIVA_LLM_MODEL to use a model server")


async def open_store(settings: Settings) -> tuple[EventStore, Choice]:
    """Redis if it answers (or is asked for), else SQLite. Raises StoreUnavailable if a requested Redis is not there."""
    if settings.memory != "sqlite":
        redis = RedisStore(settings.redis_url)
        try:
            await asyncio.wait_for(redis.ping(), 3.0)
            why = "asked for by VIVA_MEMORY" if settings.memory == "redis" else "a server answers"
            return redis, Choice("memory", "redis", why)
        except (StoreUnavailable, TimeoutError) as error:
            await redis.close()
            if settings.memory == "redis":
                raise StoreUnavailable(str(error) or f"no Redis answers at {settings.redis_url} within 3 s") from error
    why = "asked for by VIVA_MEMORY" if settings.memory == "sqlite" else "no Redis answers"
    better = "" if settings.memory == "sqlite" else "start redis-server to run several workers"
    return SqliteStore(settings.home / "sessions.db"), Choice("memory", "sqlite", why, better)


@dataclass
class Engines:
    """The loaded models of this process and the threads they run on.

    `fallback_voice`: the embedded voice, used when `voice` fails; None if `voice` is that one, or it is not available.
    """

    decoder: Decoder
    voice: Voice
    end_of_turn: EndOfTurnModel
    model: LanguageModel | None
    choices: list[Choice]
    measure: Measure = measure_answer
    cache: PhraseCache = field(default_factory=PhraseCache)
    stt_executor: Executor = field(default_factory=lambda: EngineThread("speech to text"))
    tts_executor: Executor = field(default_factory=lambda: EngineThread("text to speech"))
    metrics_executor: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "metrics"))
    fallback_voice: Voice | None = None

    def __post_init__(self) -> None:
        if self.fallback_voice is None and not isinstance(self.voice, EspeakVoice):
            try:
                self.fallback_voice = EspeakVoice()
            except EngineError as error:
                log.warning("there is no second voice: %s", error)

    @property
    def names(self) -> dict[str, str]:
        """For the report: the engines that heard, spoke and worded."""
        return {
            "speech to text": self.decoder.name,
            "text to speech": self.voice.name,
            "follow-up wording": self.model.name if self.model else "the pack's authors",
        }

    async def close(self) -> None:
        if self.model:
            await self.model.close()
        for pool in (self.stt_executor, self.tts_executor, self.metrics_executor):
            pool.shutdown(wait=False, cancel_futures=True)


def load_engines(settings: Settings) -> Engines:
    """Blocking. Raises EngineError or BackendError if an engine requested by name is unavailable."""
    return_large_blocks()  # this process will handle sound
    stt, tts, llm = choose_stt(settings), choose_tts(settings), choose_llm(settings)
    return Engines(
        decoder=load_decoder(settings, stt),
        voice=_voice(settings, tts),
        end_of_turn=EndOfTurn(),
        model=load_model(settings, llm),
        choices=[stt, tts, llm],
    )


def load_decoder(settings: Settings, choice: Choice) -> Decoder:
    """The recogniser of a choice."""
    if choice.engine == "whisper":
        from voice.stt.whisper import WhisperDecoder

        return WhisperDecoder(settings.stt_model, settings.stt_device, settings.stt_compute_type)
    return MoonshineDecoder()


def _voice(settings: Settings, choice: Choice) -> Voice:
    if choice.engine == "coqui":
        from voice.tts.coqui import CoquiVoice

        return CoquiVoice(settings.tts_model, settings.tts_device, accept_xtts=settings.accept_xtts_licence)
    return EspeakVoice(settings.tts_voice)


def _adapter(settings: Settings) -> tuple[str, str | None, str]:
    """(base model, adapter folder, name for the log). An adapter is a folder or a name in the registry in VIVA_HOME."""
    wanted = settings.llm_adapter
    if not wanted or Path(wanted).is_dir():
        return settings.llm_model, wanted or None, ""
    entry = Registry(settings.home / "adapters").find(wanted)
    return settings.llm_model or entry.base, str(entry.folder), entry.label


def load_model(settings: Settings, choice: Choice) -> LanguageModel | None:
    """The language model of a choice, or None."""
    if choice.engine == "openai":
        from dialogue.backends.openai_compatible import OpenAICompatible

        preset = PRESETS.get(settings.llm, Preset(settings.llm_url))
        key = settings.llm_key.get_secret_value() or os.environ.get(preset.key, "")
        return OpenAICompatible(settings.llm_url or preset.url, settings.llm_model, key, preset=preset)
    if choice.engine == "transformers":
        from dialogue.backends.local_transformers import LocalTransformers

        base, adapter, label = _adapter(settings)
        return LocalTransformers(base, adapter, label=label)
    return None
