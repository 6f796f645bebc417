"""What can be done with interviews over HTTP. Knows nothing of HTTP: the routes translate, this decides."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from agent.errors import UserError
from agent.planning.documents import DocumentError, text_of
from agent.planning.planning import AUTO, Wishes, past_of, planned
from agent.reporting.ratings import Opinion, TooManyOpinions, rate
from agent.rooms.roles import CANDIDATE
from agent.service import models
from agent.service.commands import carry_out
from agent.service.known import Catalogue, Known, Unreadable
from agent.service.livekit import LiveKit
from agent.service.problems import Problem
from agent.service.sending import Sending
from agent.service.tokens import Links, room_token
from agent.sessions import check_disk, consent_of, create, session_folder, taken
from agent.settings import Settings
from memory.consent import may_teach
from memory.events import AnyEvent, Ended
from memory.records import CandidateSource
from memory.store import EventStore
from prompts.loader import languages, load_phrases, pack_names


class Interviews:
    """`links` signs the candidates' links; `public_url` is where they lead; `sending` is shared with the watch."""

    def __init__(
        self, store: EventStore, settings: Settings, livekit: LiveKit, links: Links, public_url: str,
        sending: Sending | None = None, wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._store = store
        self._settings = settings
        self._livekit = livekit
        self._links = links
        self._public_url = public_url
        self._sending = sending or Sending()
        self._wall = wall
        self._clock = clock
        self.catalogue = Catalogue(store)

    # -- reading ---------------------------------------------------------------------------------------------------

    async def known(self, session: str) -> Known:
        """The session as its log is now. Raises Problem if there is none, or if it cannot be read."""
        return await self.catalogue.known(session)

    async def sessions(self) -> list[str]:
        """Oldest first."""
        return await self.catalogue.sessions()

    async def page(self, offset: int, limit: int) -> list[models.Summary]:
        """Newest first. One with a damaged log is listed as damaged and does not hide the others."""
        names = list(reversed(await self.sessions()))[offset : offset + limit]
        found = []
        for name in names:
            try:
                found.append(await self.summary(name))
            except Unreadable:
                found.append(_unreadable(name))
            except Problem as problem:
                if problem.status != 404:  # 404: erased since the names were read
                    raise
        return found

    async def holder(self, session: str) -> str | None:
        return await self._store.holder(session)

    async def events(self, session: str, after: int = 0) -> list[AnyEvent]:
        await self.known(session)
        return await self._store.read(session, after)

    def folder(self, session: str) -> Path:
        return session_folder(self._settings, session)

    def report(self, session: str, name: str) -> Path:
        """A file of the report. Raises Problem while there is no report."""
        path = self.folder(session) / "report" / name
        if not path.is_file():
            raise Problem(404, "no-report", "there is no report yet; it is made when the interview has ended")
        return path

    async def summary(self, session: str) -> models.Summary:
        return models.Summary(**(await self._summary(await self.known(session))))

    async def _summary(self, known: Known) -> dict[str, Any]:
        state, interview = known.state, known.interview
        return {
            "id": interview.id, "title": interview.title, "candidate": interview.candidate, "mode": interview.mode,
            "status": await self.status(known), "outcome": state.ended, "created": known.first,
            "questions": len(interview.questions), "asked": len({t.question for t in state.turns}),
            "has_report": (self.folder(interview.id) / "report" / "report.json").is_file(),
        }  # fmt: skip

    async def status(self, known: Known) -> models.Status:
        state = known.state
        if state.ended:
            return "cancelled" if state.ended == "cancelled" else "ended"
        if await self._store.holder(known.interview.id) and state.consented:
            return "live"
        if state.started or state.greeted:
            return "waiting"
        return "consented" if state.consented else "invited"

    async def details(self, session: str) -> models.Details:
        known = await self.known(session)
        state, interview = known.state, known.interview
        floor: Literal["agent", "notes", "panel"] = state.yielded.to if state.yielded else "agent"
        return models.Details(
            **await self._summary(known),
            role=interview.role, level=interview.level, language=interview.language, minutes=interview.minutes,
            room=known.room, consented=state.consented, agent_there=bool(await self._store.holder(session)), floor=floor,
            engines=state.engines, current_question=state.awaiting.text if state.awaiting else "", holes=len(state.holes),
        )  # fmt: skip

    async def invitation(self, session: str) -> models.Invitation:
        known = await self.known(session)
        interview = known.interview
        summary = await self._summary(known)
        return models.Invitation(
            id=session, title=interview.title, candidate=interview.candidate, mode=interview.mode,
            questions=len(interview.questions), minutes=interview.minutes,
            consent_text=load_phrases(interview.language)["consent"]["text"], consented=known.state.consented,
            status=summary["status"], outcome=known.state.ended,
            may_read_report=interview.mode == "practice", has_report=bool(summary["has_report"]),
            stars=known.state.stars,
        )  # fmt: skip

    # -- writing ---------------------------------------------------------------------------------------------------

    async def create(self, wanted: models.NewInterview) -> models.Created:
        """Plan and store an interview. Raises Problem or PlanError if the request cannot be met."""
        if wanted.pack not in (AUTO, *pack_names()):
            raise Problem(422, "unknown-pack", f"there is no pack {wanted.pack!r}; there are {', '.join(pack_names())}")
        if wanted.language not in languages():
            raise Problem(422, "unknown-language", f"the interviewer speaks {', '.join(languages())} for now")
        if wanted.room and not wanted.identity:
            raise Problem(422, "no-identity", "an existing room needs `identity`: which participant is the candidate")
        if (wanted.resume and wanted.resume_pdf) or (wanted.job and wanted.job_pdf):
            raise Problem(422, "twice", "send a document as text or as PDF, not both")
        check_disk(self._settings)
        resume, job = wanted.resume, wanted.job
        try:
            if wanted.resume_pdf is not None:
                resume = await asyncio.to_thread(text_of, wanted.resume_pdf, "resume_pdf")
            if wanted.job_pdf is not None:
                job = await asyncio.to_thread(text_of, wanted.job_pdf, "job_pdf")
        except DocumentError as error:
            raise Problem(422, error.code, str(error)) from error
        settings = self._settings.model_copy(
            update={
                "mode": wanted.mode or self._settings.mode,
                "probes": self._settings.probes if wanted.probes is None else wanted.probes,
            }
        )
        wishes = Wishes(
            wanted.pack,
            wanted.minutes,
            tuple(wanted.questions),
            None,
            wanted.candidate,
            wanted.seed,
            level=wanted.level,
            role=wanted.role,
            domain=wanted.domain,
            difficulty=wanted.difficulty,
            resume=resume,
            job=job,
            about=wanted.about,
            returning=wanted.returning,
        )
        source = CandidateSource(kind="room", room=wanted.room, identity=wanted.identity)
        history = await past_of(self._store, settings, wishes)
        agreed = await asyncio.to_thread(planned, settings, wishes, source, history)  # it may read every pack
        await create(self._store, self._settings, agreed)
        return self.link(agreed.id)

    def link(self, session: str) -> models.Created:
        token = self._links.mint(session)
        # After the #: browsers never send that part to a server, so the token ends up in no log.
        link = f"{self._public_url}/join/{session}#{token}"
        return models.Created(id=session, link=link, expires=self._links.read(token).expires)

    async def consent(self, session: str, by: str) -> None:
        """Store the consent. Repeating it changes nothing."""
        known = await self.known(session)
        self._still_open(known)
        if known.state.consented:
            return
        async with taken(self._store, self._settings, session) as journal:
            if not journal.state.consented:
                await journal.write(consent_of(known.interview.language, by))

    async def rate(self, session: str, by: Literal["candidate", "operator"], given: models.Opinion) -> None:
        """Store somebody's opinion of it. Raises Problem before the end, or for a turn that is not a follow-up."""
        await self.known(session)
        if given.may_teach is not None and by != "candidate":
            raise Problem(403, "not-you", "only the candidate can agree that the words improve the questions")
        thumbs = {**dict.fromkeys(given.up, True), **dict.fromkeys(given.down, False)}
        opinion = Opinion(given.stars, thumbs, dict(given.reworded), given.may_teach)
        try:
            await rate(self._store, self._settings, session, by, opinion)
        except TooManyOpinions as error:
            raise Problem(429, "enough-opinions", str(error)) from error
        except UserError as error:
            raise Problem(422, "no-opinion", str(error)) from error

    async def opinions(self, session: str) -> models.Opinions:
        """The opinions given so far."""
        state = (await self.known(session)).state
        return models.Opinions(
            stars=state.stars,
            may_teach=may_teach(await self._store.read(session)),
            follow_ups=[
                models.FollowUpOpinion(turn=t.number, up=t.thumb, reworded=t.reworded) for t in state.follow_ups
            ],
        )

    async def join(self, session: str, *, take_over: bool) -> models.RoomAccess:
        """The candidate's access to the room. Raises Problem without consent, or while they are in it elsewhere."""
        known = await self.known(session)
        self._still_open(known)
        self._consented(known)
        if known.interview.source.room:
            raise Problem(409, "other-room", "this interview is held in a meeting room of its own; join it there")
        view = await self._livekit.look(known.room)
        if view.candidate and not take_over:
            raise Problem(409, "already-here", "this interview is open on another device; go on here instead?")
        await self._livekit.open(known.room)
        there = session in view.agents.values() and await self.holder(session)
        if not there and self._sending.due(session):  # a page that keeps rejoining does not send an agent each time
            await self.send_agent(known)
        return self._access(known.room, CANDIDATE, "candidate", known.interview.candidate)

    async def admit(self, session: str, person: models.PersonIn) -> models.RoomAccess:
        """Access for somebody else: a panel member or an observer."""
        known = await self.known(session)
        self._still_open(known)
        identity = f"{person.role}-{int(self._wall() * 1000) % 10**9}"
        return self._access(known.room, identity, person.role, person.name)

    async def dispatch(self, session: str, silent: Literal["", "notes", "panel"]) -> None:
        """Send an agent into the room, whether we made the room or it existed before."""
        known = await self.known(session)
        self._still_open(known)
        self._consented(known)
        if not known.interview.source.room:
            await self._livekit.open(known.room)
        elif known.room not in await self._livekit.rooms():
            raise Problem(404, "no-room", f"there is no room {known.room!r} on the LiveKit server yet")
        if await self.holder(session):
            raise Problem(409, "already-there", "an agent already runs this interview")
        await self.send_agent(known, silent)

    async def send_agent(self, known: Known, silent: Literal["", "notes", "panel"] = "") -> None:
        """Request an agent, and remember that: other callers may be about to request one too."""
        session = known.interview.id
        self._sending.sent(session)
        self._sending.named(session, await self._livekit.dispatch(known.room, session, silent))

    async def control(self, session: str, control: models.Control) -> None:
        """Have the agent carry it out; without an agent, a cancel is done here. Raises Problem if it was not done."""
        self._still_open(await self.known(session))
        await carry_out(self, self._livekit, session, control, self._settings.room_lease_seconds, self._clock)

    async def end(self, session: str, reason: Literal["cancelled", "candidate_left"]) -> None:
        """End an interview that has no agent to do it."""
        async with taken(self._store, self._settings, session) as journal:
            if not journal.state.ended:
                await journal.write(Ended(at=self._wall(), t=journal.state.last_spoken_end, reason=reason))

    def _access(
        self, room: str, identity: str, role: Literal["candidate", "panel", "observer"], name: str
    ) -> models.RoomAccess:
        url = self._settings.livekit_public_url or self._settings.livekit_url
        return models.RoomAccess(
            url=url, token=room_token(self._settings, room, identity, role, name), room=room, identity=identity
        )

    def _still_open(self, known: Known) -> None:
        if known.state.ended:
            raise Problem(409, "over", "this interview is over")

    def _consented(self, known: Known) -> None:
        if not known.state.consented:
            raise Problem(409, "no-consent", "the candidate has not consented yet; nothing happens before that")


def _unreadable(session: str) -> models.Summary:
    """All that can be said of an interview whose log is damaged."""
    return models.Summary(
        id=session, title="its log cannot be read", candidate=session, mode=None, status="unreadable", outcome=None,
        created=0.0, questions=0, asked=0, has_report=False,
    )  # fmt: skip
