"""What rooms, lines and machines do to speech: noise, reverberation, codecs, gain, dropouts. Seeded; timing is kept.

All functions take 16 kHz mono float32 and return the same length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import av
import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

from voice.audio import SPEECH_RATE, Samples, resample, to_int16

Degrade = Callable[[Samples, np.random.Generator], Samples]


def speech_power(samples: Samples) -> float:
    """Mean power of the louder half of the 20 ms frames: the power of the speech without the silence around it."""
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    power = np.sort(np.square(frames, dtype=np.float64).mean(axis=1))
    return float(power[len(power) // 2 :].mean())


def noisy(snr_db: float, make: Callable[[int, np.random.Generator], Samples]) -> Degrade:
    """Adds the noise from `make` at this speech-to-noise ratio."""

    def degrade(samples: Samples, rng: np.random.Generator) -> Samples:
        noise = make(len(samples), rng)
        gain = np.sqrt(speech_power(samples) / 10 ** (snr_db / 10) / np.mean(np.square(noise, dtype=np.float64)))
        return np.asarray(samples + gain * noise, np.float32)

    return degrade


def pink(count: int, rng: np.random.Generator) -> Samples:
    """Noise that falls 3 dB per octave: a ventilated room."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / SPEECH_RATE), 40.0)
    return np.fft.irfft(spectrum / np.sqrt(frequency), count).astype(np.float32)


def fan(count: int, rng: np.random.Generator) -> Samples:
    """Pink noise with mains hum and a slowly changing level."""
    t = np.arange(count) / SPEECH_RATE
    base = pink(count, rng)
    base /= float(np.std(base))
    hum = sum(np.sin(2 * np.pi * 50 * k * t + k) / k for k in (1, 2, 3, 4))
    swell = 1.0 + 0.3 * np.sin(2 * np.pi * 0.3 * t + rng.uniform(0, 6))
    return np.asarray((base + 0.4 * hum) * swell, np.float32)


def keyboard(count: int, rng: np.random.Generator) -> Samples:
    """Clicks of 4 to 12 ms, about five per second, over a little noise."""
    out = 0.002 * rng.standard_normal(count)
    for _ in range(max(1, round(5 * count / SPEECH_RATE))):
        length = int(rng.integers(64, 192))
        at = int(rng.integers(0, max(1, count - length)))
        click = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 4))
        out[at : at + length] += rng.uniform(0.3, 1.0) * click[: count - at]
    return out.astype(np.float32)


def babble_of(crowd: Sequence[Samples]) -> Callable[[int, np.random.Generator], Samples]:
    """Six people talking at once in the background, made from these pieces of speech."""

    def babble(count: int, rng: np.random.Generator) -> Samples:
        out = np.zeros(count, np.float32)
        for _ in range(6):
            at = 0
            while at < count:
                piece = crowd[int(rng.integers(len(crowd)))][: count - at]
                out[at : at + len(piece)] += piece
                at += len(piece)
        return out

    return babble


