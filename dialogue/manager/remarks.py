"""What the interviewer says beside questions and follow-ups: on a button, a key, a person's word, and in silence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

from dialogue.manager.reply import Reply, remark
from dialogue.manager.requests import Say
from dialogue.state import State, Turn
from memory.events import Answered, Ended, Said, TookBack
from prompts.loader import load_phrases


class Remarks(ABC):
    """Fixed sentences in turn. What leads on to a question is the interviewer's."""

    def __init__(self, language: str) -> None:
        self.phrases: dict[str, Any] = load_phrases(language)

    @abstractmethod
    def open(self, state: State, at: float, t: float, *, by_phone: bool = False) -> Reply: ...

    @abstractmethod
    def leave(self, state: State, turn: Turn, intent: str, lead: str, at: float, t: float) -> Reply: ...

    @abstractmethod
    def next_question(self, state: State, at: float, t: float, lead: str = "") -> Reply: ...

    # -- requested by a button, a key or another person ------------------------------------------------------------

    def again(self, state: State, turn: Turn, at: float, t: float) -> Reply:
        """The question once more. What was answered so far is kept."""
        return remark("repeat", self.say(state, "repeat", question=turn.text), at, t)

    def once_more(self, state: State, turn: Turn, at: float, t: float) -> Reply:
        """The question did not sound, or not enough of it: ask it again."""
        return remark("repeat", self.say(state, "once_more", question=turn.text), at, t)

    def not_understood(self, state: State, at: float, t: float, *, typing: bool = False) -> Reply:
        """There was speech, but no word was understood. `typing`: this was said before; offer another way."""
        return remark("notice", self.say(state, "offer_typing" if typing else "not_understood"), at, t)

    def patient(self, state: State, at: float, t: float) -> Reply:
        """Say that there is time."""
        return remark("patience", self.say(state, "patience"), at, t)

    def stalled(self, state: State, at: float, t: float) -> Reply:
        """We were stuck for a moment and can now go on."""
        return remark("notice", self.say(state, "stall"), at, t)

    def returned(self, state: State, by: str, at: float, t: float) -> Reply:
        """The agent has the floor again: back to the open question, or on to the next."""
        took = TookBack(at=at, t=t, by=by)
        if not state.greeted:
            reply = self.open(state, at, t)
        elif state.awaiting is not None:
            text = self.say(state, "returned", question=state.awaiting.text)
            reply = remark("notice", text, at, t)
        else:
            reply = self.next_question(state, at, t)
        return Reply((took, *reply.events), reply.text, reply.floor, reply.ends)

    def close(
        self, state: State, reason: Literal["cancelled", "asked_to_leave", "candidate_left"], at: float, t: float
    ) -> Reply:
        """Somebody ended the interview: say so and leave."""
        text = self.say(state, "left" if reason == "candidate_left" else "cancelled")
        bye = Said(at=at, t=t, purpose="farewell", text=text)
        return Reply((bye, Ended(at=at, t=t, reason=reason)), text, floor=False, ends=True)

    def interject(self, state: State, at: float, t: float) -> Reply:
        """Practice only: a polite word to somebody who goes on and on, so they learn to come to the point."""
        return remark("notice", self.say(state, "ramble"), at, t)

    # -- silence ---------------------------------------------------------------------------------------------------

    def nudge(self, state: State, turn: Turn, count: int, at: float, t: float) -> Reply:
        """Help a silent candidate: first reassure, then rephrase, then offer to move on; after that, move on.

        Two questions in a row without a sound are enough: nobody is there.
        """
        steps = self.phrases["say"]["nudge"]
        if count >= len(steps) and any(t.intent == "silence" for t in state.turns[-2:-1]) and not turn.heard:
            text = self.say(state, "silence")
            answered = Answered(at=at, t=t, turn=turn.number, intent="silence")
            bye = Said(at=at, t=t, purpose="farewell", text=text)
            return Reply((answered, bye, Ended(at=at, t=t, reason="silence")), text, floor=False, ends=True)
        if count == 0 and not any(t.heard for t in state.turns):
            text = self.say(state, "unheard")
            return remark("nudge", text, at, t)
        if count >= len(steps):
            return self.leave(state, turn, "silence", self.say(state, "skipping"), at, t)
        short = state.planned(turn.question).short if turn.probe is None else turn.text
        text = steps[count].format(short_question=short)
        return remark("nudge", text, at, t)

    def fixed_phrases(self, state: State) -> list[str]:
        """Sentences that will certainly or probably be needed: worth synthesising before the call."""
        fixed = [
            *self.phrases["acknowledgements"],
            *self.phrases["transitions"],
            *self.phrases["say"]["patience"],
        ]
        return [*fixed, *(q.text for q in state.remaining), *self.phrases["say"]["resume"]]

    # -- words -----------------------------------------------------------------------------------------------------

    def say(self, state: State, key: str, **values: str) -> str:
        """One of the sentences under a key of prompts/phrases, filled in."""
        assert state.interview is not None
        text: str = self.pick(self.phrases["say"][key], state)
        return text.format(candidate=state.interview.candidate, **values)

    def saying(self, state: State) -> Say:
        """`say` for this state."""
        return lambda key, **values: self.say(state, key, **values)

    def pick(self, options: Sequence[str], state: State) -> str:
        """In turn, starting at a place that depends on the session: no two in a row alike, and the same on replay."""
        assert state.interview is not None
        return options[(state.interview.seed + len(state.turns)) % len(options)]
