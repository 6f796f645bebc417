"""Practice mode only: the coach, retrying a question, and the comparison. Knows nothing of HTTP."""

from __future__ import annotations

import asyncio

from agent.errors import UserError
from agent.reporting.coaching import answer as coach_answer
from agent.reporting.coaching import comparison_of, retry_of
from agent.reporting.history import history_of
from agent.service import models
from agent.service.interviews import Interviews
from agent.service.known import Known
from agent.service.problems import Problem
from agent.sessions import check_disk, create
from agent.settings import Settings
from dialogue.report.coach import Message
from dialogue.report.compare import Comparison
from dialogue.report_model import Report
from memory.records import CandidateSource
from memory.store import EventStore

OPEN_RETRIES = 3  # unfinished retries of one question


class Practice:
    """Coach and retries. A candidate may ask for either again and again, so both are bounded."""

    def __init__(self, store: EventStore, settings: Settings, interviews: Interviews) -> None:
        self._store = store
        self._settings = settings
        self._interviews = interviews
        self._coached: set[str] = set()  # sessions with a coach request in progress
        self._trying_again = asyncio.Lock()

    async def coach(self, session: str, talk: models.Talk) -> models.CoachReply:
        """The coach's next words on a practice report. Raises Problem."""
        known = await self._interviews.known(session)
        messages = [Message(m.who, m.text) for m in talk.messages]
        if messages[-1].who != "you":
            raise Problem(422, "not-your-turn", "the last message must be the person's")
        if session in self._coached:
            raise Problem(
                429, "one-at-a-time", "the coach is still thinking about your last message; wait for the answer"
            )
        self._coached.add(session)
        try:
            history = await history_of(self._store, self._settings, known.interview)
            advice = await asyncio.to_thread(coach_answer, self._settings, session, messages, history)
        except UserError as error:
            raise Problem(409, "no-coach", str(error)) from error
        finally:
            self._coached.discard(session)
        return models.CoachReply(text=advice.text, question=advice.question, evidence=advice.evidence)

    async def retry(self, session: str, wanted: models.Retry) -> models.Created:
        """One question of a practice again, as its own interview; a retry that has not begun is returned again.

        Raises Problem for a question that was not asked, and while too many retries of it are unfinished.
        """
        known = await self._interviews.known(session)
        try:
            agreed = retry_of(known.state, wanted.question, CandidateSource(kind="room"), follow_up=wanted.follow_up)
        except UserError as error:
            raise Problem(409, "no-retry", str(error)) from error
        async with self._trying_again:  # otherwise two concurrent requests would both find none
            tries = [k for k in await self._interviews.catalogue.retries(session) if _is_open(k, wanted.question)]
            for one in tries:
                if not one.state.started and one.interview.questions == agreed.questions:
                    return self._interviews.link(one.interview.id)
            if len(tries) >= OPEN_RETRIES:
                much = f"{len(tries)} tries of this question are not finished; go on with one of them first"
                raise Problem(409, "tries-open", much)
            check_disk(self._settings)
            await create(self._store, self._settings, agreed)
            return self._interviews.link(agreed.id)

    def comparison(self, known: Known) -> Comparison | None:
        """A retried answer beside the earlier one; None if this is not a retry. Raises Problem without a report."""
        if not known.interview.retry_of:
            return None
        path = self._interviews.report(known.interview.id, "report.json")
        return comparison_of(self._settings, Report.model_validate_json(path.read_bytes()), known.interview.retry_of)


def _is_open(retry: Known, question: str) -> bool:
    """Whether `retry` repeats this question in a room and can still be held."""
    interview = retry.interview
    return interview.source.kind == "room" and interview.questions[0].id == question and not retry.state.ended
