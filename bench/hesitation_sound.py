"""Measures from sound: response latency, filled pauses, rates, pitch and cost, each against a known truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from agent.call.audio_bridge import AUDIBLE
from bench.degrade import CONDITIONS, breath, noisy, pink, speech_power
from bench.material import SHARED as DATA
from bench.material import SPOKEN, Clip, Labelled, Piece, clips, held, labelled, pieces, spliced, word_intervals
from bench.pauses import Counted
from simulation.speech import PersonaVoice
from voice.audio import SPEECH_RATE, Samples
from voice.intervals import Interval, overlap, runs
from voice.metrics.hesitation import Measures, measure
from voice.metrics.prosody import Floats, Mask, pitch, pitch_track, voice_quality
from voice.pronunciation import syllables
from voice.stt.decoder import Decoder
from voice.stt.offline import transcribe
from voice.vad.boundaries import map_speech, speech_in
from voice.vad.detector import speech_probabilities
from voice.vad.refiner import Refiner
from voice.words import FILLED_PAUSES, TimedWord, plain

ALLOWANCE = 1.0  # s of room tone before an answer that each method also gets


def latencies(
    rulers: dict[str, Callable[[Samples], list[Interval]]], condition: str, count: int = 80, seed: int = 11
) -> dict[str, list[float]]:
    """Errors in s per method: an agent's clip, a known silence (or overlap), a candidate's clip, on two tracks.

    The agent's end is its last sample above the bridge's own audibility threshold, as in a call; the candidate's track
    holds only the answer, over room tone, through `condition`.
    """
    rng = np.random.default_rng(seed)
    question = PersonaVoice("rms", SPEECH_RATE).say("What happened after you moved the reporting pipeline?")
    material = [p for p in pieces() if p.end - p.start >= SPEECH_RATE // 2]
    errors: dict[str, list[float]] = {name: [] for name in rulers}
    for i in range(count):
        gap = float(np.clip(rng.lognormal(-0.4, 0.7), 0.05, 6.0)) if i % 8 else -float(rng.uniform(0.05, 0.6))
        lead = round(ALLOWANCE * SPEECH_RATE)
        loud = np.flatnonzero(np.abs(question) > AUDIBLE)
        asked_until = (lead + int(loud[-1]) + 1) / SPEECH_RATE
        piece = material[int(rng.integers(len(material)))]
        begin = round((asked_until + gap) * SPEECH_RATE)
        track = np.zeros(begin + len(piece.samples) + SPEECH_RATE, np.float32)
        at = begin - piece.start
        track[at : at + len(piece.samples)] += piece.samples
        track += (5e-4 * rng.standard_normal(len(track))).astype(np.float32)
        heard = CONDITIONS[condition](track, np.random.default_rng([seed, i]))
        for name, method in rulers.items():
            speech = method(heard)
            if speech:
                errors[name].append(speech[0][0] - asked_until - gap)
            else:
                errors[name].append(float(len(heard) / SPEECH_RATE) - asked_until - gap)  # never detected
    return errors


def filled(words: dict[str, list[TimedWord]]) -> tuple[list[Counted], list[Counted]]:
    """(our combination, the recogniser alone) on recordings of people with verbatim transcripts, per recording."""
    union, written = [], []
    for clip in clips():
        if not clip.transcript:
            continue
        found = measure(clip.samples, words[clip.name])
        alone = sum(w.plain in FILLED_PAUSES for w in words[clip.name])
        true = clip.filled_pauses
        union.append(Counted(min(true, len(found.filled_pauses)), len(found.filled_pauses), true))
        written.append(Counted(min(true, alone), alone, true))
    return union, written


def planted_fillers(decoder: Decoder, count: int = 36, seed: int = 5) -> list[Counted]:
    """Filled pauses in answers by flite's two voices: clauses with 0 to 2 "um" or "uh" between them, each as long as
    people make it (0.25 to 0.7 s), with 0.1 to 0.6 s of silence around it. Nothing was fitted on these; a hit overlaps.
    """
    counts = []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        voice = PersonaVoice(("slt", "rms")[i % 2], SPEECH_RATE)
        order = rng.permutation(len(SPOKEN))[:3]
        parts: list[Samples] = [np.zeros(SPEECH_RATE // 2, np.float32)]
        true: list[Interval] = []
        for j, clause in enumerate(order):
            parts += [voice.say(SPOKEN[clause]), _silence(rng)]
            if j < i % 3:
                said = voice.say(("um", "uh")[int(rng.integers(2))])
                um = held(Piece(said, 0, len(said)), rng, 0.05, 0.4)
                at = sum(map(len, parts))
                true.append(((at + um.start) / SPEECH_RATE, (at + um.end) / SPEECH_RATE))
                parts += [um.samples * np.float32(0.7), _silence(rng)]
        sound = np.concatenate([*parts, np.zeros(SPEECH_RATE // 2, np.float32)])
        sound = sound + (5e-4 * rng.standard_normal(len(sound))).astype(np.float32)
        found = measure(sound, transcribe(sound, decoder)).filled_pauses
        hits = sum(any(f.start < b and f.end > a for f in found) for a, b in true)
        counts.append(Counted(hits, len(found), len(true)))
    return counts


def planted_breaths(condition: str, count: int = 12, seed: int = 13) -> list[Counted]:
    """Breaths of 0.2 to 0.5 s in half of the splices' pauses of 0.7 s and more; a hit overlaps.

    The breaths are synthetic (shaped noise); a recording's own breath next to a splice counts as a false positive.
    """
    counts = []
    for i, item in enumerate(spliced(count)):
        rng = np.random.default_rng([seed, i])
        sound = item.samples.copy()
        level = np.float32(np.sqrt(speech_power(sound)))
        true: list[Interval] = []
        for a, b in item.pauses(0.7):
            if rng.random() < 0.5:
                length = int(rng.uniform(0.2, 0.5) * SPEECH_RATE)
                at = int(rng.uniform(a + 0.1, b - 0.1 - length / SPEECH_RATE) * SPEECH_RATE)
                sound[at : at + length] += level * breath(length, rng)
                true.append((at / SPEECH_RATE, (at + length) / SPEECH_RATE))
        found = measure(CONDITIONS[condition](sound, rng), []).breaths
        hits = sum(any(overlap(f, t) > 0 for f in found) for t in true)
        counts.append(Counted(min(hits, len(found)), len(found), len(true)))
    return counts


def _silence(rng: np.random.Generator) -> Samples:
    return np.zeros(round(float(rng.uniform(0.1, 0.6)) * SPEECH_RATE), np.float32)


def recognised(decoder: Decoder) -> dict[str, list[TimedWord]]:
    """Words of every shared recording, by name."""
    return {clip.name: transcribe(clip.samples, decoder) for clip in clips()}


def rates(words: dict[str, list[TimedWord]]) -> tuple[list[float], list[float]]:
    """Relative errors of the articulation rate (from recognised words, from nuclei alone).

    Truth: syllables of the reference transcript over the labelled speech without pauses of 250 ms and more.
    """
    by_words, by_nuclei = [], []
    references = {clip.name: clip for clip in clips()}
    for item in labelled():
        true = reference_rate(item, references[item.name])
        found = measure(item.samples, words[item.name])
        bare = measure(item.samples, [])
        if true and found.articulation_rate:
            by_words.append(found.articulation_rate / true - 1.0)
        if true and bare.articulation_rate:
            by_nuclei.append(bare.articulation_rate / true - 1.0)
    return by_words, by_nuclei


def reference_rate(item: Labelled, clip: Clip) -> float:
    """Syllables per second of phonation, from transcript and labels."""
    spoken = [w for w in map(plain, clip.transcript.split()) if w and w not in FILLED_PAUSES]
    grid = (DATA / item.name).with_suffix(".TextGrid")
    if grid.is_file():
        spoken = [plain(w) for *_, w in word_intervals(grid.read_text("utf-8")) if plain(w) not in FILLED_PAUSES]
    time_ = item.speech[-1][1] - item.speech[0][0] - sum(b - a for a, b in item.pauses())
    return sum(map(syllables, spoken)) / time_ if time_ > 0 else 0.0


def pitches(snr_db: float | None, count: int = 20, seed: int = 2) -> tuple[list[float], list[float]]:
    """Errors (of the SD, of the median, both in semitones) on synthetic voices whose pitch is known to the sample."""
    spreads, medians = [], []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        sound, hertz, gate = _made_voice(rng)
        true = hertz[gate]
        if snr_db is not None:
            sound = noisy(snr_db, pink)(sound, rng)
        speech = [(a / SPEECH_RATE, b / SPEECH_RATE) for a, b in runs(gate)]
        found = pitch(pitch_track(sound, speech), speech)
        if found:
            spreads.append(found.sd - float(np.std(12 * np.log2(true / np.median(true)))))
            medians.append(12 * np.log2(found.median / float(np.median(true))))
    return spreads, medians


def _made_voice(rng: np.random.Generator) -> tuple[Samples, Floats, Mask]:
    """4 s of source and filter: (sound, pitch in Hz per sample, whether voiced per sample)."""
    t = np.arange(4 * SPEECH_RATE) / SPEECH_RATE
    base = float(rng.uniform(85, 230))
    melody = np.zeros_like(t)
    for a, f in ((rng.uniform(0.5, 3.0), 0.4), (rng.uniform(0.2, 1.5), 1.3)):
        melody += a * np.sin(2 * np.pi * f * t + rng.uniform(0, 6))
    hertz = base * 2 ** (melody / 12)
    phase = 2 * np.pi * np.cumsum(hertz) / SPEECH_RATE
    voice = np.zeros_like(t)
    formants = ((600, 90), (1200, 110), (2500, 160))
    for k in range(1, 25):
        gain = sum(1.0 / (1.0 + ((k * hertz - f) / b) ** 2) for f, b in formants) + 0.02
        voice += np.where(k * hertz < 7000, gain / k**0.5 * np.sin(k * phase), 0.0)
    gate = np.sin(2 * np.pi * 1.1 * t + rng.uniform(0, 6)) > -0.6  # words with gaps
    return (0.05 * voice * np.convolve(gate, np.ones(400) / 400, "same")).astype(np.float32), hertz, gate


def harmonics(true_db: float, count: int = 10, seed: int = 4) -> list[float]:
    """Harmonics-to-noise ratios measured on synthetic voices with white noise this many dB below them."""
    found = []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        sound, _, gate = _made_voice(rng)
        noise = rng.standard_normal(len(sound))
        noise *= np.sqrt(np.mean(np.square(sound[gate], dtype=np.float64)) / 10 ** (true_db / 10))
        speech = [(a / SPEECH_RATE, b / SPEECH_RATE) for a, b in runs(gate)]
        heard = (sound + noise).astype(np.float32)
        quality = voice_quality(heard, pitch_track(heard, speech), speech)
        if quality:
            found.append(quality.harmonics_to_noise_db)
    return found


def cost(items: Sequence[Labelled], words: Sequence[TimedWord] = ()) -> tuple[float, float, float]:
    """CPU seconds per second of sound: (measuring offline, the refiner in 20 ms steps, the detector alone)."""
    seconds = sum(len(i.samples) for i in items) / SPEECH_RATE

    def spent(work: Callable[[Samples], object]) -> float:
        start = time.process_time()
        for item in items:
            work(item.samples)
        return (time.process_time() - start) / seconds

    def streamed(samples: Samples) -> None:
        refiner = Refiner()
        for at in range(0, len(samples), 320):
            refiner.push(samples[at : at + 320])

    measure(items[0].samples, words)  # load the models before timing
    return spent(lambda s: measure(s, words)), spent(streamed), spent(speech_probabilities)


def live_is_offline(items: Sequence[Labelled], seed: int = 9) -> int:
    """How many recordings measure exactly the same when they arrive in pieces of arbitrary size."""
    same = 0
    for item in items:
        rng = np.random.default_rng(seed)
        refiner, at = Refiner(), 0
        while at < len(item.samples):
            step = int(rng.integers(1, 4000))
            refiner.push(item.samples[at : at + step])
            at += step
        refiner.flush()
        live = measure(item.samples, [], speech_in(refiner, 0.0, len(item.samples) / SPEECH_RATE))
        same += comparable(live) == comparable(measure(item.samples, [], map_speech(item.samples)))
    return same


def comparable(found: Measures) -> dict[str, object]:
    """Everything but the pitch track, which is an array."""
    return {name: value for name, value in vars(found).items() if name != "pitch_track"}
