"""Plots of a conversation or recording: who spoke when, pauses, fillers, and how long each waited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from voice.audio import Samples
from voice.plot.answer import FILLER as _FILLER
from voice.plot.answer import HELD as _OTHER
from voice.plot.answer import INK as _INK
from voice.plot.answer import PAUSE as _PAUSE
from voice.plot.answer import PITCH as _GAP
from voice.plot.answer import SPEECH as _SPEECH


@dataclass(frozen=True)
class Track:
    """One speaker. Intervals in s; `samples` (any rate) for the waveform drawn over them."""

    name: str
    speech: Sequence[tuple[float, float]]
    pauses: Sequence[tuple[float, float]] = ()
    fillers: Sequence[tuple[float, float, str]] = ()
    samples: Samples | None = None


@dataclass(frozen=True)
class Latency:
    """How long somebody waited: `who` began at `end`, the other stopped at `start` (s; end < start: overlap)."""

    who: str
    start: float
    end: float


@dataclass(frozen=True)
class Timeline:
    """What to draw. Times in s."""

    duration: float
    tracks: Sequence[Track]
    latencies: Sequence[Latency] = field(default=())
    holes: Sequence[float] = field(default=())
    title: str = ""
    seconds_per_row: float = 60.0


def draw(timeline: Timeline, path: Path) -> None:
    """Write a PNG: one row per `seconds_per_row`, one lane per speaker."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    rows = max(1, int(np.ceil(timeline.duration / timeline.seconds_per_row)))
    lanes = len(timeline.tracks)
    figure, axes = plt.subplots(
        rows, 1, figsize=(14, 0.7 + rows * (0.55 + 0.6 * lanes)), squeeze=False, layout="constrained"
    )
    width = min(timeline.seconds_per_row, max(timeline.duration, 1.0))
    for row in range(rows):
        _row(axes[row][0], timeline, row * timeline.seconds_per_row, width)
    axes[-1][0].set_xlabel("seconds")
    _legend(figure, with_latency=bool(timeline.latencies), two=lanes > 1)
    if timeline.title:
        figure.suptitle(timeline.title, fontsize=11, color=_INK)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _row(axis: Any, timeline: Timeline, start: float, width: float) -> None:
    end = start + width
    axis.set_xlim(start, end)
    axis.set_ylim(-0.75, len(timeline.tracks) - 0.25)
    axis.set_yticks(range(len(timeline.tracks)), [t.name for t in timeline.tracks], fontsize=8)
    axis.tick_params(axis="x", labelsize=7)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    for lane, track in enumerate(timeline.tracks):
        colour = (_SPEECH, _OTHER)[lane % 2]
        _bars(axis, track.speech, lane, 0.5, colour, start, end)
        _bars(axis, track.pauses, lane, 0.22, _PAUSE, start, end)
        _bars(axis, [(a, b) for a, b, _ in track.fillers], lane, 0.5, _FILLER, start, end)
        if track.samples is not None and len(track.samples):
            _wave(axis, track.samples, timeline.duration, lane, start, end)
    for latency in timeline.latencies:
        if start <= max(latency.start, latency.end) < end:
            lane = next((i for i, t in enumerate(timeline.tracks) if t.name == latency.who), 0)
            axis.annotate(
                f"{latency.end - latency.start:.2f} s",
                (latency.end, lane + 0.28), fontsize=6.5, color=_GAP, ha="left", va="bottom",
            )  # fmt: skip
            axis.plot([latency.start, latency.end], [lane + 0.3] * 2, color=_GAP, lw=1.5, solid_capstyle="butt")
    for hole in timeline.holes:
        if start <= hole < end:
            axis.axvline(hole, color=_FILLER, ls="--", lw=1)


def _bars(
    axis: Any,
    stretches: Sequence[tuple[float, float]],
    lane: int,
    height: float,
    colour: str,
    start: float,
    end: float,
) -> None:
    seen = [(max(a, start), min(b, end) - max(a, start)) for a, b in stretches if b > start and a < end]
    axis.broken_barh(seen, (lane - height / 2, height), color=colour, lw=0)


def _wave(axis: Any, samples: Samples, duration: float, lane: int, start: float, end: float) -> None:
    a, b = (int(t / duration * len(samples)) for t in (start, min(end, duration)))
    part = np.abs(samples[a:b])
    step = max(1, len(part) // 1400)
    usable = len(part) // step * step
    if usable == 0:
        return
    peaks = part[:usable].reshape(-1, step).max(axis=1)
    peaks = 0.24 * peaks / max(float(np.abs(samples).max()), 1e-6)
    times = np.linspace(start, start + usable / len(samples) * duration, len(peaks), endpoint=False)
    axis.fill_between(times, lane - peaks, lane + peaks, color="white", alpha=0.55, lw=0)


def _legend(figure: Any, *, with_latency: bool, two: bool) -> None:
    from matplotlib.patches import Patch

    entries = [("speech", _SPEECH), ("silent pause", _PAUSE), ("filled pause", _FILLER)]
    entries += [("the other's speech", _OTHER)] if two else []
    entries += [("waited before speaking", _GAP)] if with_latency else []
    handles = [Patch(color=colour, label=name) for name, colour in entries]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=7, frameon=False)
