"""One turn of the candidate's: listen until it is over, return the reply. A silent candidate is helped, not cut off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from agent.call.journal import Journal
from agent.call.proposing import Proposals
from agent.call.requests import Request, Requests
from agent.call.speaking import Speaker, Watcher
from agent.call.speech_tracker import SpeechTracker
from agent.call.transcript import Transcript, records, typed
from agent.call.transcription import PATIENCE, Transcription
from agent.call.watchdog import RecognitionWatchdog
from dialogue.manager.interviewer import Interviewer
from dialogue.manager.reply import Reply
from dialogue.state import Turn
from memory.events import Noted, Yielded
from voice.stt.retry import RecognitionHealth
from voice.turn.endpointing import Action, Endpointer, Patience, habit_of
from voice.words import joined

INSIST = 3.5  # s of a resumption that play whoever is speaking: the candidate has to hear that there was a cut
LONGEST_PAUSE = 180.0  # s that a requested pause lasts at most
RAMBLE = 2.5  # times the expected answer time: then a polite word, in practice mode only, once per question
RAMBLE_LEAST = 45.0  # s that anybody may talk
FOLLOW_UP_SHARE = 0.5  # expected length of a follow-up's answer, as a share of its question's
UNHEARD_WAIT = 2.0  # s of silence after which a question that was not heard is asked again
UNHEARD_TRIES = 2  # times, before the rules for silence apply


class Recogniser(Protocol):
    """What a turn needs of the recogniser besides words."""

    def health(self) -> RecognitionHealth: ...

    def restart(self) -> None:
        """Start afresh from the sound that has no words yet."""
        ...


@dataclass
class UserTurn:
    """`out_of_answers`: whether the caller has no more to say."""

    journal: Journal
    interviewer: Interviewer
    tracker: SpeechTracker
    transcript: Transcript
    transcription: Transcription
    speaker: Speaker
    proposals: Proposals
    requests: Requests
    watch: Watcher
    patience: Patience
    recogniser: Recogniser
    out_of_answers: Callable[[], bool]
    next_tick: Callable[[], Awaitable[None]]
    wall: Callable[[], float]
    watchdog: RecognitionWatchdog = field(default_factory=RecognitionWatchdog)
    others_speaking: bool = False  # somebody else in the room is: the candidate's silence is politeness
    _paused_until: float = 0.0
    _nudges: int = 0
    _interjected: bool = False

    async def listen(self) -> Reply:
        """Listen until the candidate has finished or somebody ends or takes the turn, and return the reply."""
        asked = self.journal.state.awaiting
        assert asked is not None
        endpointer = self._begin(asked)
        seconds = endpointer.expected_seconds
        partial, stored = None, None
        try:
            while True:
                await self.next_tick()
                await self.transcription.store()
                current = self.journal.state.awaiting or asked
                if self.transcript.partial is not partial or current is not stored:
                    # Analyse the words only when they change, not fifty times a second.
                    partial, stored = self.transcript.partial, current
                    words = [*current.words_or_text, *records(partial)]
                    endpointer.heard(f"{current.answer} {joined(partial)}".strip())
                    # A request ("could you repeat that?") is complete however short it is.
                    endpointer.expected_seconds = 1.0 if self.interviewer.is_request(words) else seconds
                await self._keep_the_time(endpointer, seconds)
                await self._watch_the_recogniser(endpointer)
                if self.tracker.speaking:
                    self._paused_until = 0.0
                if self.others_speaking or self.tracker.now < self._paused_until:
                    endpointer.hold(self.tracker.now)
                if request := self.requests.take():
                    reply = await self._handle(request, current, endpointer)
                else:
                    reply = await self._decide(endpointer, current)
                if reply is not None:
                    return reply
        finally:
            self.tracker.endpointer = None
            self.proposals.drop()

    def _begin(self, asked: Turn) -> Endpointer:
        state = self.journal.state
        assert state.interview is not None
        question = state.planned(asked.question)
        endpointer = Endpointer(
            began=state.last_spoken_end,
            expected_seconds=question.seconds * (FOLLOW_UP_SHARE if asked.probe else 1.0),
            think=question.patience if asked.spoken else UNHEARD_WAIT,
            patience=self.patience,
            habit=habit_of(list(state.pauses)),
        )
        if self.tracker.speaking and self.tracker.speech_since is not None:
            endpointer.speech_began(self.tracker.speech_since)
        elif asked.heard:
            endpointer.speech_stopped(self.tracker.now)
        self.tracker.endpointer = endpointer
        self.proposals.drop()
        self.watchdog.begin()
        self._nudges, self._interjected, self._paused_until = 0, state.interview.mode != "practice", 0.0
        self.watch.phase("listening")
        return endpointer

    # -- when is it over -------------------------------------------------------------------------------------------

    async def _decide(self, endpointer: Endpointer, asked: Turn) -> Reply | None:
        """Reply, help a silent candidate, or wait (None)."""
        match endpointer.decide(self.tracker.now):
            case Action.COMMIT if not self.tracker.speaking and self._words_are_there(endpointer):
                return await self.commit(asked)
            case Action.NUDGE:
                return await self._nudge(endpointer, asked)
        return None

    def _words_are_there(self, endpointer: Endpointer) -> bool:
        """Whether all speech so far has been decoded, or has been waited for long enough."""
        if self.transcript.settled or not self.transcript.open:
            return True
        return endpointer.speech_ended is not None and self.tracker.now - endpointer.speech_ended > PATIENCE

    async def commit(self, asked: Turn) -> Reply | None:
        """The reply to a finished turn; None if the candidate went on in the meantime."""
        self.watch.phase("thinking")
        await self.transcription.finish()
        reply = None
        if not self.tracker.speaking:
            asked = self.journal.state.awaiting or asked
            proposal = await self.proposals.take()
            state, at, now = self.journal.state, self.wall(), self.tracker.now
            if self.out_of_answers():
                reply = await self.interviewer.finish(state, asked, at=at, t=now)
            else:
                reply = await self.interviewer.commit(state, asked, at=at, t=now, proposal=proposal)
        if reply is None or self.tracker.speaking or not reply.text:
            self.watch.phase("listening")
            return None
        return reply

    async def _nudge(self, endpointer: Endpointer, asked: Turn) -> Reply | None:
        state, at, now = self.journal.state, self.wall(), self.tracker.now
        count, self._nudges = self._nudges, self._nudges + 1
        if asked.spoken is None and not endpointer.text and count < UNHEARD_TRIES:
            reply = self.interviewer.once_more(state, asked, at, now)
        else:
            reply = self.interviewer.nudge(state, asked, count, at, now)
        if any(event.kind != "said" for event in reply.events):
            return reply
        await self._remark(reply, endpointer)
        endpointer.think = state.planned(asked.question).patience
        return None

    # -- help ------------------------------------------------------------------------------------------------------

    async def _remark(
        self, reply: Reply, endpointer: Endpointer, insist: float = 0.0, phase: str = "listening"
    ) -> None:
        """Say something that leaves the turn as it is."""
        await self.speaker.speak(reply, insist)
        endpointer.last_nudge = self.tracker.now
        self.watchdog.begin()
        self.watch.phase(phase)

    async def _keep_the_time(self, endpointer: Endpointer, seconds: float) -> None:
        """A polite word to a candidate who goes on and on."""
        state = self.journal.state
        long = self.tracker.now - endpointer.began > max(RAMBLE_LEAST, RAMBLE * seconds)
        if self._interjected or not long or not self.tracker.speaking:  # never while screening: see `_begin`
            return
        self._interjected = True
        await self._remark(self.interviewer.interject(state, self.wall(), self.tracker.now), endpointer, INSIST)

    async def _watch_the_recogniser(self, endpointer: Endpointer) -> None:
        """Restart a recogniser that hears speech but yields no words; if that does not help, tell the candidate."""
        failing = self.recogniser.health().failing_since is not None
        measure = self.watchdog.look(self.tracker.now, self.tracker.speaking, self.transcript.words_heard, failing)
        if measure == "restart":
            self.watch.note("speech, and no words: the recogniser is started anew")
            self.recogniser.restart()
        elif measure is not None:
            self.watch.note("speech, and still no words: the candidate is told")
            typing = measure == "offer_typing"
            reply = self.interviewer.not_understood(self.journal.state, self.wall(), self.tracker.now, typing=typing)
            await self._remark(reply, endpointer, INSIST)
            endpointer.hold(self.tracker.now)

    # -- what people ask for ---------------------------------------------------------------------------------------

    async def _handle(self, request: Request, asked: Turn, endpointer: Endpointer) -> Reply | None:
        """The reply that a request leads to; None if the turn goes on."""
        state, at, now = self.journal.state, self.wall(), self.tracker.now
        match request.kind:
            case "repeat":
                await self._remark(self.interviewer.again(state, asked, at, now), endpointer)
                endpointer.hold(self.tracker.now)
            case "pause":
                self._paused_until = now + LONGEST_PAUSE
                await self._remark(self.interviewer.patient(state, at, now), endpointer, phase="paused")
                endpointer.hold(self.tracker.now)
            case "typed":
                await self.journal.write(typed(request.text, asked.number, at, now))
                self.watch.caption("candidate", request.text, True)
                return await self.commit(self.journal.state.awaiting or asked)
            case "go_on":
                self._paused_until = 0.0
                self.watch.phase("listening")
                if asked.answer or self.transcript.pending:
                    return await self.commit(asked)
            case "yield":
                await self.journal.write(Yielded(at=at, t=now, to=request.to, by=request.by))
                return await self.stand_by()
            case "leave" | "cancel":
                return self._closing(request)
        return None

    async def stand_by(self) -> Reply:
        """People have the floor: listen to the candidate and say nothing until the floor is given back."""
        self.tracker.endpointer = None
        self.watch.phase("silent")
        while True:
            await self.next_tick()
            await self.transcription.store()
            if (request := self.requests.take()) is None:
                continue
            match request.kind:
                case "take_back":
                    await self.transcription.finish()
                    return self.interviewer.returned(self.journal.state, request.by, self.wall(), self.tracker.now)
                case "leave" | "cancel":
                    return self._closing(request)
                case "yield":
                    await self.journal.write(Yielded(at=self.wall(), t=self.tracker.now, to=request.to, by=request.by))
                case "typed":
                    now, text = self.tracker.now, " ".join(request.text.split())
                    await self.journal.write(Noted(at=self.wall(), t=now, text=text, words=[], end=now))
                    self.watch.caption("candidate", request.text, True)

    def _closing(self, request: Request) -> Reply:
        return self.interviewer.close(self.journal.state, request.reason, self.wall(), self.tracker.now)
