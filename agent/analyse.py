"""`viva analyse FILE`: timing and hesitation of any recording, as a table and a picture or as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agent.errors import UserError
from agent.recordings import check_speech
from voice.audio import SPEECH_RATE, load
from voice.hesitation import Measures, measure
from voice.stt.decoder import Decoder
from voice.stt.offline import transcribe
from voice.timeline import Timeline, Track, draw


def analyse(path: Path, decoder: Decoder, progress: Progress | None = None) -> Measures:
    """Measure a recording. Raises AudioError where there is nothing to measure."""
    audio = load(path)
    check_speech(audio, path)
    samples = audio.at(SPEECH_RATE).samples
    task = progress.add_task("listening", total=1.0) if progress else None

    def advance(share: float) -> None:
        if progress and task is not None:
            progress.update(task, completed=share)

    return measure(samples, transcribe(samples, decoder, advance))


def as_json(path: Path, found: Measures) -> dict[str, Any]:
    """Times in s from the start of the file, rates per second (words_per_minute, pause_rate: per minute)."""

    def stretch(pair: tuple[float, float]) -> dict[str, float]:
        return {"start": round(pair[0], 3), "end": round(pair[1], 3)}

    def number(value: float | None) -> float | None:
        return None if value is None else round(value, 3)

    return {
        "file": path.name,
        "duration": round(found.duration, 3),
        "speech": [stretch(s) for s in found.speech],
        "silent_pauses": [stretch(p) for p in found.silent_pauses],
        "filled_pauses": [{**stretch((f.start, f.end)), "word": f.word} for f in found.filled_pauses],
        "words": [{"word": w.text, **stretch((w.start, w.end))} for w in found.words],
        "speech_rate": number(found.speech_rate),
        "articulation_rate": number(found.articulation_rate),
        "pitch_sd_semitones": number(found.pitch_sd_semitones),
        "confidence": found.confidence,
        "speaking_time": number(found.speaking_time),
        "phonation_time": number(found.phonation_time),
        "pauses_within_clause": found.pauses_within_clause,
        "pauses_between_clauses": found.pauses_between_clauses,
        "pause_rate": number(found.pause_rate),
        "longest_pause": number(found.longest_pause),
        "pause_share": number(found.pause_share),
        "filler_words": found.filler_words,
        "filler_rate": number(found.filler_rate),
        "words_per_minute": number(found.words_per_minute),
        "mean_length_of_run": number(found.mean_length_of_run),
        "repetitions": found.repetitions,
        "restarts": found.restarts,
        "pitch_median_hz": number(found.pitch_median_hz),
        "loudness_dbfs": number(found.loudness_dbfs),
        "loudness_iqr_db": number(found.loudness_iqr_db),
        "snr_db": number(found.snr_db),
        "notes": found.notes,
    }


def picture(path: Path, found: Measures, target: Path) -> None:
    """Draw a recording with its words, pauses and fillers. Raises UserError where it cannot be written."""
    audio = load(path)
    track = Track(
        path.stem,
        found.speech,
        pauses=found.silent_pauses,
        fillers=[(f.start, f.end, f.word) for f in found.filled_pauses],
        samples=audio.samples,
        words=[(w.start, w.end, w.text) for w in found.words],
    )
    try:
        draw(Timeline(found.duration, [track], title=path.name, seconds_per_row=20.0), target)
    except OSError as error:
        raise UserError(
            f"cannot write {target} ({error.strerror or error}); choose another place with --png"
        ) from error


def show(path: Path, found: Measures, console: Console) -> None:
    """The table for people."""
    console.print(" ".join(w.text for w in found.words), style="cyan", markup=False, highlight=False)
    table = Table(box=None, show_header=False)
    data = as_json(path, found)
    for name in (
        "duration", "speaking_time", "phonation_time", "pause_share", "longest_pause", "pause_rate", "pauses_within_clause",
        "pauses_between_clauses", "filler_rate", "speech_rate", "articulation_rate", "words_per_minute", "mean_length_of_run",
        "pitch_sd_semitones", "pitch_median_hz", "loudness_dbfs", "snr_db", "confidence",
    ):  # fmt: skip
        table.add_row(name.replace("_", " "), "–" if data[name] is None else f"{data[name]:g}", _UNITS.get(name, ""))
    table.add_row("silent pauses", str(len(found.silent_pauses)), "of 0.25 s and more")
    table.add_row("filled pauses", ", ".join(f"{f.word} at {f.start:.1f}" for f in found.filled_pauses) or "none", "")
    table.add_row("filler words", ", ".join(found.filler_words) or "none", "")
    table.add_row("repetitions", ", ".join(found.repetitions) or "none", "")
    console.print(table)
    for note in found.notes:
        console.print(f"note: {note}", style="yellow")


_UNITS = {
    "duration": "s", "speaking_time": "s", "phonation_time": "s", "longest_pause": "s", "pause_rate": "per min",
    "filler_rate": "per min", "speech_rate": "syllables/s", "articulation_rate": "syllables/s", "pitch_sd_semitones": "semitones",
    "pitch_median_hz": "Hz", "loudness_dbfs": "dBFS", "snr_db": "dB", "mean_length_of_run": "syllables",
}  # fmt: skip


def run(path: Path, decoder: Decoder, *, json_only: bool, png: Path | None) -> None:
    """The command."""
    if json_only:
        json.dump(as_json(path, analyse(path, decoder)), sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
        return
    console = Console()
    with Progress(console=console, transient=True) as progress:
        found = analyse(path, decoder, progress)
    show(path, found, console)
    target = png or path.with_suffix(".hesitation.png")
    if png is None and not _writable(target.parent):
        target = Path.cwd() / target.name
    picture(path, found, target)
    console.print(f"picture: {target}", soft_wrap=True, markup=False, highlight=False)


def _writable(folder: Path) -> bool:
    import os

    return os.access(folder, os.W_OK)
