"""Speech with known truth: labelled recordings of people, and splices of them with silences of exact length.

Recordings are in ../shared/data/speech and skipped if absent; flite's voices are always there. A splice joins pieces
of clean recordings (speech at least 40 dB above the noise), cut where the sound first rises above and last falls below
a level 35 dB under its loudest, so the silence between two pieces has exactly the requested length.
"""

from __future__ import annotations

import functools
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_closing, maximum_filter1d, uniform_filter1d

from bench.degrade import CONDITIONS, Degrade
from simulation.speech import PersonaVoice
from voice.audio import SPEECH_RATE, Samples, from_int16, load, resample
from voice.intervals import Interval, gaps, runs
from voice.tts.espeak import EspeakVoice
from voice.vad.boundaries import SpeechMap
from voice.words import FILLED_PAUSES

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "speech"
BELOW = 35.0  # dB under the loudest 10 ms of a piece: the level at which it begins and ends
STEP = 16  # samples: 1 ms
HAND = "hand-set borders"
BORDERED = "mfa/michaelandsickmichael.wav"
SEAM = 26.72325  # s; start of the file's second recording. Its first label starts here, not from its onset


@dataclass(frozen=True)
class Labelled:
    """16 kHz sound and its intervals of speech, s. `truth`: where the labels come from."""

    name: str
    samples: Samples
    speech: list[Interval]
    truth: str

    def pauses(self, minimum: float = 0.25) -> list[Interval]:
        """Silences of at least `minimum` s inside the speech."""
        return gaps(self.speech, minimum)

    def judged(self, found: list[Interval]) -> list[Interval]:
        """The part of `found` the labels can judge: hand-set borders say nothing about pauses inside an utterance."""
        return SpeechMap(found, 0.0, 0.0).bridged(self.speech).speech if self.truth == HAND else found


@dataclass(frozen=True)
class Clip:
    """A recording with its transcript, if it has one; marks such as <cutoff-x> are kept."""

    name: str
    samples: Samples
    transcript: str

    @property
    def filled_pauses(self) -> int:
        """Number of um, uh and the like in the transcript. "'er" is a word."""
        return sum(word in FILLED_PAUSES for word in self.transcript.lower().split())


@functools.cache
def clips() -> list[Clip]:
    """Every shared recording; empty where there are none."""
    manifest = SHARED / "manifest.json"
    if not manifest.is_file():
        return []
    listed = json.loads(manifest.read_text("utf-8"))
    records = listed if isinstance(listed, list) else listed["files"]
    found = []
    for record in records:
        path = SHARED / record["file"]
        if not path.is_file():
            continue
        if path.suffix == ".raw":
            samples = from_int16(np.fromfile(path, np.int16))
        else:
            samples = load(path).at(SPEECH_RATE).samples
        found.append(Clip(record["file"], samples, record.get("transcript", "")))
    return found


def labelled() -> list[Labelled]:
    """Labelled recordings: word tiers of MFA (an aligner with a 10 ms grid: silver) and LibriVox starts and ends."""
    found = []
    for clip in clips():
        beside = SHARED / clip.name
        grid, lab = beside.with_suffix(".TextGrid"), beside.with_suffix(".lab")
        if grid.is_file():
            words = word_intervals(grid.read_text("utf-8"))
            if words:
                found.append(Labelled(clip.name, clip.samples, joined([w[:2] for w in words]), "aligner"))
        elif lab.is_file() and "sense" in clip.name:
            begin, end = (float(line.split()[0]) for line in lab.read_text().splitlines()[:2])
            found.append(Labelled(clip.name, clip.samples, [(begin, end)], "LibriVox label"))
    return found


def bordered() -> list[Labelled]:
    """Two recordings with hand-set utterance borders, on no time grid. Pauses inside utterances are not labelled."""
    beside = SHARED / BORDERED
    clip = next((c for c in clips() if c.name == BORDERED), None)
    if clip is None:
        return []
    found = []
    for tier in beside.with_suffix(".TextGrid").read_text("utf-8").split('class = "IntervalTier"')[1:]:
        rows = re.findall(r'xmin = (\S+)\s+xmax = (\S+)\s+text = "([^"]*)"', tier)
        said = sorted((float(a), float(b)) for a, b, text in rows if text.strip())
        start = SEAM if said[0][0] >= SEAM else 0.0
        samples = clip.samples[round(start * SPEECH_RATE) :]
        if not start:
            samples = samples[: round(SEAM * SPEECH_RATE)]
        found.append(Labelled(clip.name, samples, [(a - start, b - start) for a, b in said], HAND))
    return found


