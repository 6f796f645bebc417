"""The report files of an interview, from its log and recording."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from agent.call.recording import RATE, Recording, write_wav
from agent.errors import UserError
from agent.reporting.pictures import Pictures, draw_pictures
from agent.reporting.report_folder import replacing, write_whole
from dialogue.report.build import build_report
from dialogue.report_model import Report
from dialogue.state import Turn, fold
from memory.events import AnyEvent, Heard
from prompts.loader import render
from voice.audio import Samples, from_int16, speech_resampler
from voice.plot.timeline import Latency, Timeline, Track, draw


def _talked(events: list[AnyEvent]) -> float:
    """Seconds from the first to the last event of the interview itself, without the opinions that come later."""
    last = next(e for e in reversed(events) if e.kind not in ("advised", "rated", "reworded", "consented"))
    return last.at - events[0].at


def write_report(
    events: list[AnyEvent], recording: Recording | None, folder: Path, earlier: Iterable[Mapping[str, Any]] = ()
) -> Report:
    """Write all report files of an interview, from its log and its recording (none for a typed one).

    The recording is read block by block, however long it is. Raises UserError if `folder` cannot be written or holds
    something that is not a report of ours.

    `earlier`: the same person's earlier practice reports, for the pictures that compare this one with them.
    """
    state = fold(events)
    sounding = recording if recording is not None and recording.length else None
    spoken = [(e.t, e.end) for e in events if e.kind == "spoken" and e.end > e.t]
    report = build_report(
        state,
        started=events[0].at,
        duration=sounding.seconds if sounding else _talked(events),
        agent_speech=sum(b - a for a, b in spoken),
        recording="recording.wav" if sounding else None,
    )
    try:
        with replacing(folder) as building:
            data = report.model_dump(mode="json")
            write_json(building / "report.json", data)
            write_json(building / "transcript.json", transcript_of(events))
            sound, pictures = "", Pictures()
            if sounding is not None:
                write_wav(sounding, building / "recording.wav")
                sound = _data_uri(sounding)
                draw(timeline_of(report, *_envelopes(sounding), spoken), building / "timeline.png")
                pictures = draw_pictures(data, state, sounding.candidate, RATE, building, earlier)
            page = render("report.html.j2", report=data, sound=sound, pictures=pictures.inline(building))
            (building / "report.html").write_text(page, "utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write the report to {folder} ({error.strerror or error}); the session is kept: free some space or "
            f"choose another folder, then: viva report {report.session} --out FOLDER"
        ) from error
    return report


def write_json(path: Path, data: Any) -> None:
    """Indented, for people and programs to read. The file is replaced atomically."""
    write_whole(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def _data_uri(recording: Recording) -> str:
    """Both sides mixed, as MP3: every browser plays it, and seeking is exact enough to find a sentence."""
    packed, resampler = io.BytesIO(), speech_resampler(RATE, 16_000)
    with soundfile.SoundFile(packed, "w", 16_000, 1, "MPEG_LAYER_III", format="MP3") as out:
        for block in recording.blocks():
            mixed = np.clip(from_int16(block[:, 0]) + from_int16(block[:, 1]), -1.0, 1.0)
            out.write(resampler.resample_chunk(mixed))
        out.write(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    return "data:audio/mpeg;base64," + base64.b64encode(packed.getvalue()).decode()


def _envelopes(recording: Recording) -> tuple[Samples, Samples]:
    """Both sides as the pictures need them: the loudest sample of every 10 ms."""
    step = RATE // 100
    peaks = [np.zeros((0, 2), np.int16)]
    for block in recording.blocks():
        padded = np.pad(block, ((0, -len(block) % step), (0, 0)))
        # Widened before abs(): the lowest 16-bit number has no positive counterpart.
        peaks.append(np.abs(padded.astype(np.int32)).reshape(-1, step, 2).max(axis=1).clip(max=32767).astype(np.int16))
    found = np.concatenate(peaks)
    return from_int16(found[:, 0]), from_int16(found[:, 1])


def transcript_of(events: list[AnyEvent]) -> list[dict[str, Any]]:
    """Who said what, in order: the agent's utterances as they sounded, the candidate's with word timings.

    `private`: what kinds of private matters (and logistics) a line of the candidate's holds, as far as it was read.
    """
    lines: list[dict[str, Any]] = []
    kinds = {id(piece): found for turn in fold(events).turns for piece, found in _private_kinds(turn)}
    for event in events:
        if event.kind == "spoken":
            line = event.model_dump(include={"text", "end", "interrupted", "heard_share"})
            lines.append({"who": "agent", "start": event.t, **line})
        elif event.kind == "heard":
            words = [w.model_dump() for w in event.words]
            lines.append(
                {
                    "who": "candidate",
                    "text": event.text,
                    "start": event.t,
                    "end": event.end,
                    "turn": event.turn,
                    "words": words,
                    "private": kinds.get(id(event), []),
                }
            )
        elif event.kind == "resumed":
            lines.append(
                {
                    "who": "system",
                    "text": f"the call was down for {event.gap:.1f} s",
                    "start": event.t,
                    "end": event.t,
                }
            )
    return lines


def _private_kinds(turn: Turn) -> Iterable[tuple[Heard, list[str]]]:
    private = turn.reading.private if turn.reading else []
    first = 0
    for piece in turn.heard:
        after = first + (len(piece.words) if turn.words else len(piece.text.split()))
        yield piece, sorted({p.kind for p in private if p.passage.first < after and first < p.passage.after})
        first = after


def timeline_of(report: Report, candidate: Samples, agent: Samples, spoken: list[tuple[float, float]]) -> Timeline:
    """The picture of a call."""
    measured = [e.delivery for q in report.questions for e in q.exchanges if e.delivery]
    speech = [(d.start, d.end) for d in measured]
    latencies = [
        Latency("candidate", d.start - d.response_delay, d.start) for d in measured if d.response_delay is not None
    ]
    ends = sorted(end for _, end in speech)
    for start, _ in spoken:
        before = [end for end in ends if end <= start]
        if before and start - before[-1] < 15.0 and not any(before[-1] < a < start for a, _ in spoken):
            latencies.append(Latency("agent", before[-1], start))
    tracks = [
        Track(
            "candidate", speech,
            pauses=[(p.start, p.end) for d in measured for p in d.silent_pauses],
            fillers=[(f.start, f.end, f.word) for d in measured for f in d.filled_pauses],
            samples=candidate,
        ),
        Track("agent", spoken, samples=agent),
    ]  # fmt: skip
    return Timeline(
        report.duration,
        tracks,
        latencies,
        [h.at for h in report.holes],
        f"{report.title}: {report.candidate}, {report.created_at}",
    )
