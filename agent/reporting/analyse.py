"""`viva analyse FILE`: timing and hesitation of any recording, as a table and a picture, or as files for other tools."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agent.call.recorded_candidate import check_speech
from agent.errors import UserError
from prompts.loader import render
from voice.audio import SPEECH_RATE, load
from voice.metrics.hesitation import Measures, measure
from voice.plot.answer import Picture, draw_answer, inline
from voice.plot.textgrid import table, text_grid
from voice.stt.decoder import Decoder
from voice.stt.offline import transcribe


def analyse(path: Path, decoder: Decoder, progress: Progress | None = None) -> Measures:
    """Measure a recording. Raises AudioError if there is nothing to measure."""
    audio = load(path)
    heard = check_speech(audio, path)
    samples = audio.at(SPEECH_RATE).samples
    task = progress.add_task("listening", total=1.0) if progress else None

    def advance(share: float) -> None:
        if progress and task is not None:
            progress.update(task, completed=share)

    found = measure(samples, transcribe(samples, decoder, advance, heard), heard)
    return dataclasses.replace(found, notes=[*found.notes, audio.warning]) if audio.warning else found


PICTURES = (".png", ".svg", ".pdf")
_STRETCHES = ("speech", "silent_pauses", "breaths")
_NAMED = ("filled_pauses", "words", "lengthened")


def as_json(path: Path, found: Measures) -> dict[str, Any]:
    """Times in s from the start of the file, rates per second (words_per_minute, pause_rate, filler_rate: per minute)."""

    def stretch(start: float, end: float) -> dict[str, float]:
        return {"start": round(start, 3), "end": round(end, 3)}

    data: dict[str, Any] = {"file": path.name}
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        if field.name == "pitch_track":
            continue
        if field.name in _STRETCHES:
            data[field.name] = [stretch(a, b) for a, b in value]
        elif field.name in _NAMED:
            data[field.name] = [{"word": getattr(x, "word", "") or x.text, **stretch(x.start, x.end)} for x in value]
        elif field.name == "voice_quality":
            numbers = {k: round(v, 3) for k, v in dataclasses.asdict(value).items()} if value else None
            data["voice_quality_experimental"] = numbers
        else:
            data[field.name] = round(value, 3) if isinstance(value, float) else value
    return data


def picture_of(path: Path, found: Measures) -> Picture:
    """A recording with its words, pauses, fillers and pitch."""
    audio = load(path)
    return Picture(
        audio.samples,
        audio.rate,
        0.0,
        words=[(w.start, w.end, w.text) for w in found.words],
        pauses=found.silent_pauses,
        filled=[(f.start, f.end, f.word) for f in found.filled_pauses],
        lengthened=[(w.start, w.end, w.text) for w in found.lengthened],
        breaths=found.breaths,
        pitch=found.pitch_track,
        title=path.name,
    )


def check_targets(path: Path, png: Path | None, out: Path | None) -> None:
    """Raises UserError if writing would destroy something: a file of the user's, the recording itself, notes in Praat.

    Meant to be called when the command starts.
    """
    if png is not None:
        if png.suffix.lower() not in PICTURES:
            raise UserError(f"{png}: a picture's name ends in {', '.join(PICTURES)}; choose such a one with --png")
        if png.exists() and not _is_picture(png):
            raise UserError(f"{png} is there already and is no picture; choose another place with --png")
    for target in targets_of(path, out).values() if out is not None else ():
        if os.path.lexists(target):
            raise UserError(
                f"{target} is there already and may have been worked on; choose another folder with --out, or remove it"
            )


def _is_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        return False
    return head.startswith((b"\x89PNG", b"%PDF-")) or b"<svg" in head or not head


def targets_of(path: Path, folder: Path) -> dict[str, Path]:
    """The files of an analysis, by kind."""
    return {kind: folder / f"{path.stem}.{kind}" for kind in ("png", "html", "json", "TextGrid", "csv")}


def picture(path: Path, found: Measures, target: Path) -> None:
    """Draw a recording. Raises UserError if the picture cannot be written."""
    try:
        draw_answer(picture_of(path, found), target)
    except OSError as error:
        raise UserError(
            f"cannot write {target} ({error.strerror or error}); choose another place with --png"
        ) from error


def export(path: Path, found: Measures, folder: Path) -> list[Path]:
    """PNG, HTML, JSON, TextGrid and CSV into `folder`. Raises UserError if they cannot be written or already exist."""
    data = as_json(path, found)
    targets = targets_of(path, folder)
    check_targets(path, None, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draw_answer(picture_of(path, found), targets["png"])
        targets["json"].write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")
        targets["TextGrid"].write_text(text_grid(found), "utf-8")
        targets["csv"].write_text(table(found), "utf-8")
        targets["html"].write_text(
            render("analysis.html.j2", data=data, rows=_rows(data), image=inline(targets["png"])), "utf-8"
        )
    except OSError as error:
        raise UserError(
            f"cannot write to {folder} ({error.strerror or error}); choose another place with --out"
        ) from error
    return list(targets.values())


def _rows(data: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(name, value, unit) for people."""
    rows = []
    for name, unit in _UNITS.items():
        value = data[name]
        rows.append((name.replace("_", " "), "–" if value is None else f"{value:.4g}", unit))
    counts, inside = data["pause_counts"], data["pause_counts_within_clause"]
    for threshold, count in counts.items():
        rows.append((f"pauses of {threshold} ms and more", str(count), f"{inside[threshold]} inside clauses"))
    rows.append(("filled pauses", _listed(data["filled_pauses"]), ""))
    rows.append(("lengthened words", _listed(data["lengthened"]), ""))
    for name in ("filler_words", "repetitions", "restarts", "cut_offs"):
        rows.append((name.replace("_", " "), ", ".join(data[name]) or "none", ""))
    rows.append(("breaths", str(len(data["breaths"])), "an estimate"))
    if quality := data["voice_quality_experimental"]:
        rows.append(("harmonics to noise", f"{quality['harmonics_to_noise_db']:.3g}", "dB, experimental"))
        rows.append(("pitch perturbation", f"{quality['pitch_perturbation']:.3g}", "%, experimental"))
    return rows


