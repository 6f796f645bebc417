"""The report folder: made beside its place and moved there whole, so that it is never half written."""

from __future__ import annotations

import base64
import io
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from agent.answer_pictures import Pictures, draw_pictures
from agent.errors import UserError
from agent.recorder import RATE, read_raw, write_wav
from dialogue.report import build_report
from dialogue.report_model import Report
from dialogue.state import fold
from memory.events import AnyEvent
from prompts.loader import render
from voice.audio import Samples, resample
from voice.timeline import Latency, Timeline, Track, draw


def _talked(events: list[AnyEvent]) -> float:
    """Seconds from the first event to the last of the interview itself: what people think of it comes later."""
    last = next(e for e in reversed(events) if e.kind not in ("advised", "rated", "reworded", "consented"))
    return last.at - events[0].at


def write_report(
    events: list[AnyEvent], raw: Path | None, folder: Path, earlier: Iterable[Mapping[str, Any]] = ()
) -> Report:
    """Everything that is left of an interview, from its log and its recording (`raw`: none for a typed one).

    `earlier`: the same person's earlier practice reports, for the pictures of how this one lies among them.
    """
    state = fold(events)
    candidate, agent = read_raw(raw) if raw else (np.zeros(0, np.float32), np.zeros(0, np.float32))
    spoken = [(e.t, e.end) for e in events if e.kind == "spoken" and e.end > e.t]
    report = build_report(
        state,
        started=events[0].at,
        duration=len(candidate) / RATE if raw else _talked(events),
        agent_speech=sum(b - a for a, b in spoken),
        recording="recording.wav" if len(candidate) else None,
    )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            data = report.model_dump(mode="json")
            write_json(building / "report.json", data)
            write_json(building / "transcript.json", transcript_of(events))
            sound, pictures = "", Pictures()
            if raw is not None and len(candidate):
                write_wav(raw, building / "recording.wav")
                sound = _data_uri(candidate, agent)
                draw(timeline_of(report, candidate, agent, spoken), building / "timeline.png")
                pictures = draw_pictures(data, state, candidate, RATE, building, earlier)
            page = render("report.html.j2", report=data, sound=sound, pictures=pictures.inline(building))
            (building / "report.html").write_text(page, "utf-8")
            building.chmod(0o755)
            if folder.exists():
                shutil.rmtree(folder)
            building.replace(folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    except OSError as error:
        raise UserError(
            f"cannot write the report to {folder} ({error.strerror or error}); the session is kept: free some space or "
            f"choose another folder, then: viva report {report.session} --out FOLDER"
        ) from error
    return report


def write_json(path: Path, data: Any) -> None:
    """For people and programs to read."""
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _data_uri(candidate: Samples, agent: Samples) -> str:
    """Both sides mixed, as MP3: every browser plays it, and seeking in it is exact enough for a sentence."""
    mixed = resample(np.clip(candidate + agent, -1.0, 1.0), RATE, 16_000)
    packed = io.BytesIO()
    soundfile.write(packed, mixed, 16_000, format="MP3", subtype="MPEG_LAYER_III")
    return "data:audio/mpeg;base64," + base64.b64encode(packed.getvalue()).decode()


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
