"""Audio from what phones and browsers record: m4a, mp4, 3gp, webm, AMR, raw AAC. Uses PyAV (from livekit-agents).

The format is recognised by content, not by file name, and only these formats are tried: FFmpeg also reads playlists
and would follow them to other files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_HEAD = 64  # bytes that are enough to recognise the format


class ContainerError(Exception):
    """The file is broken or contains no audio. The message is a sentence fragment that says which."""


def kind_of(path: Path) -> str | None:
    """FFmpeg's name for the format if it is one handled here, else None. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip") and len(head) >= 8:
        return "mov"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if head.startswith(b"#!AMR"):
        return "amr"
    if head.startswith(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"):
        return "asf"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:  # ADTS: layer 0, which MP3 never has
        return "aac"
    return None


def other_reader(path: Path) -> str | None:
    """The same for containers that libsndfile also reads, but not with every codec (AAC in caf, Speex in ogg)."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    known = {b"caff": "caf", b"OggS": "ogg", b"RIFF": "wav", b"fLaC": "flac"}
    return known.get(head[:4])


def decode(path: Path, kind: str) -> tuple[npt.NDArray[np.float32], int, float]:
    """Return (samples of shape (samples, channels), rate in Hz, seconds the file promises or 0).

    A file that ends too early yields what is there. Raises ContainerError if there is nothing.
    """
    import av
    from av.error import FFmpegError

    av.logging.set_level(None)  # the user should see only our one line
    try:
        with av.open(str(path), format=kind, options={"protocol_whitelist": "file"}) as container:
            stream = next(iter(container.streams.audio), None)
            if stream is None:
                raise ContainerError("holds no sound, only pictures")
            blocks, rate = [], 0
            for frame in _frames(container, stream):
                if rate and frame.sample_rate != rate:
                    break  # two recordings in one file: take the first
                rate = frame.sample_rate
                blocks.append(_planes(frame))
            promised = _promised(container, stream)
    except (FFmpegError, OSError, ValueError, EOFError, IndexError, MemoryError) as error:
        raise ContainerError("is broken or cut off before its index, and cannot be read") from error
    if not blocks:
        raise ContainerError("holds no sound that can be read")
    channels = min(block.shape[1] for block in blocks)
    return np.concatenate([block[:, :channels] for block in blocks]), rate, promised


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """Decoded frames up to the end, or to where the file breaks."""
    from av.error import FFmpegError

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except FFmpegError:  # damaged packet: skip it, as players do
            continue
        yield from frames


def _planes(frame: Any) -> npt.NDArray[np.float32]:
    """A frame of any sample format as float32, shape (samples, channels), -1..1."""
    found: npt.NDArray[Any] = frame.to_ndarray()
    samples = found.T if frame.format.is_planar else found.reshape(-1, frame.layout.nb_channels)
    if samples.dtype.kind == "f":
        return np.asarray(samples, np.float32)
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - np.float32(128.0)) / np.float32(128.0)
    return np.asarray(samples.astype(np.float64) / 2.0 ** (8 * samples.dtype.itemsize - 1), np.float32)


def _promised(container: Any, stream: Any) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return float(container.duration / 1_000_000) if container.duration else 0.0