def _listed(things: list[dict[str, Any]]) -> str:
    return ", ".join(f"{t['word']} at {t['start']:.1f}" for t in things) or "none"


_UNITS = {
    "duration": "s", "speaking_time": "s", "phonation_time": "s", "phonation_ratio": "", "pause_share": "", "pause_median": "s",
    "longest_pause": "s", "pause_rate": "per min", "filler_rate": "per min", "syllables": "", "speech_rate": "syllables/s",
    "articulation_rate": "syllables/s", "words_per_minute": "", "mean_length_of_run": "syllables",
    "pitch_median_hz": "Hz", "pitch_sd_semitones": "semitones", "pitch_span_semitones": "semitones",
    "pitch_final_slope": "semitones/s", "loudness_lufs": "LUFS", "loudness_dbfs": "dBFS", "loudness_iqr_db": "dB",
    "breath_group": "s, an estimate", "snr_db": "dB", "confidence": "",
}  # fmt: skip


def show(path: Path, found: Measures, console: Console) -> None:
    """The table for people."""
    console.print(" ".join(w.text for w in found.words), style="cyan", markup=False, highlight=False)
    grid = Table(box=None, show_header=False)
    for row in _rows(as_json(path, found)):
        grid.add_row(*row)
    console.print(grid)
    for note in found.notes:
        console.print(f"note: {note}", style="yellow")


def run(path: Path, decoder: Decoder, *, json_only: bool, png: Path | None, out: Path | None = None) -> None:
    """The command."""
    if json_only:
        found = analyse(path, decoder)
        for note in found.notes:
            print(f"viva: {path}: {note}", file=sys.stderr)
        json.dump(as_json(path, found), sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
        return
    console = Console()
    with Progress(console=console, transient=True) as progress:
        found = analyse(path, decoder, progress)
    show(path, found, console)
    if out is not None:
        for target in export(path, found, out):
            console.print(f"written: {target}", soft_wrap=True, markup=False, highlight=False)
        return
    target = png or path.with_suffix(".hesitation.png")
    if png is None and not os.access(target.parent, os.W_OK):
        target = Path.cwd() / target.name
    picture(path, found, target)
    console.print(f"picture: {target}", soft_wrap=True, markup=False, highlight=False)
