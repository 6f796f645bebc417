"""What to say to somebody who asks for something instead of answering. The question stays open. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from dialogue.manager.intents import Intent
from dialogue.manager.reply import Reply, remark
from dialogue.state import State, Turn
from memory.events import Answered, Asked, Ended, Followed, Said

# Intents that leave a question open; after MOST_ASIDES of them we move on, so the interview comes to an end.
ASIDES = frozenset({"repeat", "go_on", "rephrase", "robot", "question_back", "distress", "language", "complaint"})
MOST_ASIDES = 4

Say = Callable[..., str]  # (key of prompts/phrases, **values) -> sentence


def asked_enough(state: State, turn: Turn, intent: Intent) -> bool:
    """Whether there were so many requests on this question that it is better to move on."""
    return intent.name in ASIDES and sum(t.intent in ASIDES for t in state.of_question(turn.question)) >= MOST_ASIDES


def aside(state: State, turn: Turn, intent: Intent, at: float, t: float, say: Say) -> Reply | None:
    """The reply to a request, or None if the words were an answer (or a wish to skip, which counts as one)."""
    short = state.planned(turn.question).short if turn.probe is None else turn.text
    match intent.name:
        case "none":
            return Reply((), say("patience"))
        case "repeat" | "go_on":
            return put_again(turn, intent, at, t, "repeat", say("repeat", question=turn.text))
        case "time":
            # Thinking is not an answer; only say that there is time.
            return remark("patience", say("patience"), at, t)
        case "rephrase":
            return put_again(turn, intent, at, t, "rephrase", say("rephrase", short_question=short))
        case "distress" | "language":
            return put_again(turn, intent, at, t, "reply", say(intent.name))
        case "complaint" | "robot" | "question_back":
            return put_again(turn, intent, at, t, "reply", say(intent.name, question=turn.text))
        case "human" | "leave":
            human = intent.name == "human"
            text = say("human" if human else "left")
            answered = Answered(at=at, t=t, turn=turn.number, intent=intent.name)
            bye = Said(at=at, t=t, purpose="farewell", text=text)
            ended = Ended(at=at, t=t, reason="human_requested" if human else "candidate_left")
            return Reply((answered, bye, ended), text, floor=False, ends=True)
    return None


def put_again(
    turn: Turn, intent: Intent, at: float, t: float, purpose: Literal["repeat", "rephrase", "reply"], text: str
) -> Reply:  # fmt: skip
    """Say it and start the turn afresh: the request is not part of the answer."""
    cleared = Answered(at=at, t=t, turn=turn.number, intent=intent.name)
    event = Said(at=at, t=t, purpose=purpose, text=text)
    if turn.probe is None:
        again = Asked(at=at, t=t, turn=turn.number + 1, question=turn.question, text=turn.text, why="asked again")
        return Reply((cleared, event, again), text)
    follow = Followed(
        at=at, t=t, turn=turn.number + 1, question=turn.question, probe=turn.probe, gap=turn.gap or "", span=turn.span,
        text=turn.text, why="asked again", engine=turn.engine or "", prompt=turn.prompt,
    )  # fmt: skip
    return Reply((cleared, event, follow), text)
