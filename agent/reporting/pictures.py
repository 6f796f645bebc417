"""Pictures of a report: each answer with words, pauses and pitch; the interview among the person's earlier ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.engines.measuring import Sound
from dialogue.report.private import without_private_words
from dialogue.state import State, Turn
from dialogue.understanding.whole import public_words
from memory.records import Word
from voice.audio import SPEECH_RATE, stream_resample
from voice.metrics.prosody import pitch_track
from voice.plot.answer import Picture, draw_answer, draw_distributions, inline

MARGIN = 0.5  # s shown before and after an answer
LONGEST = 240.0  # s of an answer drawn at most
# Label to the field of an answer's delivery in report.json.
_SINGLE = {
    "delay before answering (s)": "response_delay",
    "articulation rate (syllables/s)": "articulation_rate",
    "um, uh, filler words (per min)": "filler_rate",
    "share of silence": "pause_share",
    "pitch variation (semitones)": "pitch_sd_semitones",
}
_PAUSES = "pause length (s)"


@dataclass(frozen=True)
class Pictures:
    """Paths relative to the report. `answers`: by turn."""

    answers: Mapping[int, str] = field(default_factory=dict)
    distributions: str = ""

    def inline(self, folder: Path) -> Pictures:
        """The pictures themselves in place of their paths, for a self-contained page."""
        answers = {turn: inline(folder / name) for turn, name in self.answers.items()}
        return Pictures(answers, inline(folder / self.distributions) if self.distributions else "")


def draw_pictures(
    report: Mapping[str, Any],
    state: State,
    candidate: Sound,
    rate: int,
    folder: Path,
    earlier: Iterable[Mapping[str, Any]],
) -> Pictures:
    """Into `folder`: answers/turn-N.png and, if there is more than one answer to compare, distributions.png."""
    drawn: dict[int, str] = {}
    for turn in state.turns:
        if turn.delivery is None:
            continue
        (folder / "answers").mkdir(exist_ok=True)
        name = f"answers/turn-{turn.number}.png"
        draw_answer(_picture(turn, candidate, rate), folder / name)
        drawn[turn.number] = name
    now = values_of([report])
    before: list[Mapping[str, Any]] = []
    if report["mode"] == "practice":
        before = [
            r
            for r in earlier
            if r.get("session") != report["session"] and r.get("created_at", "") < report["created_at"]
        ]
    then = values_of(before)
    if not any(values and len(values) + len(then[label]) > 1 for label, values in now.items()):
        return Pictures(drawn)
    title = f"this interview and {len(before)} earlier" if before else "this interview"
    draw_distributions(now, then, folder / "distributions.png", title)
    return Pictures(drawn, "distributions.png")


def values_of(reports: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Label to the values of all answers. Reports of older versions may lack some."""
    found: dict[str, list[float]] = {label: [] for label in (_PAUSES, *_SINGLE)}
    for report in reports:
        for question in report.get("questions", []):
            for exchange in question.get("exchanges", []):
                delivery = exchange.get("delivery")
                if not delivery:
                    continue
                found[_PAUSES] += [p["end"] - p["start"] for p in delivery.get("silent_pauses", [])]
                for label, name in _SINGLE.items():
                    if delivery.get(name) is not None:
                        found[label].append(float(delivery[name]))
    return found


def _picture(turn: Turn, candidate: Sound, rate: int) -> Picture:
    assert turn.delivery is not None
    delivery = without_private_words(turn.delivery, turn.words_or_text, turn.reading)
    start = max(0.0, delivery.start - MARGIN)
    end = min(delivery.end + MARGIN, start + LONGEST, len(candidate) / rate)
    sound = stream_resample(candidate[round(start * rate) : round(end * rate)], rate, SPEECH_RATE)
    shown = _shown(turn)
    edges = [delivery.start, *(t for p in delivery.silent_pauses for t in (p.start, p.end)), delivery.end]
    return Picture(
        sound,
        SPEECH_RATE,
        start,
        words=[(w.start, w.end, w.text) for w in shown],
        pauses=[(p.start, p.end) for p in delivery.silent_pauses],
        filled=[(f.start, f.end, f.word) for f in delivery.filled_pauses],
        lengthened=[(w.start, w.end, w.text) for w in delivery.lengthened],
        breaths=[(b.start, b.end) for b in delivery.breaths],
        pitch=pitch_track(sound, [(a - start, b - start) for a, b in zip(edges[::2], edges[1::2], strict=True)]),
    )


def _shown(turn: Turn) -> list[Word]:
    """The spoken words of an answer that may stand in its picture: nothing typed, nothing private."""
    typed = [w for piece in turn.heard if piece.typed for w in piece.words]
    return [w for w in public_words(turn.words_or_text, turn.reading) if w.end > w.start and w not in typed]
