"""Plots of measurements: one answer with its words and pitch, and an interview against the person's earlier ones."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voice.audio import Samples
from voice.metrics.prosody import PitchTrack

INK, SPEECH, PAUSE, FILLER, PITCH, HELD, BREATH = (
    "#22303c", "#2f6f9f", "#f2c14e", "#d1495b", "#5b8c5a", "#8a6fb0", "#9fb8c8",
)  # fmt: skip
_PAUSE_TICKS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # s
Span = tuple[float, float]
Named = tuple[float, float, str]


@dataclass(frozen=True)
class Picture:
    """A passage of one person's speech. Times in s on the displayed axis; `samples` begin at `start`."""

    samples: Samples
    rate: int
    start: float
    words: Sequence[Named]
    pauses: Sequence[Span]
    filled: Sequence[Named]
    pitch: PitchTrack  # of `samples`
    lengthened: Sequence[Named] = ()
    breaths: Sequence[Span] = ()
    title: str = ""


def draw_answer(picture: Picture, path: Path, *, longest_row: float = 24.0) -> None:
    """Write a PNG: the waveform with pauses, fillers, breaths and words, and the pitch track below it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    duration = len(picture.samples) / picture.rate
    rows = max(1, int(np.ceil(duration / longest_row)))
    width = max(duration, 1.0) / rows
    figure, axes = plt.subplots(
        2 * rows, 1, figsize=(14, 0.8 + 2.9 * rows), squeeze=False, layout="constrained",
        gridspec_kw={"height_ratios": [2, 1] * rows},
    )  # fmt: skip
    for row in range(rows):
        start = picture.start + row * width
        _waveform(axes[2 * row][0], picture, start, start + width)
        _pitch(axes[2 * row + 1][0], picture, start, start + width)
    axes[-1][0].set_xlabel("seconds")
    _legend(figure)
    if picture.title:
        figure.suptitle(picture.title, fontsize=11, color=INK)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _waveform(axis: Any, picture: Picture, start: float, end: float) -> None:
    axis.set_xlim(start, end)
    axis.set_ylim(-1.9, 1.1)
    axis.set_yticks([])
    axis.tick_params(axis="x", labelsize=7)
    _bare(axis)
    for spans, colour, alpha in ((picture.pauses, PAUSE, 0.45), (picture.breaths, BREATH, 0.9)):
        for a, b in spans:
            axis.axvspan(a, b, color=colour, alpha=alpha, lw=0)
    for a, b, text in picture.filled:
        axis.axvspan(a, b, color=FILLER, alpha=0.35, lw=0)
        if start <= a < end:
            axis.text((a + b) / 2, 1.0, text, fontsize=7, color=FILLER, ha="center", va="top", clip_on=True)
    for a, b, _ in picture.lengthened:
        axis.plot([a, b], [-1.08] * 2, color=HELD, lw=2.5, solid_capstyle="butt")
    _wave(axis, picture, start, end)
    for i, (a, b, text) in enumerate(picture.words):
        if start <= (a + b) / 2 < end:
            axis.text(
                (a + b) / 2, -1.16 - 0.24 * (i % 3), text, fontsize=6.5, ha="center", va="top", color=INK, clip_on=True
            )
    for a, b in picture.pauses:
        if b - a >= 0.5 and start <= (a + b) / 2 < end:
            axis.text((a + b) / 2, 0.9, f"{b - a:.2f} s", fontsize=6.5, ha="center", va="top", color=INK, clip_on=True)


def _wave(axis: Any, picture: Picture, start: float, end: float) -> None:
    first = max(0, round((start - picture.start) * picture.rate))
    part = picture.samples[first : round((end - picture.start) * picture.rate)]
    step = max(1, len(part) // 2400)
    usable = len(part) // step * step
    if not usable:
        return
    blocks = part[:usable].reshape(-1, step)
    top = max(float(np.abs(picture.samples).max()), 1e-6)
    times = start + (np.arange(len(blocks)) + 0.5) * step / picture.rate
    axis.fill_between(times, blocks.min(axis=1) / top, blocks.max(axis=1) / top, color=SPEECH, lw=0)


def _pitch(axis: Any, picture: Picture, start: float, end: float) -> None:
    axis.set_xlim(start, end)
    _bare(axis)
    axis.tick_params(labelsize=7)
    track = picture.pitch
    if track.voiced.any():
        middle = float(np.median(track.hertz[track.voiced]))
        times = picture.start + (np.flatnonzero(track.voiced) + 0.5) * track.hop
        axis.plot(times, 12 * np.log2(track.hertz[track.voiced] / middle), ".", ms=2.2, color=PITCH)
        axis.axhline(0.0, color=INK, lw=0.4, alpha=0.5)
        axis.set_ylim(-10, 10)
        axis.set_ylabel(f"semitones\nfrom {middle:.0f} Hz", fontsize=6.5)
    else:
        axis.set_yticks([])


def _bare(axis: Any) -> None:
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def _legend(figure: Any) -> None:
    from matplotlib.patches import Patch

    names = {
        "silent pause": PAUSE,
        "filled pause": FILLER,
        "held sound": HELD,
        "breath (estimate)": BREATH,
        "pitch": PITCH,
    }
    handles = [Patch(color=colour, label=name) for name, colour in names.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=7, frameon=False)


def draw_distributions(
    now: Mapping[str, Sequence[float]], earlier: Mapping[str, Sequence[float]], path: Path, title: str = ""
) -> None:
    """Write a PNG: for each measure, this interview's values and those of the person's own earlier interviews.

    `now`, `earlier`: label with unit to values. Without earlier ones, only this interview is shown.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    labels = [label for label, values in now.items() if len(values)]
    compared = any(len(earlier.get(label, ())) for label in labels)
    columns = min(3, max(1, len(labels)))
    rows = max(1, -(-len(labels) // columns))
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(3.7 * columns, (1.5 if compared else 1.05) * rows + 0.5),
        squeeze=False,
        layout="constrained",
    )
    rng = np.random.default_rng(0)  # jitter that is the same on every run
    for i, axis in enumerate(axes.flat):
        if i >= len(labels):
            axis.set_axis_off()
            continue
        label = labels[i]
        for height, values, colour in ((1.0, earlier.get(label, ()), BREATH), (0.0, now[label], SPEECH)):
            if not len(values):
                continue
            axis.plot(
                values, height + rng.uniform(-0.16, 0.16, len(values)), "o", ms=5, color=colour, alpha=0.75, mew=0
            )
            axis.plot([float(np.median(values))] * 2, [height - 0.3, height + 0.3], color=INK, lw=1.5)
        axis.set_ylim(-0.6, 1.6 if compared else 0.6)
        axis.set_yticks([0.0, 1.0] if compared else [0.0], ["this time", "earlier"] if compared else [""], fontsize=8)
        axis.set_title(label, fontsize=9, color=INK)
        if label.startswith("pause") and min(now[label]) > 0:
            axis.set_xscale("log")
            axis.set_xticks(_PAUSE_TICKS, [f"{t:g}" for t in _PAUSE_TICKS])
            axis.minorticks_off()
            shown = [*now[label], *earlier.get(label, ())]
            axis.set_xlim(0.8 * min(shown), 1.25 * max(shown))
        axis.tick_params(axis="x", labelsize=8)
        _bare(axis)
    if title:
        figure.suptitle(title, fontsize=10, color=INK)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def inline(path: Path) -> str:
    """An image as a data URI, for a self-contained page."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
