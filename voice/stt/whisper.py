"""faster-whisper (CTranslate2): the full engine. Any model name or folder, device and compute type.

Precautions: no conditioning on its own text (it loops), gates on no-speech probability and log probability (it invents
words in silence), and a prompt that contains fillers, which preserves some of them. Whisper was trained to leave out
hesitations (see docs/metrics.md), so filled pauses are also detected in the audio.
"""

from __future__ import annotations

from typing import Any

from voice.audio import Samples
from voice.errors import EngineError
from voice.words import TimedWord

FILLER_PROMPT = "Umm, let me think, like, hmm... Okay, uh, here's what I'm, like, thinking."


class WhisperDecoder:
    """Implements `Decoder`. `model`: a name such as "small.en", or a folder with a converted model."""

    max_window = 20.0

    def __init__(
        self,
        model: str,
        device: str = "auto",
        compute_type: str = "default",
        language: str = "en",
        prompt: str = FILLER_PROMPT,
    ) -> None:
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise EngineError("faster-whisper is not installed; pip install 'vivavoce[whisper]'") from error
        try:
            self._model: Any = WhisperModel(model, device=device, compute_type=compute_type)
        except (ValueError, RuntimeError, OSError) as error:
            raise EngineError(
                f"the Whisper model {model!r} cannot be loaded on {device}/{compute_type} ({_first_line(error)}); "
                "give VIVA_STT_MODEL a name it can download or a folder that ct2-transformers-converter made"
            ) from error
        except Exception as error:  # the hub client raises its own types when a name cannot be fetched
            raise EngineError(
                f"the Whisper model {model!r} is not here and cannot be fetched ({_first_line(error)}); "
                "give VIVA_STT_MODEL a folder with a converted model"
            ) from error
        self.name = f"faster-whisper {model}"
        self._prompt = prompt
        self._language = language if self._model.model.is_multilingual else "en"

    def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
        segments, _ = self._model.transcribe(
            samples,
            language=self._language,
            beam_size=1,
            temperature=0.0,
            word_timestamps=True,
            condition_on_previous_text=False,
            initial_prompt=f"{self._prompt} {prompt}".strip() or None,
            suppress_tokens=[],
            no_speech_threshold=0.6,
            log_prob_threshold=-1.0,
            compression_ratio_threshold=2.4,
        )
        words: list[TimedWord] = []
        for segment in segments:
            # The library drops a silent segment only if both gates fail; here either is enough.
            if segment.no_speech_prob > 0.8 or segment.avg_logprob < -1.5:
                continue
            for word in segment.words or []:
                words.append(TimedWord(word.word.strip(), float(word.start), float(word.end), float(word.probability)))
        return [word for word in words if word.text]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