def word_intervals(grid: str) -> list[tuple[float, float, str]]:
    """(start, end, word) of the `words` tier of a short TextGrid; empty if it has none."""
    lines = [line.strip() for line in grid.splitlines() if line.strip()]
    if '"words"' not in lines:
        return []
    at = lines.index('"words"') + 3
    count, at = int(lines[at]), at + 1
    rows = [lines[at + 3 * i : at + 3 * i + 3] for i in range(count)]
    return [(float(a), float(b), text.strip('"')) for a, b, text in rows if text.strip('"')]


def joined(stretches: Sequence[Interval], bridge: float = 0.1) -> list[Interval]:
    """Intervals less than `bridge` s apart merged: the closure of a stop consonant is not a pause."""
    merged: list[Interval] = []
    for start, end in sorted(stretches):
        if merged and start - merged[-1][1] < bridge:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


@dataclass(frozen=True)
class Piece:
    """Speech without a pause. `samples` include its natural fringes; it is audible from `start` to `end` (samples)."""

    samples: Samples
    start: int
    end: int


def sources(part: str) -> list[tuple[str, Samples]]:
    """Clean sound to cut pieces from. `fit`: what the refiner is fitted on; `test`: what it has never seen."""
    if part == "fit":
        return _fit_sources()
    odd = ("creaky", "breaths")  # their level does not show where speech begins
    found = [
        (c.name, c.samples) for c in clips() if zlib.crc32(c.name.encode()) % 2 and not any(o in c.name for o in odd)
    ]
    voice = PersonaVoice("slt", SPEECH_RATE)
    return found + [(f"slt {i}", voice.say(text)) for i, text in enumerate(SPOKEN)]


@functools.cache
def pieces(part: str = "test") -> list[Piece]:
    """Pieces of clean speech of 0.3 to 6 s, each from its first to its last audible ms."""
    return [piece for _, samples in sources(part) for piece in cut(samples)]


