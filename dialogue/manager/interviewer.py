"""The interviewer: what to say next. Proposals have no effect; only what is committed becomes an event.

`propose` may be called on every partial answer, as often as needed; a proposal is tagged with its turn and words, and
is used only if they still match. All times come in as arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dialogue.analysis.language import tokens
from dialogue.backends.base import LanguageModel
from dialogue.follow_up.policy import Decision, decide
from dialogue.follow_up.wording import Wording, word
from dialogue.manager.job_questions import answer_from
from dialogue.manager.remarks import Remarks
from dialogue.manager.reply import Reply, joined, remark
from dialogue.manager.requests import (
    aside,
    asked_back,
    asked_back_before,
    asked_enough,
    committed,
    confirmed,
    put_again,
)
from dialogue.manager.wishes import ENDS, Wish, agreed, wish_of
from dialogue.plan.next_question import choose
from dialogue.state import State, Turn, apply
from dialogue.understanding.embedded import EmbeddedReader
from dialogue.understanding.reader import Answer, Reader
from dialogue.understanding.whole import public_words, spent
from memory.events import Answered, AnyEvent, Asked, Ended, Followed, Heard, Read, Said, Skipped
from memory.records import PlannedQuestion, Reading, Word

SHORTEST_UNASKED = 8  # words; anything shorter is no answer if the question did not sound


@dataclass(frozen=True)
class Proposal:
    """The reply to a partial answer, worked out ahead. Valid only for this turn, these words and this state."""

    turn: int
    heard: str
    reading: Reading
    decision: Decision | None
    wording: Wording | None


class Interviewer(Remarks):
    """Decides what one interview says next. Holds no interview state: that is folded from events and passed in.

    `reader` reads every answer, once. `model` may word a follow-up of its own in practice; in screening only with
    `own_words_in_screening`, which the operator switches on.
    """

    def __init__(
        self, model: LanguageModel | None = None, deadline: float = 1.2, language: str = "en", *,
        reader: Reader | None = None, own_words_in_screening: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(language)
        self.reader: Reader = reader or EmbeddedReader()
        self._model = model
        self._deadline = deadline
        self._own_words_in_screening = own_words_in_screening

    # -- opening ---------------------------------------------------------------------------------------------------

    def open(self, state: State, at: float, t: float, *, by_phone: bool = False) -> Reply:
        """The greeting with the first question; or, after a cut, the words that resume the interview."""
        assert state.interview is not None
        if not state.greeted:
            greeting = self.say(
                state, "greeting", title=state.interview.title, count=_count(len(state.interview.questions))
            )
            events, asked = self._ask(state, state.remaining[0], "first in the plan", at, t)
            first = self.say(state, "first")
            if by_phone:
                first = f"{self.say(state, 'caller')} {first}"
            said = Said(at=at, t=t, purpose="greeting", text=f"{greeting} {first}")
            return Reply((said, *events), f"{greeting} {first} {asked}")
        return self._resume(state, at, t)

    def _resume(self, state: State, at: float, t: float) -> Reply:
        if state.ended:  # cut during the farewell
            text = f"{self.say(state, 'resume')} {state.farewell_pending}"
            return Reply((Said(at=at, t=t, purpose="resume", text=text),), text, floor=False, ends=True)
        turn = state.awaiting
        if turn is None:  # cut between an answer and the next question
            sorry = self.say(state, "resume")
            said = Said(at=at, t=t, purpose="resume", text=sorry)
            if not state.turns:  # greeted, first question not stored
                events, text = self._ask(state, state.remaining[0], "first in the plan", at, t)
                return Reply((said, *events), f"{sorry} {text}")
            reply = self.next_question(state, at, t)
            return Reply((said, *reply.events), f"{sorry} {reply.text}", reply.floor, reply.ends)
        if turn.heard:
            text = self.say(state, "resume_answer")
            return remark("resume", text, at, t)
        # Asked or about to be, and nothing heard yet: the same question again.
        text = f"{self.say(state, 'resume')} {turn.text}"
        return remark("resume", text, at, t)

    # -- after an answer -------------------------------------------------------------------------------------------

    async def propose(self, state: State, turn: Turn, words: Sequence[Word]) -> Proposal:
        """Work out the reply as if the turn ended now with `words`, all of the turn so far. No side effects."""
        heard = " ".join(word.text for word in words)
        supposed = _supposing(state, turn, words)
        reading = await self._read(supposed, turn, words)
        supposed = apply(supposed, Read(at=0.0, turn=turn.number, reading=reading))
        if wish_of(reading.acts).act != "answer" or supposed.turn is None:
            return Proposal(turn.number, heard, reading, None, None)
        decision = decide(supposed, supposed.turn)
        return Proposal(turn.number, heard, reading, decision, await self._word(supposed, decision))

    async def commit(self, state: State, turn: Turn, *, at: float, t: float, proposal: Proposal | None = None) -> Reply:
        """The turn is over: what to store and say. Uses the proposal if it still fits."""
        words = turn.words_or_text
        fits = proposal is not None and _fits(proposal, turn, words)
        if fits and proposal is not None:
            reading = proposal.reading
        else:
            reading = await self._read(state, turn, words)
        read = Read(at=at, t=t, turn=turn.number, reading=reading)
        state = apply(state, read)
        assert state.turn is not None
        wish = wish_of(reading.acts)
        handled = self._request(state, turn, wish, at, t)
        if handled is not None:
            kept = (read,) if handled.events and handled.events[0].kind == "answered" else ()
            return replace(handled, events=(*kept, *handled.events))
        if wish.act in ("confirm", "deny"):
            wish = Wish("answer", True)  # a yes or no to a question of the interview answers it
        answered = committed(turn, wish, at, t)
        state = apply(state, answered)
        assert state.turn is not None
        if fits and proposal is not None and proposal.decision is not None:
            decision, wording = proposal.decision, proposal.wording
        else:
            decision = decide(state, state.turn)
            wording = await self._word(state, decision)
        reply = self._after(state, decision, wording, at, t, self._lead(state, wish))
        return replace(reply, events=(read, answered, *reply.events))

    async def _read(self, state: State, turn: Turn, words: Sequence[Word]) -> Reading:
        question = state.planned(turn.question)
        put = turn.text if turn.probe is not None else ""
        return await self.reader.read(Answer(question, words, put))

    def _request(self, state: State, turn: Turn, wish: Wish, at: float, t: float) -> Reply | None:
        """Handle requests that leave the question open, or end it without an answer; None for an answer."""
        if turn.spoken is None and wish.act in ("answer", "ask_who", "greeting") and _is_a_call(turn):
            # The question did not sound: "hello? are you there?" does not answer it.
            wish = Wish("repeat")
            if not asked_enough(state, turn, wish.act):
                return put_again(turn, wish, at, t, "repeat", self.say(state, "once_more", question=turn.text))
        say = self.saying(state)
        if what := asked_back(state, turn):
            acts = state.turn.reading.acts if state.turn and state.turn.reading else []
            if wish.act == "answer" and agreed(acts):
                wish = Wish("confirm")
            if reply := confirmed(turn, wish, what, at, t, say):
                before = state.before(turn)
                answered = before is not None and before.intent == "answer"
                return self._go_on(state, turn, at, t) if answered and not reply.ends else reply
        if wish.act == "already" and not asked_enough(state, turn, wish.act):
            return self._already(state, turn, wish, at, t)
        if asked_enough(state, turn, wish.act) and not (wish.act in ENDS and not asked_back_before(state, turn)):
            return self.leave(state, turn, wish.act, self.say(state, "moving_on"), at, t)
        if wish.act in ("confirm", "deny") or (wish.answered and wish.act == "ask_job"):
            return None  # an answer; a question in it is noted with the reading
        return aside(state, turn, wish, at, t, say)

    def _already(self, state: State, turn: Turn, wish: Wish, at: float, t: float) -> Reply:
        """ "I told you": look whether they did, say so, and go on either way."""
        earlier = [x for x in state.of_question(turn.question) if x.number < turn.number]
        if turn.probe is None and not any(x.intent == "answer" for x in earlier):
            return put_again(turn, wish, at, t, "reply", self.say(state, "already_unknown", question=turn.text))
        told = turn.probe is not None and turn.text in spent(earlier) - {x.text for x in earlier}
        lead = self.say(state, "already_said" if told else "already_noted")
        answered = committed(turn, wish, at, t)
        reply = self.next_question(apply(state, answered), at, t, lead)
        return replace(reply, events=(answered, *reply.events))

    def _go_on(self, state: State, turn: Turn, at: float, t: float) -> Reply:
        """They answered, asked to end, and changed their mind: what is answered is not asked once more."""
        answered = committed(turn, Wish("deny"), at, t)
        reply = self.next_question(apply(state, answered), at, t, self.say(state, "go_on", question="").strip())
        return replace(reply, events=(answered, *reply.events))

    def leave(self, state: State, turn: Turn, intent: str, lead: str, at: float, t: float) -> Reply:
        """Move on to the next question without an answer to this one."""
        answered = Answered(at=at, t=t, turn=turn.number, intent=intent)
        skipped = Skipped(at=at, t=t, question=turn.question, reason="no answer")
        reply = self.next_question(apply(apply(state, answered), skipped), at, t, lead)
        return replace(reply, events=(answered, skipped, *reply.events))

    def _after(
        self, state: State, decision: Decision, wording: Wording | None, at: float, t: float, lead: str = ""
    ) -> Reply:
        number = len(state.turns) and state.turns[-1].number + 1
        if decision.act == "probe" and wording and decision.question and decision.probe:
            event = Followed(
                at=at, t=t, turn=number, question=decision.question.id, probe=decision.probe.type, gap=decision.probe.asks,
                span=None, text=wording.text, why=decision.why, engine=wording.engine, prompt=wording.prompt, lead=lead,
                note=wording.problem,
            )  # fmt: skip
            return Reply((event,), joined(lead, wording.text), note=wording.problem)
        return self.next_question(state, at, t, lead)

    def next_question(self, state: State, at: float, t: float, lead: str = "") -> Reply:
        """The next question of the plan, one that was put off, or the farewell."""
        chosen = choose(state, t)
        if chosen.question is None:
            text = self.say(state, "time_up" if chosen.reason == "time" else "closing")
            bye = (Said(at=at, t=t, purpose="closing", text=text), Ended(at=at, t=t, reason=chosen.reason))
            return Reply(bye, joined(lead, text), floor=False, ends=True)
        asked, text = self._ask(state, chosen.question, chosen.why, at, t)
        transition = self.say(state, "coming_back") if chosen.put_off else self.pick(self.phrases["transitions"], state)
        return Reply(asked, joined(lead, transition, text))

    def _ask(
        self, state: State, question: PlannedQuestion, why: str, at: float, t: float
    ) -> tuple[tuple[AnyEvent, ...], str]:
        number = state.turns[-1].number + 1 if state.turns else 0
        asked = Asked(at=at, t=t, turn=number, question=question.id, text=question.text, why=why)
        return (asked,), question.text

    async def _word(self, state: State, decision: Decision) -> Wording | None:
        if decision.act != "probe" or state.turn is None or state.interview is None:
            return None
        free = state.interview.mode == "practice" or self._own_words_in_screening
        earlier = [turn.text for turn in state.turns]
        heard = " ".join(word.text for word in public_words(state.turn.words_or_text, state.turn.reading))
        model = self._model if free else None
        return await word(decision, heard=heard, earlier=earlier, model=model, deadline=self._deadline)

    async def finish(self, state: State, turn: Turn, *, at: float, t: float) -> Reply:
        """The turn is over and no more answers will come (the recordings have run out): thank and close."""
        reading = await self._read(state, turn, turn.words_or_text)
        read = Read(at=at, t=t, turn=turn.number, reading=reading)
        text = self.say(state, "closing")
        said = Said(at=at, t=t, purpose="closing", text=text)
        ended = Ended(at=at, t=t, reason="completed")
        return Reply((read, committed(turn, wish_of(reading.acts), at, t), said, ended), text, floor=False, ends=True)

    def is_request(self, words: Sequence[Word]) -> bool:
        """Whether these words ask for something (repeat, skip, a person) rather than answer."""
        return wish_of(self.reader.acts(words)).act not in ("answer", "none", "time", "ask_job", "backchannel")

    def _lead(self, state: State, wish: Wish) -> str:
        """What is said before the next question: neutral words, which judge nothing and repeat nothing."""
        assert state.interview is not None
        if wish.act == "ask_job" and (known := answer_from(state.interview.about, wish.words)):
            return self.say(state, "job_answer", answer=known)
        leads = {"skip": "skipping", "later": "postponing", "dont_know": "dont_know", "ask_job": "noted_question"}
        lead = leads.get(wish.act)
        if lead == "postponing" and not state.remaining:
            return ""  # it is the only one left, and comes back at once
        if lead == "postponing" and (state.turn is None or state.turn.question not in {q.id for q in state.postponed}):
            lead = "skipping"  # answered already, or put off before: it will not come back, so nobody says it will
        return self.say(state, lead) if lead else self.pick(self.phrases["acknowledgements"], state)


def _supposing(state: State, turn: Turn, words: Sequence[Word]) -> State:
    """The state as it would be if `words` were the whole answer of `turn`."""
    text = " ".join(word.text for word in words)
    piece = Heard(at=0.0, turn=turn.number, text=text, words=list(words), end=words[-1].end if words else 0.0)
    supposed = replace(turn, heard=(piece,), answered=True, intent="answer")
    return replace(state, turns=tuple(supposed if t.number == turn.number else t for t in state.turns))


def _fits(proposal: Proposal, turn: Turn, words: Sequence[Word]) -> bool:
    """Whether a proposal was made for just these words: its reading's places are theirs."""
    acts = proposal.reading.acts
    read = acts[-1].passage.after if acts else 0
    return proposal.turn == turn.number and read == len(words) and _same(proposal.heard, turn.answer)


def _is_a_call(turn: Turn) -> bool:
    """Whether this is too short to answer a question nobody heard; anything typed counts as an answer."""
    return len(turn.answer.split()) < SHORTEST_UNASKED and not any(piece.typed for piece in turn.heard)


def _same(a: str, b: str) -> bool:
    return tokens(a) == tokens(b)


def _count(number: int) -> str:
    if number == 1:
        return "one question"
    words = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
    return f"{words.get(number, str(number))} questions"
