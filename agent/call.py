"""One interview call: speak, listen, commit; every word through the journal before it sounds.

The LiveKit session carries the sound; turn-taking is ours ("manual" there): the ear hears, voice.turn_taking decides,
the mind answers. All times are seconds on the session's timeline.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

from livekit import rtc
from livekit.agents import Agent, AgentSession, ModelSettings, stt

from agent.ear import Ear
from agent.engines import Engines
from agent.hearing import Hearing, heard, noted, records, typed
from agent.journal import Journal
from agent.measuring import Floor, measure_turn
from agent.requests import Request, Requests
from agent.speaking import Mouth, Speaker, Watcher
from dialogue.mind import Mind, Proposal
from dialogue.reply import Reply
from dialogue.state import Turn as Asked
from memory.events import Measured, Yielded
from voice.stt.stream import LocalSTT
from voice.tts.clauses import clauses
from voice.tts.streaming import ClauseTTS
from voice.turn_taking import Action, Patience, Turn, habit_of
from voice.words import joined

INSIST = 3.5  # s of a way back in that sound whoever speaks: the candidate has to hear that there was a cut
POLITE = 4.0  # s for which a pause of the candidate's is waited for before it
LONGEST_PAUSE = 180.0  # s for which a pause that was asked for is kept
RAMBLE = 2.5  # of the time an answer needs: after that a polite word, in practice only, once a question
RAMBLE_LEAST = 45.0  # s that everybody may talk
MOST_HINTS = 40  # terms: what a recogniser's prompt can hold
FOLLOW_UP_SHARE = 0.5  # a follow-up's answer, as a share of its question's


class _Listener(Agent):
    """The LiveKit agent: taps sound and words on their way to and from the recogniser."""

    def __init__(self, call: Call) -> None:
        super().__init__(instructions="")
        self._call = call

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent]:
        async def tapped() -> AsyncIterator[rtc.AudioFrame]:
            async for frame in audio:
                self._call.ear.hear(frame)
                yield frame

        async for event in Agent.default.stt_node(self, tapped(), model_settings):  # type: ignore[arg-type]
            if isinstance(event, stt.SpeechEvent):
                self._call.recognised(event)
            yield event  # type: ignore[misc]


class Call:
    """`offset`: session time at which this process' sound begins. `out_of_answers`: a caller that has no more to say."""

    def __init__(
        self,
        journal: Journal,
        mind: Mind,
        engines: Engines,
        *,
        offset: float = 0.0,
        watcher: Watcher | None = None,
        patience: Patience | None = None,
        out_of_answers: Callable[[], bool] = lambda: False,
        by_phone: bool = False,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._mind = mind
        self._engines = engines
        self._offset = offset
        self._watch = watcher or Watcher()
        self._patience = patience or Patience()
        self._out_of_answers = out_of_answers
        self._wall = wall
        self._by_phone = by_phone
        self._hearing = Hearing(offset)
        self._requests = Requests()
        self._paused_until = 0.0
        self.others_speaking = False  # somebody else in the room: the candidate's silence is politeness
        self._tick = asyncio.Event()
        self._proposal: Proposal | None = None
        self._proposing: asyncio.Task[None] | None = None
        self._measuring: set[asyncio.Task[None]] = set()
        self.ear = Ear(offset, engines.end_of_turn, engines.ruler)
        self.ear.on_frame = self._tick.set
        self._tts = ClauseTTS(engines.voice, engines.mouth, cache=engines.cache, fallback=engines.fallback_voice)
        interview = journal.state.interview
        hints = interview.hints[:MOST_HINTS] if interview else ()
        self._stt = LocalSTT(engines.decoder, engines.ears, hints=hints, front_end=self.ear.front_end)
        self.session: AgentSession[Any] = AgentSession(
            stt=self._stt,
            vad=None,  # the ear's detector is the only one; the session itself decides nothing by sound
            tts=self._tts,
            turn_handling={
                "turn_detection": "manual",
                # Who may interrupt is the speaker's business. Never discard: while something is said that may not be
                # interrupted, LiveKit would give the ear silence instead of what the candidate says.
                "interruption": {
                    "enabled": False,
                    "discard_audio_if_uninterruptible": False,
                    "resume_false_interruption": False,
                },
                "preemptive_generation": {"enabled": False},
            },
            aec_warmup_duration=None,
            user_away_timeout=None,
        )
        self.agent = _Listener(self)
        self._speaker = Speaker(
            journal, mind, self.ear, self.session, self._hearing, self._requests, self._watch, self._next_tick, wall
        )

    # -- the conversation ------------------------------------------------------------------------------------------

    async def run(self, mouth: Mouth) -> None:
        """From the greeting (or the way back in) to the farewell. The session must have been started with `agent`."""
        self._speaker.mouth = mouth
        state = self._journal.state
        if state.ended and not state.farewell_pending:
            return
        insist = 0.0
        if state.yielded and not state.ended:
            reply = await self._stand_by()
        else:
            # Only what is said next holds up the start; the rest is made while it is said.
            warming = asyncio.create_task(self._tts.warm(self._mind.fixed_phrases(state)[:12]))
            self._measuring.add(warming)
            warming.add_done_callback(self._measuring.discard)
            insist = INSIST if state.greeted else 0.0
            if insist:
                await self._until_quiet()
            reply = self._mind.open(state, self._wall(), self.ear.now, by_phone=self._by_phone)
        while True:
            await self._speaker.speak(reply, insist)
            insist = 0.0
            if reply.ends:
                break
            reply = await self._listen()
        await self._settle()

    def ask(self, request: Request) -> None:
        """A request from a button, a key or another person; heeded as soon as it can be."""
        self._requests.put(request)
        self._tick.set()

    async def hung_up(self) -> None:
        """The candidate is gone: what was heard stays."""
        await self._drain()
        await self._settle()

    async def aclose(self) -> None:
        for task in [*self._measuring, *([self._proposing] if self._proposing else [])]:
            task.cancel()
        await self.session.aclose()

    # -- speaking --------------------------------------------------------------------------------------------------

    async def _until_quiet(self) -> None:
        """A candidate who talks on, not knowing of the cut, is let finish a sentence."""
        began = self.ear.now
        while self.ear.now - began < POLITE:
            await self._next_tick()
            if not self.ear.speaking and self.ear.now - began > 0.5:
                return

    # -- listening -------------------------------------------------------------------------------------------------

    async def _listen(self) -> Reply:
        """Until the candidate has finished: the reply. Silence is helped, not cut."""
        state = self._journal.state
        asked = state.awaiting
        assert asked is not None and state.interview is not None
        question = state.planned(asked.question)
        seconds = question.seconds * (FOLLOW_UP_SHARE if asked.probe else 1.0)
        turn = Turn(
            began=state.last_spoken_end, expected_seconds=seconds, think=question.patience, patience=self._patience,
            habit=habit_of(list(state.pauses)),
        )  # fmt: skip
        if self.ear.speaking and self.ear.speech_since is not None:
            turn.speech_began(self.ear.speech_since)
        elif asked.heard:
            turn.speech_stopped(self.ear.now)
        self.ear.turn = turn
        self._proposal = None
        self._watch.phase("listening")
        nudges = 0
        told = state.interview.mode != "practice"  # screening interrupts nobody
        while True:
            await self._next_tick()
            await self._drain()
            if (
                not told
                and self.ear.speaking
                and self.ear.now - state.last_spoken_end > max(RAMBLE_LEAST, RAMBLE * seconds)
            ):
                told = True
                await self._speaker.speak(self._mind.interject(state, self._wall(), self.ear.now), INSIST)
                self._watch.phase("listening")
            current = self._journal.state.awaiting or asked
            if self.ear.speaking:
                self._paused_until = 0.0
            if self.others_speaking or self.ear.now < self._paused_until:
                turn.hold(self.ear.now)
            if request := self._requests.take():
                reply = await self._heed(request, current, turn)
                if reply is not None:
                    self.ear.turn = None
                    return reply
                continue
            turn.heard(f"{current.answer} {joined(self._hearing.partial)}".strip())
            # A request ("could you repeat that?") is complete however short it is.
            turn.expected_seconds = 1.0 if self._mind.is_request(turn.text) else seconds
            action = turn.decide(self.ear.now)
            if action is Action.COMMIT and not self.ear.speaking and (self._hearing.settled or not self._hearing.open):
                reply = await self._commit(current)
                if reply is not None:
                    self.ear.turn = None
                    return reply
            elif action is Action.NUDGE:
                reply = self._mind.nudge(self._journal.state, current, nudges, self._wall(), self.ear.now)
                nudges += 1
                if any(event.kind != "said" for event in reply.events):
                    self.ear.turn = None
                    return reply
                await self._speaker.speak(reply)
                turn.last_nudge = self.ear.now
                self._watch.phase("listening")

    async def _heed(self, request: Request, asked: Asked, turn: Turn) -> Reply | None:
        """What a request leads to; None: the turn goes on."""
        state, at, now = self._journal.state, self._wall(), self.ear.now
        match request.kind:
            case "repeat" | "pause":
                if request.kind == "pause":
                    self._paused_until = now + LONGEST_PAUSE
                again = self._mind.again(state, asked, at, now)
                await self._speaker.speak(again if request.kind == "repeat" else self._mind.patient(state, at, now))
                turn.last_nudge = self.ear.now
                turn.hold(self.ear.now)
                self._watch.phase("listening" if request.kind == "repeat" else "paused")
            case "typed":
                await self._journal.write(typed(request.text, asked.number, at, now))
                self._watch.caption("candidate", request.text, True)
                return await self._commit(self._journal.state.awaiting or asked)
            case "go_on":
                self._paused_until = 0.0
                self._watch.phase("listening")
                if asked.answer or self._hearing.pending:
                    return await self._commit(asked)
            case "yield":
                await self._journal.write(Yielded(at=at, t=now, to=request.to, by=request.by))
                return await self._stand_by()
            case "leave" | "cancel":
                return self._closing(request)
        return None

    async def _stand_by(self) -> Reply:
        """People have the floor: listen to the candidate, say nothing, until the floor is given back."""
        self.ear.turn = None
        self._watch.phase("silent")
        while True:
            await self._next_tick()
            await self._drain()
            request = self._requests.take()
            if request and request.kind == "take_back":
                await self._finish_speech()
                return self._mind.returned(self._journal.state, request.by, self._wall(), self.ear.now)
            if request and request.kind in ("leave", "cancel"):
                return self._closing(request)

    def _closing(self, request: Request) -> Reply:
        own = request.by == "candidate"
        reason = "candidate_left" if own else "cancelled" if request.kind == "cancel" else "asked_to_leave"
        return self._mind.close(self._journal.state, reason, self._wall(), self.ear.now)  # type: ignore[arg-type]

    async def _commit(self, asked: Asked) -> Reply | None:
        """The reply to a finished turn; None if the candidate went on while it was worked out."""
        self._watch.phase("thinking")
        await self._finish_speech()
        if self.ear.speaking:
            return None
        asked = self._journal.state.awaiting or asked
        if self._proposing:
            # A proposal on its way is nearer to done than a new one.
            with contextlib.suppress(asyncio.CancelledError):
                await self._proposing
        state, at, now = self._journal.state, self._wall(), self.ear.now
        if self._out_of_answers():
            reply = self._mind.finish(state, asked, at=at, t=now)
        else:
            reply = await self._mind.commit(state, asked, at=at, t=now, proposal=self._proposal)
        if self.ear.speaking or not reply.text:
            self._watch.phase("listening")
            return None
        spoken = asked.spoken
        self._measure(asked, Floor(spoken.end, spoken.transport) if spoken else Floor(state.last_spoken_end))
        return reply

    def recognised(self, event: stt.SpeechEvent) -> None:
        """A recogniser's event, on its way through."""
        self._hearing.recognised(event)
        if event.type in (stt.SpeechEventType.INTERIM_TRANSCRIPT, stt.SpeechEventType.PREFLIGHT_TRANSCRIPT):
            self._watch.caption("candidate", joined(self._hearing.partial), False)
        if event.type is stt.SpeechEventType.PREFLIGHT_TRANSCRIPT:
            self._propose()
        self._tick.set()

    async def _drain(self) -> None:
        """Store every final piece at once: a crash after this loses none of it."""
        while self._hearing.finals:
            event = self._hearing.finals[0]
            words = self._hearing.words(event)
            turn = self._journal.state.awaiting
            if words and self._journal.state.yielded:
                note = noted(words, self._wall())
                await self._journal.write(note)
                self._watch.caption("candidate", note.text, True)
            elif turn is not None and words:
                sure = event.alternatives[0].confidence or None
                piece = heard(words, turn.number, self._wall(), sure, self.ear.take_held_up())
                await self._journal.write(piece)
                self._watch.caption("candidate", piece.text, True)
            self._hearing.finals.pop(0)

    # -- ahead of time ---------------------------------------------------------------------------------------------

    def _propose(self) -> None:
        """Work out the reply while the silence is still being waited for. No side effects."""
        turn = self._journal.state.awaiting
        if turn is None or self.ear.turn is None:
            return
        if self._proposing and not self._proposing.done():
            self._proposing.cancel()
        words = [*turn.words, *records(self._hearing.pending)]

        async def propose() -> None:
            self._proposal = await self._mind.propose(self._journal.state, turn, words)
            if self._proposal.wording:
                for clause in clauses(self._proposal.wording.text):
                    await self._tts.clip(clause)

        self._proposing = asyncio.create_task(propose())

    def _measure(self, asked: Asked, floor: Floor) -> None:
        """Timing and hesitation of the answer, off the critical path."""

        async def measure() -> None:
            delivery = await measure_turn(self.ear, asked, floor, self._engines.ruler, self._engines.measure)
            if delivery is not None:
                await self._journal.write(
                    Measured(at=self._wall(), t=delivery.end, turn=asked.number, delivery=delivery)
                )

        task = asyncio.create_task(measure())
        self._measuring.add(task)
        task.add_done_callback(self._measuring.discard)

    async def _settle(self) -> None:
        if self._measuring:
            await asyncio.gather(*self._measuring)

    async def _finish_speech(self) -> None:
        """Have the recogniser make its open words final, and store them."""
        if self._hearing.open:
            self._stt.finish_speech()
        while self._hearing.open and not self.ear.speaking:
            await self._next_tick()
        await self._drain()

    async def _next_tick(self) -> None:
        await self._tick.wait()
        self._tick.clear()
        if self.ear.speaking:
            self._hearing.settled = False
