"""A person's earlier practice: which interviews are theirs, and what they say. Screenings leave no history here.

A name is weak evidence: two people called Sam may practise on one installation. So earlier practice is used only if the
interview was created with `returning` (its candidate has practised here before), and then only interviews of the same
name that were themselves marked `returning`. A person's first interview cannot have been; it counts if it is the only
unmarked one of that name. If there are several, nobody knows whose they are, and none counts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.settings import Settings
from dialogue.plan.history import Past
from memory.events import Created
from memory.records import Interview
from memory.store import EventStore, StoreError

NAMELESS = ("", "Candidate")


def same_person(candidate: str, interviews: Sequence[Interview]) -> set[str]:
    """Ids of the practice interviews of the one person known as `candidate`. Pure."""
    if candidate in NAMELESS:
        return set()
    own = {i.id: i for i in interviews if i.mode == "practice" and i.candidate == candidate}
    declared = {id_ for id_, interview in own.items() if interview.returning}
    others = {id_ for id_ in own if id_ not in declared}
    beginnings = {_first_try(own[id_], own) for id_ in others}
    return declared | (others if len(beginnings) == 1 else set())


def _first_try(interview: Interview, known: dict[str, Interview]) -> str:
    """The original interview behind a chain of retries: they all belong to one person."""
    seen = set()
    while interview.retry_of in known and interview.id not in seen:
        seen.add(interview.id)
        interview = known[interview.retry_of]
    return interview.retry_of or interview.id


async def earlier_reports(store: EventStore, sessions: Path, interview: Interview) -> list[dict[str, Any]]:
    """Practice reports of the same person, in `sessions`; none unless this is a returning person's practice."""
    if interview.mode != "practice" or not interview.returning:
        return []
    return await reports_of(store, sessions, interview.candidate)


async def reports_of(store: EventStore, sessions: Path, candidate: str) -> list[dict[str, Any]]:
    """Practice reports of the person known as `candidate`, for somebody said to be that person.

    Unreadable reports and logs are skipped: history is a help, not a promise.
    """
    if candidate in NAMELESS:
        return []
    found = await asyncio.to_thread(_by_session, sessions, candidate)
    agreed = [interview for id_ in found if (interview := await _agreed(store, id_)) is not None]
    theirs = same_person(candidate, agreed)
    return [report for id_, report in found.items() if id_ in theirs]


async def history_of(store: EventStore, settings: Settings, interview: Interview) -> list[Past]:
    """Every judged answer of the same person's practice; none unless this is a returning person's practice."""
    return judged(await earlier_reports(store, settings.home / "sessions", interview))


def judged(reports: Sequence[dict[str, Any]]) -> list[Past]:
    """The answers in `reports` that were read, with the share of key points surely said. A report of another shape is skipped."""
    found: list[Past] = []
    for report in reports:
        try:
            at = datetime.fromisoformat(report["created_at"]).timestamp()
            for question in report["questions"]:
                points = question["rubric"]["points"]
                if points and question["exchanges"]:
                    said = sum(point["state"] == "said" for point in points)
                    found.append(Past(question["id"], question["competency"], said / len(points), at))
        except (KeyError, TypeError, ValueError):
            continue
    return found


async def _agreed(store: EventStore, session: str) -> Interview | None:
    """The plan of a session, from its log: the report does not contain it."""
    try:
        events = await store.read(session)
    except (StoreError, ValueError):  # unavailable, or damaged
        return None
    return events[0].interview if events and isinstance(events[0], Created) else None


def _by_session(sessions: Path, candidate: str) -> dict[str, dict[str, Any]]:
    """Practice reports under a name, by session."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(sessions.glob("*/report/report.json")):
        report = _read(path)
        if report and report.get("mode") == "practice" and report.get("candidate") == candidate:
            found[path.parent.parent.name] = report
    return found


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
