"""Speaking: an utterance is stored first, then said, and stops when the candidate takes the floor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from livekit.agents import AgentSession

from agent.call.journal import Journal
from agent.call.requests import Requests
from agent.call.speech_tracker import SpeechTracker
from agent.call.transcript import Transcript
from dialogue.manager.interviewer import Interviewer
from dialogue.manager.reply import Reply
from dialogue.state import Turn
from memory.events import AnyEvent, Interrupted, Reopened, Spoken
from voice.turn.barge_in import BargeIn
from voice.words import joined

REOPEN = 1.0  # s after the agent begins to speak; a candidate talking on within this means "I was not finished"
REOPEN_SPEECH = 0.3  # s of speech that suffice for that
STALL = 2.0  # s; if the store was unavailable for longer, the agent says so
TRIES = 3  # attempts at an utterance that the voice fails to say
RETRY = 0.5  # s between them
FASTEST = 22.0  # characters a second: no voice speaks faster
SILENT_VOICE = 20.0  # s without a sound after which the voice is taken to have failed
log = logging.getLogger(__name__)


class Playout(Protocol):
    """Where the agent's sound goes, when on the timeline it was audible, and the line's delay for the last of it."""

    audible_start: float | None
    audible_end: float | None
    segment_seconds: float
    transport: float | None

    def begin_utterance(self) -> None: ...


@dataclass
class Watcher:
    """Callbacks for an onlooker (live view, logs, tests). All optional."""

    caption: Callable[[str, str, bool], None] = lambda who, text, final: None
    phase: Callable[[str], None] = lambda phase: None
    note: Callable[[str], None] = lambda text: None


@dataclass(frozen=True)
class _Sounded:
    """How far an utterance got. `failed`: the voice did not produce all of it."""

    interrupted: bool = False
    barged_in: bool = False
    failed: bool = False


class Speaker:
    """`next_tick`: waits for the next frame heard. `stored` is told of events. Set `playout` before speaking."""

    def __init__(
        self, journal: Journal, interviewer: Interviewer, tracker: SpeechTracker, session: AgentSession[Any], transcript: Transcript, requests: Requests,
        watcher: Watcher, next_tick: Callable[[], Awaitable[None]], wall: Callable[[], float],
        stored: Callable[[Sequence[AnyEvent]], None] = lambda events: None,
    ) -> None:  # fmt: skip
        self._journal = journal
        self._interviewer = interviewer
        self._tracker = tracker
        self._session = session
        self._transcript = transcript
        self._requests = requests
        self._watch = watcher
        self._next_tick = next_tick
        self._wall = wall
        self._stored = stored
        self._barge_in = BargeIn()
        self._problem = ""  # why the voice could not produce the current utterance
        self.playout: Playout | None = None

    def voice_failed(self, error: Exception) -> None:
        """The current utterance could not be synthesised, or not all of it."""
        self._problem = type(error).__name__
        log.warning("the voice failed: %s", self._problem)
        self._watch.note(f"the voice failed: {self._problem}")

    async def speak(self, reply: Reply, insist: float = 0.0) -> None:
        """Store, then say. Stops when the candidate takes the floor, but not before `insist` s of it have been heard.

        If the voice fails, the utterance is retried a few times; if it still fails, it is logged as not heard.
        """
        assert self.playout is not None
        playout = self.playout
        before = self._journal.state.turn
        await self._write(reply.events)
        if before is not None:  # its current state, perhaps answered by these very events
            before = next((t for t in self._journal.state.turns if t.number == before.number), None)
        if reply.note:
            self._watch.note(reply.note)
        text = await self._with_notice(reply.text)
        self._watch.phase("speaking")
        self._watch.caption("agent", text, True)
        playout.begin_utterance()
        said, remaining = await self._say(playout, text, reply.floor, insist), TRIES - 1
        while said.failed and remaining:
            remaining -= 1
            await asyncio.sleep(RETRY)
            said = await self._say(playout, self._rest_of(text, playout), reply.floor, insist)
        if said.failed:
            log.error("the voice failed %d times (%s): an utterance was not heard", TRIES, self._problem or "no sound")
        await self._spoken(playout, text, said, before)

    async def _say(self, playout: Playout, text: str, floor: bool, insist: float) -> _Sounded:
        self._problem = ""
        self._transcript.partial = []
        began, sounding = self._tracker.now, playout.audible_end
        # Our log has what was said; LiveKit's own conversation would only grow.
        handle = self._session.say(text, allow_interruptions=not insist, add_to_chat_ctx=False)
        interrupted = barged_in = False
        while not handle.done():
            await self._next_tick()
            insisting = insist and (playout.audible_start is None or self._tracker.now < playout.audible_start + insist)
            if floor and (self._requests.urgent or (not insisting and self._yields(playout))):
                interrupted, barged_in = True, not self._requests.urgent
            elif (
                playout.audible_end == sounding
                and not self._tracker.speaking
                and self._tracker.now - began > SILENT_VOICE
            ):
                self._problem = "it made no sound"
            else:
                continue
            await self._session.interrupt(force=True)
            break
        await handle.wait_for_playout()  # never raises what went wrong: `voice_failed` is told that
        silent = playout.audible_end == sounding
        return _Sounded(interrupted, barged_in, not interrupted and (bool(self._problem) or silent))

    def _rest_of(self, text: str, playout: Playout) -> str:
        """What to say on a retry: if part of it was heard, the question alone is enough."""
        asked = self._journal.state.awaiting
        if playout.audible_start is not None and asked is not None and asked.text in text:
            return asked.text
        return text

    async def _write(self, events: Sequence[AnyEvent]) -> None:
        await self._journal.write(*events)
        self._stored(events)

    async def _with_notice(self, text: str) -> str:
        """The text, preceded by a sentence about the delay if the store was unavailable for long."""
        if self._journal.take_stall() < STALL:
            return text
        notice = self._interviewer.stalled(self._journal.state, self._wall(), self._tracker.now)
        await self._write(notice.events)
        return f"{notice.text} {text}"

    def _yields(self, playout: Playout) -> bool:
        seconds = self._tracker.speech_seconds()
        if seconds <= 0.0 or playout.audible_start is None:
            return seconds >= REOPEN_SPEECH
        if self._tracker.now - seconds < playout.audible_start + REOPEN:
            return seconds >= REOPEN_SPEECH
        return self._barge_in.yields(seconds, joined(self._transcript.partial))

    async def _spoken(self, playout: Playout, text: str, said: _Sounded, before: Turn | None) -> None:
        now = self._tracker.now
        start = playout.audible_start if playout.audible_start is not None else now
        end = playout.audible_end if playout.audible_end is not None else start
        turn = self._journal.state.awaiting
        number = turn.number if turn else None
        # An utterance that was cut off may not be fully synthesised: its full length is then estimated from its text.
        whole = max(playout.segment_seconds, len(text) / FASTEST if said.interrupted else 0.0)
        share = min(1.0, (end - start) / whole) if whole > 0 else 0.0
        spoken = Spoken(
            at=self._wall(),
            t=start,
            turn=number,
            end=end,
            text=text,
            interrupted=said.interrupted,
            heard_share=0.0 if said.failed else round(share, 3),
            transport=playout.transport,
        )
        events: list[AnyEvent] = [spoken]
        if said.barged_in:
            early = (self._tracker.speech_since or now) < start + REOPEN
            if early and before is not None and before.answered and before.heard and before.intent in (None, "answer"):
                # The candidate was not finished: the answer is open again, and the new question was not asked.
                events.append(Reopened(at=self._wall(), t=now, turn=before.number))
            else:
                events.append(Interrupted(at=self._wall(), t=end, turn=number))
        await self._write(events)
