"""How well hesitation is measured: pauses, edges, response latency, fillers, rates, pitch; peers in the same run.

Truth: labels of the shared recordings (an aligner's word tiers, LibriVox begins and ends, verbatim transcripts), splices
with silences of exact length through noise, rooms and lines, sentences of our own, and made voices of known pitch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench import hesitation_sound as sound
from bench import hesitation_words as text
from bench.degrade import CONDITIONS
from bench.machine import machine
from bench.material import Labelled, bordered, degraded, labelled, spliced
from bench.pauses import Counted, Counts, Tally, compare, interval, mean_absolute, of
from bench.rulers import RULERS
from tuning.evaluate.evaluate import markdown_table
from voice.stt.moonshine import MoonshineDecoder
from voice.words import TimedWord

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
Rows = list[list[str]]
T = TypeVar("T")


def _interval(items: Sequence[T], statistic: Callable[[Sequence[T]], float], form: str = "{:.2f}") -> str:
    low, high = interval(items, statistic)
    return f"{form.format(statistic(items))} [{form.format(low)}, {form.format(high)}]"


def _row(name: str, tallies: list[Tally]) -> list[str]:
    precision, recall, _ = of(tallies)
    onsets = [e for t in tallies for e in t.onsets]
    offsets = [e for t in tallies for e in t.offsets]

    def duration(some: Sequence[Tally]) -> float:
        return mean_absolute([e for t in some for e in t.durations])

    return [
        name, str(sum(t.true for t in tallies)), f"{precision:.3f}", f"{recall:.3f}", _interval(tallies, _f1, "{:.3f}"),
        _interval(tallies, duration, "{:.0f}") if any(t.durations for t in tallies) else "–",
        f"{1000 * np.median(onsets):+.0f} / {mean_absolute(onsets):.0f}" if onsets else "–",
        f"{1000 * np.median(offsets):+.0f} / {mean_absolute(offsets):.0f}" if offsets else "–",
    ]  # fmt: skip


PAUSE_HEAD = [
    "", "pauses", "precision", "recall", "F1", "duration error ms", "onset ms median / MAE", "end ms median / MAE",
]  # fmt: skip


def pauses_table(step: Callable[[], None]) -> tuple[Rows, Rows]:
    """(all methods on all materials, ours by condition)."""
    splices = spliced()
    labels = labelled()
    materials: dict[str, list[Labelled]] = {
        "aligner's labels": [x for x in labels if x.truth == "aligner"],
        "hand-set borders": bordered(),
        "the same, 12 dB quieter": [replace(x, samples=x.samples / np.float32(4)) for x in bordered()],
        "LibriVox labels": [x for x in labels if x.truth != "aligner"],
        "splices": splices,
        "splices, degraded": [x for name in CONDITIONS if name != "clean" for x in degraded(splices[:6], name)],
    }
    peers: Rows = []
    for material, items in materials.items():
        for name, method in RULERS.items():
            if items:
                peers.append(
                    _row(f"{material}: {name}", [compare(x.judged(method(x.samples)), x.speech) for x in items])
                )
            step()
    conditions: Rows = []
    for condition in CONDITIONS:
        items = degraded(splices, condition)
        conditions.append(_row(condition, [compare(RULERS["Vivavoce"](x.samples), x.speech) for x in items]))
        step()
    return peers, conditions


def latency_table(step: Callable[[], None]) -> Rows:
    rows: Rows = []
    for condition in ("clean", "pink 20 dB", "pink 10 dB", "G.711", "Opus 16 kb/s"):
        for name, errors in sound.latencies(RULERS, condition).items():
            spread = _interval(errors, mean_absolute, "{:.0f}")
            p95 = 1000 * float(np.percentile(np.abs(errors), 95))
            rows.append([condition, name, str(len(errors)), spread, f"{1000 * np.median(errors):+.0f}", f"{p95:.0f}"])
        step()
    return rows


def _f1(counts: Sequence[Counts]) -> float:
    return of(counts)[2]


def _counted(name: str, counts: Sequence[Counted]) -> list[str]:
    precision, recall, _ = of(counts)
    true = sum(c.true for c in counts)
    return [
        name, str(true), str(len(counts)), f"{precision:.3f}", f"{recall:.3f}", _interval(counts, _f1, "{:.3f}"),
    ]  # fmt: skip


def words_table(words: dict[str, list[TimedWord]], decoder: MoonshineDecoder) -> Rows:
    rows: Rows = []
    union, written = sound.filled(words)
    if union:
        rows.append(_counted("um, uh: recordings of people, union", union))
        rows.append(_counted("um, uh: recordings of people, recogniser alone", written))
    rows.append(_counted("um, uh: planted and held, flite", sound.planted_fillers(decoder)))
    rows.append(_counted("filler words in context, own sentences", text.fillers()))
    for condition in ("clean", "pink 20 dB", "G.711", "Opus 16 kb/s"):
        rows.append(_counted(f"breaths, made and planted: {condition}", sound.planted_breaths(condition)))
    for kind, counts in text.disfluencies().items():
        rows.append(_counted(f"{kind}s, planted in text", counts))
    return rows


def other_table(words: dict[str, list[TimedWord]], splices: list[Labelled]) -> Rows:
    rows: Rows = []
    for name, errors in zip(("words", "nuclei"), sound.rates(words), strict=True):
        if errors:
            rows.append([f"articulation rate by {name}", f"{len(errors)} recordings",
                         f"{100 * np.mean(np.abs(errors)):.1f} % mean error, worst {100 * np.max(np.abs(errors)):.1f} %"])  # fmt: skip
    for snr in (None, 20.0, 10.0):
        spreads, medians = sound.pitches(snr)
        where = "clean" if snr is None else f"pink {snr:.0f} dB"
        rows.append([f"pitch SD, {where}", f"{len(spreads)} made voices",
                     f"{np.mean(np.abs(spreads)):.2f} semitones mean error, worst {np.max(np.abs(spreads)):.2f}; "
                     f"median pitch {100 * np.mean(np.abs(medians)):.0f} cents"])  # fmt: skip
    for true in (5.0, 10.0, 15.0, 20.0):
        found = sound.harmonics(true)
        rows.append([f"harmonics to noise, made at {true:.0f} dB", f"{len(found)} made voices",
                     f"{np.mean(found):.1f} dB, SD {np.std(found):.1f}"])  # fmt: skip
    offline, streamed, floor = sound.cost(splices[:4])
    rows.append(["cost, one core", f"{sum(len(s.samples) for s in splices[:4]) / 16000:.0f} s of sound",
                 f"measuring {offline:.4f} x real time; refiner in 20 ms steps {streamed:.4f}; detector alone (floor) {floor:.4f}"])  # fmt: skip
    some = splices[:4] + labelled()[:2]
    rows.append(["live = offline", f"{len(some)} recordings", f"{sound.live_is_offline(some)} alike in every number"])
    return rows


TABLES = (
    ("Pauses of 250 ms and more, by ruler", PAUSE_HEAD),
    ("Vivavoce by what happened to the sound (splices)", PAUSE_HEAD),
    ("Response latency, spliced truth", ["condition", "ruler", "n", "MAE ms", "median ms", "p95 ms"]),
    ("Words and breaths", ["what", "true", "items", "precision", "recall", "F1"]),
    ("Rates, pitch, cost", ["what", "on", "result"]),
)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="viva bench hesitation", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="print only; leave docs/results/hesitation.md as it is")
    arguments = parser.parse_args(argv)
    console = Console()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring", total=6 * len(RULERS) + len(CONDITIONS) + 8)

        def step() -> None:
            progress.advance(task)

        decoder = MoonshineDecoder()
        peers, conditions = pauses_table(step)
        latency = latency_table(step)
        words = sound.recognised(decoder)
        step()
        tables = [peers, conditions, latency, words_table(words, decoder), other_table(words, spliced(4))]
    parts = []
    for (title, head), rows in zip(TABLES, tables, strict=True):
        shown = Table(title=title)
        for cell in head:
            shown.add_column(cell)
        for row in rows:
            shown.add_row(*row)
        console.print(shown)
        parts.append(f"## {title}\n\n{markdown_table(head, rows)}")
    if not labelled():
        console.print("the shared recordings are not here: nothing was measured on people, nothing is written")
    elif not arguments.keep:
        page = RESULTS / "hesitation.md"
        old = page.read_text("utf-8") if page.is_file() else "# Hesitation\n\n<!-- tables -->\n"
        before = old.split("<!-- tables -->")[0]
        page.write_text(
            before + f"<!-- tables -->\n\n`viva bench hesitation`, on {machine()}.\n\n" + "\n\n".join(parts) + "\n",
            "utf-8",
        )


if __name__ == "__main__":
    main()
