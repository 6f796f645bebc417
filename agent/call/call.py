"""One interview call: speak, listen, reply. Every utterance goes through the journal before it is heard.

The parts that hear, speak and measure are assembled here; `run` is the loop. The LiveKit session carries the sound,
turn-taking is ours. All times are seconds on the session's timeline.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from livekit.agents import AgentSession, CloseEvent, stt

from agent.call.journal import Journal
from agent.call.livekit_agent import CallAgent, session_of
from agent.call.measurer import Measurer
from agent.call.proposing import Proposals
from agent.call.requests import Request, Requests
from agent.call.speaking import Playout, Speaker, Watcher
from agent.call.speech_tracker import SpeechTracker
from agent.call.transcript import Transcript, records
from agent.call.transcription import Transcription
from agent.call.user_turn import INSIST, UserTurn
from agent.engines.loading import Engines
from agent.tasks import Background
from dialogue.manager.interviewer import Interviewer
from voice.stt.stream import LocalSTT
from voice.tts.streaming import ClauseTTS
from voice.turn.endpointing import Patience
from voice.words import joined

POLITE = 4.0  # s to wait for the candidate to pause before resuming after a cut
MOST_HINTS = 40  # terms: what a recogniser's prompt can hold
SETTLING = 10.0  # s that measuring may take once the call is over; the rest is measured from the recording


class SessionClosed(Exception):
    """LiveKit closed the session during the call: nothing more would be heard."""


class Call:
    """`offset`: session time at which this process's sound begins. `out_of_answers`: the caller has no more to say."""

    def __init__(
        self,
        journal: Journal,
        interviewer: Interviewer,
        engines: Engines,
        *,
        offset: float = 0.0,
        watcher: Watcher | None = None,
        patience: Patience | None = None,
        out_of_answers: Callable[[], bool] = lambda: False,
        by_phone: bool = False,
        requests: Requests | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._interviewer = interviewer
        self._watch = watcher or Watcher()
        self._wall = wall
        self._by_phone = by_phone
        self._tick = asyncio.Event()
        self._closed = False
        self._background = Background()
        self._requests = Requests() if requests is None else requests
        self.tracker = SpeechTracker(offset, engines.end_of_turn, engines.metrics_executor)
        self.tracker.on_frame = self._on_frame
        self._transcript = Transcript(offset)
        hints = journal.state.interview.hints[:MOST_HINTS] if journal.state.interview else ()
        recogniser = LocalSTT(engines.decoder, engines.stt_executor, hints=hints, front_end=self.tracker.front_end)
        self._voice = ClauseTTS(
            engines.voice, engines.tts_executor, cache=engines.cache, fallback=engines.fallback_voice
        )
        self.session: AgentSession[Any] = session_of(recogniser, self._voice)
        self.session.on("close", self._on_close)
        self._measurer = Measurer(journal, self.tracker, engines, wall)
        self._speaker = Speaker(
            journal, interviewer, self.tracker, self.session, self._transcript, self._requests, self._watch, self._next_tick, wall,
            self._measurer.stored,
        )  # fmt: skip
        self.agent = CallAgent(self.tracker.hear, self._recognised, self._speaker.voice_failed)
        self._proposals = Proposals(interviewer, self._voice.clip)
        self._transcription = Transcription(
            journal, self._transcript, self.tracker, self._watch, recogniser.finish_speech, self._next_tick, wall
        )
        self._turns = UserTurn(
            journal, interviewer, self.tracker, self._transcript, self._transcription, self._speaker, self._proposals, self._requests,
            self._watch, patience or Patience(), recogniser, out_of_answers, self._next_tick, wall,
        )  # fmt: skip

    @property
    def others_speaking(self) -> bool:
        """Whether somebody else in the room is speaking: then the candidate's silence is politeness."""
        return self._turns.others_speaking

    @others_speaking.setter
    def others_speaking(self, speaking: bool) -> None:
        self._turns.others_speaking = speaking

    # -- the conversation ------------------------------------------------------------------------------------------

    async def run(self, playout: Playout) -> None:
        """From the greeting (or the resumption) to the farewell. The session must have been started with `agent`."""
        self._speaker.playout = playout
        state = self._journal.state
        if state.ended and not state.farewell_pending:
            return
        insist = 0.0
        if state.yielded and not state.ended:
            reply = await self._turns.stand_by()
        else:
            # The start waits only for the first utterance; the rest is synthesised while that plays.
            self._background.start("warming the voice", self._voice.warm(self._interviewer.fixed_phrases(state)[:12]))
            if state.greeted:
                insist = INSIST
                await self._until_quiet()
            reply = self._interviewer.open(state, self._wall(), self.tracker.now, by_phone=self._by_phone)
        while True:
            await self._speaker.speak(reply, insist)
            if reply.ends:
                break
            insist = 0.0
            reply = await self._turns.listen()
        await self._measurer.settle(SETTLING)

    def ask(self, request: Request) -> None:
        """A request from a button, a key or another person; acted on as soon as possible."""
        self._requests.put(request)
        self._tick.set()

    async def hung_up(self) -> None:
        """The candidate is gone: what was heard is kept, including their last words."""
        await self._transcription.finish(hung_up=True)
        await self._measurer.settle(SETTLING)

    async def aclose(self) -> None:
        """End everything the call started. What was not measured yet is measured from the recording."""
        await self._proposals.aclose()
        await self._measurer.aclose()
        await self._background.aclose()
        try:
            await self.session.aclose()
        finally:
            await self.tracker.aclose()

    async def _until_quiet(self) -> None:
        """Let a candidate who talks on, unaware of the cut, finish their sentence."""
        began = self.tracker.now
        while self.tracker.now - began < POLITE:
            await self._next_tick()
            if not self.tracker.speaking and self.tracker.now - began > 0.5:
                return

    # -- what happens meanwhile ------------------------------------------------------------------------------------

    def _recognised(self, event: stt.SpeechEvent) -> None:
        """Handle a recogniser event."""
        self._transcript.recognised(event)
        if event.type in (stt.SpeechEventType.INTERIM_TRANSCRIPT, stt.SpeechEventType.PREFLIGHT_TRANSCRIPT):
            self._watch.caption("candidate", joined(self._transcript.partial), False)
        if event.type is stt.SpeechEventType.PREFLIGHT_TRANSCRIPT:
            turn = self._journal.state.awaiting
            if turn is not None and self.tracker.endpointer is not None:
                self._proposals.start(self._journal.state, turn, [*turn.words, *records(self._transcript.pending)])
        self._tick.set()

    def _on_frame(self) -> None:
        if self.tracker.speaking:
            self._transcript.settled = False
        self._tick.set()

    def _on_close(self, _: CloseEvent) -> None:
        self._closed = True
        self._tick.set()

    async def _next_tick(self) -> None:
        """Wait for the next frame, words or request. Raises SessionClosed if there will be none."""
        await self._tick.wait()
        self._tick.clear()
        if self._closed:
            raise SessionClosed("the session was closed while the call went on")