def breathing(samples: Samples, rng: np.random.Generator) -> Samples:
    """A breath of 0.2 to 0.5 s about every two seconds, regardless of the speech, 22 to 32 dB below it."""
    out = samples.copy()
    level = float(np.sqrt(speech_power(samples)))
    for _ in range(max(1, len(samples) // (2 * SPEECH_RATE))):
        count = int(rng.uniform(0.2, 0.5) * SPEECH_RATE)
        at = int(rng.integers(0, max(1, len(samples) - count)))
        out[at : at + count] += level * breath(count, rng)[: len(out) - at]
    return out


def breath(count: int, rng: np.random.Generator) -> Samples:
    """Noise from 0.5 to 5 kHz that swells and fades, 22 to 32 dB below speech of level 1."""
    sos = butter(2, [500, 5000], "bandpass", fs=SPEECH_RATE, output="sos")
    noise = sosfilt(sos, rng.standard_normal(count)) * np.hanning(count)
    noise *= 10 ** (-rng.uniform(22, 32) / 20) / np.std(noise)
    return np.asarray(noise, np.float32)


def reverberant(seconds: float = 0.4) -> Degrade:
    """A room with this reverberation time (60 dB): direct sound and an exponential tail 9 dB below it."""

    def degrade(samples: Samples, rng: np.random.Generator) -> Samples:
        count = int(seconds * SPEECH_RATE)
        tail = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
        tail[: SPEECH_RATE // 200] = 0.0  # 5 ms of direct sound alone
        tail *= np.sqrt(10**-0.9 / np.sum(tail**2))
        tail[0] = 1.0
        return np.asarray(fftconvolve(samples, tail)[: len(samples)], np.float32)

    return degrade


def g711(samples: Samples, rate: int) -> Samples:
    """A telephone line: to mu-law at 8 kHz, 300 to 3400 Hz, and back. Adds the 1.5 ms of delay of such a line."""
    narrow = resample(samples, rate, 8000)
    narrow = sosfilt(butter(4, [300, 3400], "bandpass", fs=8000, output="sos"), narrow).astype(np.float32)
    clipped = np.clip(narrow, -1.0, 1.0)
    companded = np.sign(clipped) * np.log1p(255 * np.abs(clipped)) / np.log1p(255)
    coarse = np.round(companded * 127) / 127
    back = np.sign(coarse) * np.expm1(np.abs(coarse) * np.log1p(255)) / 255
    return _fit(resample(back.astype(np.float32), 8000, rate), len(samples))


def opus(samples: Samples, rng: np.random.Generator) -> Samples:
    """Opus at 16 kb/s, as libopus in PyAV codes speech; its delay is compensated."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = 16000, "mono", "s16", 16_000  # type: ignore[assignment]
    encoder.time_base = Fraction(1, 16000)
    encoder.options = {"application": "voip"}
    encoder.open()
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.extradata = encoder.extradata
    decoder.sample_rate, decoder.layout = 48000, "mono"  # type: ignore[assignment]
    size = encoder.frame_size or 320
    padded = np.concatenate([samples, np.zeros(size * 4, np.float32)])
    decoded: list[Samples] = []
    for i in range(0, len(padded) - size + 1, size):
        frame = av.AudioFrame.from_ndarray(to_int16(padded[i : i + size])[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, i, Fraction(1, 16000)
        for packet in encoder.encode(frame):
            for out in decoder.decode(packet):
                sound = out.to_ndarray().astype(np.float32).reshape(-1)
                scale = 32768.0 if out.format.name.startswith("s16") else 1.0
                decoded.append(resample(sound / scale, out.sample_rate, SPEECH_RATE))
    return _aligned(np.concatenate(decoded), samples)


def gain_steps(samples: Samples, rng: np.random.Generator) -> Samples:
    """An automatic gain control that jumps by up to 10 dB every two to five seconds."""
    gain = np.ones(len(samples))
    at = 0
    while at < len(samples):
        step = int(rng.uniform(2.0, 5.0) * SPEECH_RATE)
        gain[at : at + step] = 10 ** (rng.uniform(-10, 6) / 20)
        at += step
    return (samples * gain).astype(np.float32)


def dropouts(samples: Samples, rng: np.random.Generator) -> Samples:
    """Lost frames of 20 to 60 ms, about one per second, without concealment."""
    out = samples.copy()
    for _ in range(max(1, len(samples) // SPEECH_RATE)):
        at = int(rng.integers(0, max(1, len(samples) - 960)))
        out[at : at + int(rng.integers(320, 960))] = 0.0
    return out


def _fit(samples: Samples, count: int) -> Samples:
    return np.pad(samples, (0, max(0, count - len(samples))))[:count].astype(np.float32)


def _aligned(decoded: Samples, source: Samples) -> Samples:
    """`decoded` shifted to its best match with `source` (up to 100 ms) and cut to the same length."""
    part = min(len(decoded), len(source))
    correlation = fftconvolve(decoded[:part], source[:part][::-1])[part - 1 : part - 1 + SPEECH_RATE // 10]
    return _fit(decoded[int(np.argmax(correlation)) :], len(source))


CONDITIONS: dict[str, Degrade] = {
    "clean": lambda samples, rng: samples,
    "pink 20 dB": noisy(20, pink),
    "pink 10 dB": noisy(10, pink),
    "pink 5 dB": noisy(5, pink),
    "fan 20 dB": noisy(20, fan),
    "fan 10 dB": noisy(10, fan),
    "keyboard 20 dB": noisy(20, keyboard),
    "breaths": breathing,
    "reverberation 0.4 s": reverberant(),
    "G.711": lambda samples, rng: g711(samples, SPEECH_RATE),
    "Opus 16 kb/s": opus,
    "gain steps": gain_steps,
    "dropouts": dropouts,
}
