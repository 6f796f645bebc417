"""What is left of an interview: the report folder, from the log and the recording."""

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
from dialogue.state import fold
from memory.events import AnyEvent
from prompts.loader import render
from voice.audio import Samples, from_int16, speech_resampler
from voice.plot.timeline import Latency, Timeline, Track, draw


def _talked(events: list[AnyEvent]) -> float:
    """Seconds from the first event to the last of the interview itself: what people think of it comes later."""
    last = next(e for e in reversed(events) if e.kind not in ("advised", "rated", "reworded", "consented"))
    return last.at - events[0].at


def write_report(
    events: list[AnyEvent], recording: Recording | None, folder: Path, earlier: Iterable[Mapping[str, Any]] = ()
) -> Report:
    """Everything that is left of an interview, from its log and its recording (none for a typed one).

    The recording is read block by block, however long it is. Raises UserError where `folder` cannot be written, or
    holds something that is no report of ours.

    `earlier`: the same person's earlier practice reports, for the pictures of how this one lies among them.
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
    """For people and programs to read. The file is replaced whole or not at all."""
    write_whole(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def _data_uri(recording: Recording) -> str:
    """Both sides mixed, as MP3: every browser plays it, and seeking in it is exact enough for a sentence."""
    packed, resampler = io.BytesIO(), speech_resampler(RATE, 16_000)
    with soundfile.SoundFile(packed, "w", 16_000, 1, "MPEG_LAYER_III", format="MP3") as out:
        for block in recording.blocks():
            mixed = np.clip(from_int16(block[:, 0]) + from_int16(block[:, 1]), -1.0, 1.0)
            out.write(resampler.resample_chunk(mixed))
        out.write(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    return "data:audio/mpeg;base64," + base64.b64encode(packed.getvalue()).decode()


def _envelopes(recording: Recording) -> tuple[Samples, Samples]:
    """Both sides as a picture needs them: the loudest sample of every 10 ms."""
    step = RATE // 100
    peaks = [np.zeros((0, 2), np.int16)]
    for block in recording.blocks():
        padded = np.pad(block, ((0, -len(block) % step), (0, 0)))
        # Before the sign is lost: the lowest 16-bit number has no positive twin.
        peaks.append(np.abs(padded.astype(np.int32)).reshape(-1, step, 2).max(axis=1).clip(max=32767).astype(np.int16))
    found = np.concatenate(peaks)
    return from_int16(found[:, 0]), from_int16(found[:, 1])


def transcript_of(events: list[AnyEvent]) -> list[dict[str, Any]]:
    """Who said what, in order: the agent's utterances as they sounded, the candidate's with their words in time."""
    lines: list[dict[str, Any]] = []
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
