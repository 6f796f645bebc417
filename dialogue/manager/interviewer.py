"""The interviewer: what to say next. Proposals have no effect; only what is committed becomes an event.

`propose` may be called on every partial answer, as often as needed; a proposal is tagged with its turn and words, and
is used only if they still match. All times come in as arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from dialogue.analysis.language import tokens
from dialogue.analysis.second_person import SaidBack
from dialogue.backends.base import LanguageModel
from dialogue.follow_up.phraser import acknowledge
from dialogue.follow_up.policy import Decision, decide
from dialogue.follow_up.wording import Wording, word
from dialogue.manager.intents import Intent, intent_of
from dialogue.manager.reply import Reply, remark
from dialogue.manager.requests import aside, asked_enough, put_again
from dialogue.plan.next_question import choose
from dialogue.state import State, Turn, apply
from memory.events import Answered, AnyEvent, Asked, Ended, Followed, Heard, Said, Skipped, TookBack
from memory.records import PlannedQuestion, Word
from prompts.loader import load_phrases

SHORTEST_UNASKED = 8  # words; anything shorter is no answer if the question did not sound


@dataclass(frozen=True)
class Proposal:
    """The reply to a partial answer, worked out ahead. Valid only for this turn, these words and this state."""

    turn: int
    heard: str
    decision: Decision | None
    wording: Wording | None


class Interviewer:
    """Decides what one interview says next. Holds no interview state: that is folded from events and passed in."""

    def __init__(self, model: LanguageModel | None = None, deadline: float = 1.2, language: str = "en") -> None:
        self._model = model
        self._deadline = deadline
        self._phrases: dict[str, Any] = load_phrases(language)

    # -- opening ---------------------------------------------------------------------------------------------------

    def open(self, state: State, at: float, t: float, *, by_phone: bool = False) -> Reply:
        """The greeting with the first question; or, after a cut, the words that resume the interview."""
        assert state.interview is not None
        if not state.greeted:
            greeting = self._say(
                state, "greeting", title=state.interview.title, count=_count(len(state.interview.questions))
            )
            events, asked = self._ask(state, state.remaining[0], "first in the plan", at, t)
            first = self._say(state, "first")
            if by_phone:
                first = f"{self._say(state, 'caller')} {first}"
            said = Said(at=at, t=t, purpose="greeting", text=f"{greeting} {first}")
            return Reply((said, *events), f"{greeting} {first} {asked}")
        return self._resume(state, at, t)

    def _resume(self, state: State, at: float, t: float) -> Reply:
        if state.ended:  # cut during the farewell
            text = f"{self._say(state, 'resume')} {state.farewell_pending}"
            return Reply((Said(at=at, t=t, purpose="resume", text=text),), text, floor=False, ends=True)
        turn = state.awaiting
        if turn is None:  # cut between an answer and the next question
            sorry = self._say(state, "resume")
            said = Said(at=at, t=t, purpose="resume", text=sorry)
            if not state.turns:  # greeted, first question not stored
                events, text = self._ask(state, state.remaining[0], "first in the plan", at, t)
                return Reply((said, *events), f"{sorry} {text}")
            last = state.turns[-1]
            decision = decide(state, last)
            reply = self._after(state, decision, None, at, t) if decision.act != "probe" else self._next(state, at, t)
            return Reply((said, *reply.events), f"{sorry} {reply.text}", reply.floor, reply.ends)
        if turn.heard:
            text = self._say(state, "resume_answer")
            return remark("resume", text, at, t)
        # Asked or about to be, and nothing heard yet: the same question again.
        text = f"{self._say(state, 'resume')} {turn.text}"
        return remark("resume", text, at, t)

    # -- after an answer -------------------------------------------------------------------------------------------

    async def propose(self, state: State, turn: Turn, words: Sequence[Word]) -> Proposal:
        """Work out the reply as if the turn ended now with `words`, all of the turn so far. No side effects."""
        heard = " ".join(word.text for word in words)
        supposed = _supposing(state, turn, words)
        intent = intent_of(heard, self._phrases)
        if intent.name != "answer" or supposed.turn is None:
            return Proposal(turn.number, heard, None, None)
        decision = decide(supposed, supposed.turn)
        return Proposal(turn.number, heard, decision, await self._word(supposed, decision, SaidBack(words)))

    async def commit(self, state: State, turn: Turn, *, at: float, t: float, proposal: Proposal | None = None) -> Reply:
        """The turn is over: what to store and say. Uses the proposal if it still fits."""
        heard = turn.answer
        intent = intent_of(heard, self._phrases)
        handled = self._request(state, turn, intent, at, t)
        if handled is not None:
            return handled
        answered = Answered(at=at, t=t, turn=turn.number, intent=_recorded(intent))
        state = apply(state, answered)
        assert state.turn is not None
        own = SaidBack(state.turn.words)
        fits = proposal is not None and proposal.turn == turn.number and _same(proposal.heard, heard)
        if intent.name == "answer" and fits and proposal is not None and proposal.decision is not None:
            decision, wording = proposal.decision, proposal.wording
        else:
            decision = decide(state, state.turn)
            wording = await self._word(state, decision, own)
        reply = self._after(state, decision, wording, at, t, lead=self._lead(state, intent, decision, wording, own))
        return Reply((answered, *reply.events), reply.text, reply.floor, reply.ends, reply.note)

    def _request(self, state: State, turn: Turn, intent: Intent, at: float, t: float) -> Reply | None:
        """Handle requests that leave the question open, or end it without an answer; None for an answer."""
        if turn.spoken is None and intent.name in ("answer", "question_back") and _is_a_call(turn):
            # The question did not sound: "hello? are you there?" does not answer it.
            intent = Intent("repeat")
            if not asked_enough(state, turn, intent):
                return put_again(turn, intent, at, t, "repeat", self._say(state, "once_more", question=turn.text))
        if asked_enough(state, turn, intent):
            return self._leave(state, turn, intent.name, self._say(state, "moving_on"), at, t)
        return aside(state, turn, intent, at, t, lambda key, **values: self._say(state, key, **values))

    def _leave(self, state: State, turn: Turn, intent: str, lead: str, at: float, t: float) -> Reply:
        """Move on to the next question without an answer to this one."""
        answered = Answered(at=at, t=t, turn=turn.number, intent=intent)
        skipped = Skipped(at=at, t=t, question=turn.question, reason="no answer")
        reply = self._next(apply(apply(state, answered), skipped), at, t, lead)
        return Reply((answered, skipped, *reply.events), reply.text, reply.floor, reply.ends)

    def _after(
        self, state: State, decision: Decision, wording: Wording | None, at: float, t: float, lead: str = ""
    ) -> Reply:
        number = len(state.turns) and state.turns[-1].number + 1
        if decision.act == "probe" and wording and decision.question and decision.probe:
            event = Followed(
                at=at, t=t, turn=number, question=decision.question.id, probe=decision.probe.value, gap=decision.gap,
                span=decision.span, text=wording.text, why=decision.why, engine=wording.engine, prompt=wording.prompt, lead=lead,
                note=wording.problem,
            )  # fmt: skip
            return Reply((event,), _joined(lead, wording.text), note=wording.problem)
        return self._next(state, at, t, lead)

    def _next(self, state: State, at: float, t: float, lead: str = "") -> Reply:
        chosen = choose(state, t)
        known: tuple[AnyEvent, ...] = tuple(
            Skipped(at=at, t=t, question=q.id, reason=f"enough is known of {q.competency}") for q in chosen.known
        )
        if chosen.question is None:
            text = self._say(state, "time_up" if chosen.reason == "time" else "closing")
            bye = (Said(at=at, t=t, purpose="closing", text=text), Ended(at=at, t=t, reason=chosen.reason))
            return Reply((*known, *bye), _joined(lead, text), floor=False, ends=True)
        asked, text = self._ask(state, chosen.question, chosen.why, at, t, chosen.instead)
        transition = self._pick(self._phrases["transitions"], state)
        return Reply((*known, *asked), _joined(lead, transition, text))

    def _ask(
        self, state: State, question: PlannedQuestion, why: str, at: float, t: float, instead: str = ""
    ) -> tuple[tuple[AnyEvent, ...], str]:
        number = state.turns[-1].number + 1 if state.turns else 0
        asked = Asked(at=at, t=t, turn=number, question=question.id, text=question.text, why=why, instead=instead)
        return (asked,), question.text

    async def _word(self, state: State, decision: Decision, own: SaidBack) -> Wording | None:
        if decision.act != "probe" or state.turn is None:
            return None
        earlier = [turn.text for turn in state.turns]
        return await word(
            decision, heard=state.turn.answer, earlier=earlier, model=self._model, deadline=self._deadline, own=own,
        )  # fmt: skip

    def finish(self, state: State, turn: Turn, *, at: float, t: float) -> Reply:
        """The turn is over and no more answers will come (the recordings have run out): thank and close."""
        answered = Answered(at=at, t=t, turn=turn.number, intent=_recorded(intent_of(turn.answer, self._phrases)))
        text = self._say(state, "closing")
        said = Said(at=at, t=t, purpose="closing", text=text)
        return Reply((answered, said, Ended(at=at, t=t, reason="completed")), text, floor=False, ends=True)

    # -- requested by a button, a key or another person ------------------------------------------------------------

    def again(self, state: State, turn: Turn, at: float, t: float) -> Reply:
        """The question once more. What was answered so far is kept."""
        return remark("repeat", self._say(state, "repeat", question=turn.text), at, t)

    def once_more(self, state: State, turn: Turn, at: float, t: float) -> Reply:
        """The question did not sound, or not enough of it: ask it again."""
        return remark("repeat", self._say(state, "once_more", question=turn.text), at, t)

    def not_understood(self, state: State, at: float, t: float, *, typing: bool = False) -> Reply:
        """There was speech, but no word was understood. `typing`: this was said before; offer another way."""
        return remark("notice", self._say(state, "offer_typing" if typing else "not_understood"), at, t)

    def patient(self, state: State, at: float, t: float) -> Reply:
        """Say that there is time."""
        return remark("patience", self._say(state, "patience"), at, t)

    def stalled(self, state: State, at: float, t: float) -> Reply:
        """We were stuck for a moment and can now go on."""
        return remark("notice", self._say(state, "stall"), at, t)

    def returned(self, state: State, by: str, at: float, t: float) -> Reply:
        """The agent has the floor again: back to the open question, or on to the next."""
        took = TookBack(at=at, t=t, by=by)
        if not state.greeted:
            reply = self.open(state, at, t)
        elif state.awaiting is not None:
            text = self._say(state, "returned", question=state.awaiting.text)
            reply = remark("notice", text, at, t)
        else:
            reply = self._next(state, at, t)
        return Reply((took, *reply.events), reply.text, reply.floor, reply.ends)

    def close(
        self, state: State, reason: Literal["cancelled", "asked_to_leave", "candidate_left"], at: float, t: float
    ) -> Reply:
        """Somebody ended the interview: say so and leave."""
        text = self._say(state, "left" if reason == "candidate_left" else "cancelled")
        bye = Said(at=at, t=t, purpose="farewell", text=text)
        return Reply((bye, Ended(at=at, t=t, reason=reason)), text, floor=False, ends=True)

    def interject(self, state: State, at: float, t: float) -> Reply:
        """Practice only: a polite word to somebody who goes on and on, so they learn to come to the point."""
        return remark("notice", self._say(state, "ramble"), at, t)

    # -- silence ---------------------------------------------------------------------------------------------------

    def nudge(self, state: State, turn: Turn, count: int, at: float, t: float) -> Reply:
        """Help a silent candidate: first reassure, then rephrase, then offer to move on; after that, move on.

        Two questions in a row without a sound are enough: nobody is there.
        """
        steps = self._phrases["say"]["nudge"]
        if count >= len(steps) and any(t.intent == "silence" for t in state.turns[-2:-1]) and not turn.heard:
            text = self._say(state, "silence")
            answered = Answered(at=at, t=t, turn=turn.number, intent="silence")
            bye = Said(at=at, t=t, purpose="farewell", text=text)
            return Reply((answered, bye, Ended(at=at, t=t, reason="silence")), text, floor=False, ends=True)
        if count == 0 and not any(t.heard for t in state.turns):
            text = self._say(state, "unheard")
            return remark("nudge", text, at, t)
        if count >= len(steps):
            return self._leave(state, turn, "silence", self._say(state, "skipping"), at, t)
        short = state.planned(turn.question).short if turn.probe is None else turn.text
        text = steps[count].format(short_question=short)
        return remark("nudge", text, at, t)

    def is_request(self, heard: str) -> bool:
        """Whether these words ask for something (repeat, skip, a person) rather than answer."""
        return intent_of(heard, self._phrases).name not in ("answer", "none", "time", "question_back")

    def fixed_phrases(self, state: State) -> list[str]:
        """Sentences that will certainly or probably be needed: worth synthesising before the call."""
        fixed = [
            *self._phrases["acknowledgements"],
            *self._phrases["transitions"],
            *self._phrases["say"]["patience"],
        ]
        return [*fixed, *(q.text for q in state.remaining), *self._phrases["say"]["resume"]]

    # -- words -----------------------------------------------------------------------------------------------------

    def _lead(self, state: State, intent: Intent, decision: Decision, wording: Wording | None, own: SaidBack) -> str:
        """What is said before the next question: an acknowledgement that judges nothing."""
        if intent.name == "skip":
            return self._say(state, "skipping")
        if intent.name == "dont_know":
            return self._say(state, "dont_know")
        if wording is None or state.turn is None:
            return self._pick(self._phrases["acknowledgements"], state)
        # Say their own words back only if the question that follows does not already contain them.
        topic = decision.topic if decision.topic and decision.topic not in wording.text else ""
        fresh = [] if any(clause in wording.text for clause in own.clauses) else own.clauses
        leads = [turn.lead for turn in state.turns if turn.lead]
        return acknowledge(topic, fresh, self._phrases["acknowledgements"], leads)

    def _say(self, state: State, key: str, **values: str) -> str:
        assert state.interview is not None
        text: str = self._pick(self._phrases["say"][key], state)
        return text.format(candidate=state.interview.candidate, **values)

    def _pick(self, options: Sequence[str], state: State) -> str:
        """In turn, starting at a place that depends on the session: no two in a row alike, and the same on replay."""
        assert state.interview is not None
        return options[(state.interview.seed + len(state.turns)) % len(options)]


def _supposing(state: State, turn: Turn, words: Sequence[Word]) -> State:
    """The state as it would be if `words` were the whole answer of `turn`."""
    text = " ".join(word.text for word in words)
    piece = Heard(at=0.0, turn=turn.number, text=text, words=list(words), end=words[-1].end if words else 0.0)
    supposed = replace(turn, heard=(piece,), answered=True, intent="answer")
    return replace(state, turns=tuple(supposed if t.number == turn.number else t for t in state.turns))


def _is_a_call(turn: Turn) -> bool:
    """Whether this is too short to answer a question nobody heard; anything typed counts as an answer."""
    return len(turn.answer.split()) < SHORTEST_UNASKED and not any(piece.typed for piece in turn.heard)


def _same(a: str, b: str) -> bool:
    return tokens(a) == tokens(b)


def _recorded(intent: Intent) -> str:
    return intent.name if intent.name in {"skip", "dont_know"} else "answer"


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _count(number: int) -> str:
    if number == 1:
        return "one question"
    words = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
    return f"{words.get(number, str(number))} questions"
