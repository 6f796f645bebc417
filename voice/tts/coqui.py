"""Coqui TTS: the full voice. VITS by default; XTTS only if requested by name, because of its licence.

`model` is a name from Coqui's catalogue ("tts_models/en/ljspeech/vits") or a folder with config.json and a checkpoint.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from voice.audio import Samples
from voice.errors import EngineError

DEFAULT_MODEL = "tts_models/en/ljspeech/vits"
XTTS_LICENCE = (
    "XTTS is under the Coqui Public Model License: non-commercial use only, and the licensor no longer exists to sell "
    "another. Set VIVA_ACCEPT_XTTS_LICENCE=1 to say that your use is non-commercial"
)


class CoquiVoice:
    """Implements `Voice`. `device`: cpu, cuda or auto. `speaker`: for models with several."""

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        device: str = "auto",
        speaker: str | None = None,
        accept_xtts: bool = False,
    ) -> None:
        if "xtts" in model.lower() and not accept_xtts:
            raise EngineError(XTTS_LICENCE)
        try:
            import torch
            from TTS.api import TTS
        except ImportError as error:
            raise EngineError(f"Coqui TTS is not installed ({error}); pip install 'vivavoce[coqui]'") from error
        where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        folder = Path(model)
        if accept_xtts and "xtts" in model.lower():
            os.environ["COQUI_TOS_AGREED"] = "1"
        try:
            if folder.is_dir():
                self._engine: Any = TTS(
                    model_path=str(_checkpoint(folder)),
                    config_path=str(folder / "config.json"),
                    progress_bar=False,
                )
            else:
                self._engine = TTS(model_name=model, progress_bar=False)
            self._engine.to(where)
        except EngineError:
            raise
        except Exception as error:  # whatever Coqui's downloader, torch or its config parser raise
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
            raise EngineError(
                f"the Coqui model {model!r} cannot be loaded ({reason}); give VIVA_TTS_MODEL a name of Coqui's catalogue "
                "that can be downloaded, or a folder with config.json and a checkpoint"
            ) from error
        self._speaker = speaker or (self._engine.speakers or [None])[0]
        self._language = "en" if self._engine.is_multi_lingual else None
        self.rate = int(self._engine.synthesizer.output_sample_rate)
        self.name = f"coqui {model} {self._speaker or ''}".strip()

    def say(self, clause: str) -> Samples:
        try:
            wave = self._engine.tts(text=clause, speaker=self._speaker, language=self._language, split_sentences=False)
        except RuntimeError as error:
            raise EngineError(f"Coqui could not say {len(clause)} characters ({error})") from error
        return np.asarray(wave, np.float32)


def _checkpoint(folder: Path) -> Path:
    found = sorted([*folder.glob("*.pth"), *folder.glob("*.pt")])
    if not found or not (folder / "config.json").is_file():
        raise EngineError(f"{folder}: needs config.json and a .pth checkpoint beside it")
    return found[0]
