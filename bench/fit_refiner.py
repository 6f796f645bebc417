"""`python -m bench.fit_refiner`: makes voice/vad/refiner.npz, the weights of the network that judges frames.

Fitted on splices with exact truth (bench/material.py, part "fit") through everything that bench/degrade.py does, with
drawn strengths. None of the sound on which bench/hesitation.py measures is in it. Needs torch (the `tune` extra).
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from rich.progress import track
from scipy.signal import butter, lfilter, sosfilt

from bench.degrade import CONDITIONS, Degrade, babble_of, fan, keyboard, noisy, pink, reverberant, speech_power
from bench.material import Labelled, pieces, spliced
from voice.audio import SPEECH_RATE, Samples
from voice.vad.frames import FRAME_SECONDS
from voice.vad.refiner import INPUTS, WEIGHTS, Refiner

HIDDEN = 48
NEAR = 3.0  # weight of frames within 150 ms of an edge, the hard ones


def changes(rng: np.random.Generator, crowd: list[Samples]) -> Degrade:
    """A random degradation for one splice: often none, else noise, a room or a line, sometimes two of them."""
    kind = int(rng.integers(0, 8))
    if kind == 0:
        return CONDITIONS["clean"]
    if kind in (1, 2, 3):
        make = [pink, fan, lambda n, r: r.standard_normal(n).astype(np.float32), babble_of(crowd), keyboard][
            int(rng.integers(0, 5))
        ]
        noise = noisy(float(rng.uniform(3, 30)), make)
        return _begins_later(noise) if rng.random() < 0.2 else noise
    if kind == 4:
        room, noise = reverberant(float(rng.uniform(0.2, 0.7))), noisy(float(rng.uniform(15, 40)), pink)
        return lambda s, r: noise(room(s, r), r)
    line = CONDITIONS[["G.711", "Opus 16 kb/s", "gain steps", "dropouts"][kind - 5 + int(rng.integers(0, 2))]]
    noise = noisy(float(rng.uniform(12, 45)), fan)
    return lambda s, r: line(noise(s, r), r)


def _begins_later(change: Degrade) -> Degrade:
    """`change` from some point in the first two seconds on: a line is often dead at first."""

    def degrade(samples: Samples, rng: np.random.Generator) -> Samples:
        at = int(rng.uniform(0.0, 2.0) * SPEECH_RATE)
        return np.concatenate([samples[:at], change(samples, rng)[at:]])

    return degrade


def with_breaths(splice: Labelled, rng: np.random.Generator) -> Samples:
    """The splice with a breath in some pauses: broadband noise of 0.15 to 0.6 s, 15 to 40 dB below the speech."""
    sound = splice.samples.copy()
    level = np.sqrt(speech_power(sound))
    for start, end in splice.pauses(0.35):
        seconds = min(float(rng.uniform(0.15, 0.6)), end - start - 0.1)
        if rng.random() < 0.6 or seconds < 0.1:
            continue
        count = round(seconds * SPEECH_RATE)
        low, high = float(rng.uniform(200, 1200)), float(rng.uniform(2500, 7000))
        noise = sosfilt(butter(1, [low, high], "bandpass", fs=SPEECH_RATE, output="sos"), rng.standard_normal(count))
        noise *= np.hanning(count) ** float(rng.uniform(0.3, 1.0)) / np.std(noise)
        at = round((start + float(rng.uniform(0.05, max(0.051, end - start - seconds - 0.05)))) * SPEECH_RATE)
        sound[at : at + count] += (level * 10 ** (-rng.uniform(15, 40) / 20) * noise).astype(np.float32)[
            : len(sound) - at
        ]
    return sound


def coloured(sound: Samples, rng: np.random.Generator) -> Samples:
    """A different microphone: the spectral balance tilted by a first-order filter."""
    tilt = float(rng.uniform(-0.6, 0.6))
    return np.asarray(lfilter([1.0, tilt], [1.0], sound) / (1.0 + abs(tilt)), np.float32)


def rows(splice: Labelled, change: Degrade, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, truth and weight for each frame of one splice."""
    sound = change(coloured(with_breaths(splice, rng), rng), rng) * np.float32(10 ** (rng.uniform(-15, 10) / 20))
    refiner = Refiner(judging=False)
    refiner.push(sound)
    refiner.flush()
    count = len(refiner.levels)
    middle = (np.arange(count) + 0.5) * FRAME_SECONDS
    truth = np.zeros(count, np.float32)
    distance = np.full(count, 9.0)
    for a, b in splice.speech:
        truth[(middle >= a) & (middle < b)] = 1.0
        distance = np.minimum(distance, np.minimum(np.abs(middle - a), np.abs(middle - b)))
    return refiner.inputs(0, count), truth, np.where(distance < 0.15, NEAR, 1.0).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splices", type=int, default=240)
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    crowd = [piece.samples for piece in pieces("fit")]
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for splice in track(spliced(arguments.splices, 20.0, seed=100, part="fit"), "listening"):
        rng = np.random.default_rng([5, len(parts)])
        parts.append(rows(splice, changes(rng, crowd), rng))
    x, y, w = (torch.from_numpy(np.concatenate(column)) for column in zip(*parts, strict=True))
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(INPUTS, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 1))
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, arguments.epochs)
    for epoch in track(range(arguments.epochs), "fitting"):
        order, losses = torch.randperm(len(x)), []
        for batch in order.split(1024):
            found = net(x[batch])[:, 0]
            loss = (
                torch.nn.functional.binary_cross_entropy_with_logits(found, y[batch], reduction="none") * w[batch]
            ).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(loss.item())
        schedule.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")
    first, last = net[0], net[2]
    np.savez_compressed(
        WEIGHTS,
        w1=first.weight.detach().numpy().T.astype(np.float16), b1=first.bias.detach().numpy().astype(np.float16),
        w2=last.weight.detach().numpy()[0].astype(np.float16), b2=last.bias.detach().numpy()[0].astype(np.float32),
    )  # fmt: skip
    print(f"{len(x)} frames of {len(parts)} splices; {WEIGHTS.name}: {WEIGHTS.stat().st_size} bytes")


if __name__ == "__main__":
    main()
