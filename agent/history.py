"""Earlier practice of a person, read from the reports in the home folder. Screening leaves no history here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.settings import Settings
from dialogue.history import Past


def reports_in(sessions: Path, candidate: str) -> Iterator[dict[str, Any]]:
    """A person's practice reports; none of one without a name of their own.

    A report that cannot be read is passed over: history is a help, not a promise.
    """
    if candidate in ("", "Candidate"):
        return
    for path in sorted(sessions.glob("*/report/report.json")):
        report = _read(path)
        if report and report.get("mode") == "practice" and report.get("candidate") == candidate:
            yield report


def history_of(settings: Settings, candidate: str) -> list[Past]:
    """Every judged answer of a person's practice. A candidate without a name of their own has no history."""
    found: list[Past] = []
    for report in reports_in(settings.home / "sessions", candidate):
        at = datetime.fromisoformat(report["created_at"]).timestamp()
        for question in report["questions"]:
            if question["rubric"]["level"] is not None:
                found.append(Past(question["id"], question["competency"], question["rubric"]["level"], at))
    return found


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