def cut(samples: Samples) -> list[Piece]:
    """The pieces of a recording; none if it is not clean enough (40 dB) to say where they begin."""
    level = uniform_filter1d(np.square(samples, dtype=np.float64), 10 * STEP, mode="nearest")[::STEP]
    decibels = 10 * np.log10(np.maximum(level, 1e-12))
    top = float(np.percentile(decibels, 97))
    if top - float(np.percentile(decibels, 3)) < 40.0:
        return []
    loud = binary_closing(np.pad(decibels > top - BELOW, 200), np.ones(120))[200:-200]
    edges = runs(loud)
    found = []
    for i, (a, b) in enumerate(edges):
        # Breaths, clicks and what is between sentences must not count as speech: every 150 ms must hold something loud.
        weak = maximum_filter1d(decibels[a:b], 150)[75 : b - a - 75] < top - 24.0
        if not 300 <= b - a <= 6000 or weak.any():
            continue
        before = min(80, (a - edges[i - 1][1]) // 2 if i else a)
        after = min(120, ((edges[i + 1][0] if i + 1 < len(edges) else len(decibels)) - b) // 2)
        sound = samples[(a - before) * STEP : (b + after) * STEP].astype(np.float64)
        ramp = np.ones(len(sound))
        ramp[: before * STEP] = np.linspace(0.0, 1.0, before * STEP)
        ramp[len(ramp) - after * STEP :] = np.linspace(1.0, 0.0, after * STEP)
        gain = 0.1 / np.sqrt(np.mean(sound[before * STEP : (before + b - a) * STEP] ** 2))
        found.append(Piece((sound * ramp * gain).astype(np.float32), before * STEP, (before + b - a) * STEP))
    return found


def _fit_sources() -> list[tuple[str, Samples]]:
    """The other half of the shared clips, the recordings in Moonshine's wheel, flite's and espeak-ng's voices."""
    import moonshine_voice

    found = [(c.name, c.samples) for c in clips() if not zlib.crc32(c.name.encode()) % 2 and "creaky" not in c.name]
    for path in sorted(Path(moonshine_voice.__file__).parent.rglob("*.wav")):
        found.append((path.name, load(path).at(SPEECH_RATE).samples))
    rms = PersonaVoice("rms", SPEECH_RATE)
    found += [(f"rms {i}", rms.say(text)) for i, text in enumerate(SPOKEN)]
    for i, (variant, pace, pitch) in enumerate([("en", 150, 30), ("en-us", 175, 55), ("en-gb-scotland", 120, 70)]):
        voice = EspeakVoice(variant, words_per_minute=pace, pitch=pitch)
        found += [(f"espeak {i}", resample(voice.say(text), voice.rate, SPEECH_RATE)) for text in SPOKEN]
    return found


SPOKEN = (
    "I moved the reporting pipeline to streaming",
    "because the analysts were always late",
    "it went from six hours to four minutes",
    "and then a second person checks it",
)


def held(piece: Piece, rng: np.random.Generator, least: float = 0.2, most: float = 1.5) -> Piece:
    """The piece with its loudest vowel sustained `least` to `most` s longer, as people do, by repeating its periods."""
    window = 640
    sound = piece.samples
    power = uniform_filter1d(np.square(sound, dtype=np.float64), window)
    at = int(np.argmax(power[piece.start : piece.end])) + piece.start
    part = sound[max(0, at - window) : at + window].astype(np.float64)
    if len(part) < 2 * window:
        return piece
    correlation = np.correlate(part, part, "full")[len(part) - 1 :]
    low, high = SPEECH_RATE // 350, SPEECH_RATE // 70
    period = low + int(np.argmax(correlation[low:high]))
    if correlation[period] < 0.5 * correlation[0]:
        return piece
    loop = sound[at : at + period * 3]
    fade = np.linspace(0.0, 1.0, period, dtype=np.float32)
    more = round(float(rng.uniform(least, most)) * SPEECH_RATE)
    made = np.zeros(more + 2 * len(loop), np.float32)
    step = len(loop) - period
    for i in range(0, more + period, step):
        chunk = loop.copy()
        chunk[:period] *= fade
        chunk[-period:] *= 1.0 - fade
        made[i : i + len(chunk)] += chunk[: len(made) - i]
    made = made[period : period + more]
    made *= np.interp(np.arange(more), np.linspace(0, more, 8), rng.uniform(0.6, 1.0, 8)).astype(np.float32)
    return Piece(np.concatenate([sound[:at], made, sound[at:]]), piece.start, piece.end + more)


def spliced(count: int = 12, seconds: float = 25.0, seed: int = 1, part: str = "test") -> list[Labelled]:
    """Answers of `seconds`, made of pieces and silences of 0.1 to 3 s (log-normal), over room tone at -66 dBFS."""
    material = pieces(part)
    made = []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        sound = np.zeros(round((seconds + 16) * SPEECH_RATE), np.float32)
        speech: list[Interval] = []
        at = round(float(rng.uniform(0.4, 1.5)) * SPEECH_RATE)
        while at < seconds * SPEECH_RATE:
            piece = material[int(rng.integers(len(material)))]
            piece = held(piece, rng) if part == "fit" and rng.random() < 0.25 else piece
            begin, length = at - piece.start, piece.end - piece.start
            sound[begin : begin + len(piece.samples)] += piece.samples * np.float32(10 ** (rng.uniform(-4, 4) / 20))
            speech.append((at / SPEECH_RATE, (at + length) / SPEECH_RATE))
            at += length + round(float(np.clip(rng.lognormal(-0.7, 0.8), 0.12, 3.0)) * SPEECH_RATE)
        sound = sound[: at + SPEECH_RATE // 2]
        sound += (5e-4 * rng.standard_normal(len(sound))).astype(np.float32)
        made.append(Labelled(f"splice {i}", sound, joined(speech), "exact"))
    return made


def degraded(sources: Sequence[Labelled], condition: str, seed: int = 7) -> list[Labelled]:
    """The same through one of degrade.CONDITIONS; their labels stay valid."""
    change: Degrade = CONDITIONS[condition]
    return [
        Labelled(f"{s.name}, {condition}", change(s.samples, np.random.default_rng([seed, i])), s.speech, s.truth)
        for i, s in enumerate(sources)
    ]
