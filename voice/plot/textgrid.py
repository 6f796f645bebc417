"""Measures as a TextGrid, which Praat and ELAN open alongside the audio, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from voice.metrics.hesitation import Measures

Interval = tuple[float, float, str]


def text_grid(found: Measures) -> str:
    """Tiers: words, speech, silent pauses, filled pauses, lengthened words, breaths (an estimate). Long text format."""
    tiers = {
        "words": [(w.start, w.end, w.text) for w in found.words],
        "speech": [(a, b, "speech") for a, b in found.speech],
        "silent pauses": [(a, b, f"{b - a:.2f}") for a, b in found.silent_pauses],
        "filled pauses": [(f.start, f.end, f.word) for f in found.filled_pauses],
        "lengthened": [(w.start, w.end, w.text) for w in found.lengthened],
        "breaths (estimate)": [(a, b, "breath") for a, b in found.breaths],
    }
    end = max([found.duration, 0.001, *(b for intervals in tiers.values() for _, b, _ in intervals)])
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end:.4f}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for i, (name, intervals) in enumerate(tiers.items(), 1):
        filled = _without_gaps(intervals, end)
        lines += [f"    item [{i}]:", '        class = "IntervalTier"', f'        name = "{name}"', "        xmin = 0"]
        lines += [f"        xmax = {end:.4f}", f"        intervals: size = {len(filled)}"]
        for j, (a, b, text) in enumerate(filled, 1):
            quoted = text.replace('"', '""')
            lines += [f"        intervals [{j}]:", f"            xmin = {a:.4f}", f"            xmax = {b:.4f}"]
            lines += [f'            text = "{quoted}"']
    return "\n".join(lines) + "\n"


def table(found: Measures) -> str:
    """CSV with one row per finding: kind, start and end in s, duration, text."""
    rows: list[tuple[str, float, float, str]] = [("word", w.start, w.end, w.text) for w in found.words]
    rows += [("silent pause", a, b, "") for a, b in found.silent_pauses]
    rows += [("filled pause", f.start, f.end, f.word) for f in found.filled_pauses]
    rows += [("lengthened", w.start, w.end, w.text) for w in found.lengthened]
    rows += [("breath (estimate)", a, b, "") for a, b in found.breaths]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["kind", "start", "end", "duration", "text"])
    for kind, start, end, text in sorted(rows, key=lambda row: (row[1], row[2])):
        # A spreadsheet would take a cell that begins with one of these for a formula.
        safe = "'" + text if text[:1] in ("=", "+", "-", "@") else text
        writer.writerow([kind, f"{start:.3f}", f"{end:.3f}", f"{end - start:.3f}", safe])
    return out.getvalue()


def _without_gaps(intervals: Sequence[Interval], end: float) -> list[Interval]:
    """Fill gaps with empty intervals; an interval that overlaps its predecessor starts where that one ends."""
    filled: list[Interval] = []
    at = 0.0
    for start, stop, text in sorted(intervals):
        start, stop = max(at, round(start, 4)), min(end, round(stop, 4))
        if stop - start < 1e-4:
            continue
        if start > at:
            filled.append((at, start, ""))
        filled.append((start, stop, text))
        at = stop
    if at < end:
        filled.append((at, end, ""))
    return filled
