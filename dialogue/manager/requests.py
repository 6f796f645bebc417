"""What to say to somebody who asks for something instead of answering. The question stays open. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from dialogue.analysis.language import contains_phrase
from dialogue.manager.job_questions import answer_from
from dialogue.manager.reply import Reply, remark
from dialogue.manager.wishes import ENDS, Wish
from dialogue.state import AGAIN, State, Turn
from dialogue.understanding.glossary import explained
from memory.events import Answered, AnyEvent, Asked, Ended, Followed, Said

# Acts that leave a question open; after MOST_ASIDES of them we move on, so the interview comes to an end.
ASIDES = frozenset(
    {"repeat", "resume", "rephrase", "explain_term", "which_case", "ask_who", "ask_job", "ask_interview", "distress", "complaint",
     "swearing", "already", "other_language", "greeting", "small_talk", "restart", "end", "wrong", "consent_worry", "deny"}
)  # fmt: skip
MOST_ASIDES = 4
QUESTIONS = frozenset(
    ["ask_job", "ask_interview", "ask_who", "which_case", "explain_term"]
)  # a candidate may have many
MOST_QUESTIONS = 10
UNCLEAR = 4  # words of a reply to "shall I end?" that is neither yes nor no, up to which it is asked once more

_FAREWELLS = (
    "bye",
    "goodbye",
    "good bye",
    "bye bye",
    "see you",
    "take care",
    "farewell",
    "so long",
)  # who says them wants to end

Say = Callable[..., str]  # (key of prompts/phrases, **values) -> sentence


def asked_enough(state: State, turn: Turn, act: str) -> bool:
    """Whether there were so many requests on this question that it is better to move on."""
    most = MOST_QUESTIONS if act in QUESTIONS else MOST_ASIDES
    counted = ASIDES if act in QUESTIONS else ASIDES - QUESTIONS
    return act in ASIDES and sum((t.wish or t.intent) in counted for t in state.of_question(turn.question)) >= most


def asked_back(state: State, turn: Turn) -> str:
    """What the candidate was asked to confirm before this turn ("end", "wrong", "consent_worry"), or ""."""
    before = state.before(turn)
    return before.wish if before is not None and turn.again and before.wish in ENDS else ""


def asked_back_before(state: State, turn: Turn) -> bool:
    """Whether the candidate wanted to end before, on this question."""
    return any(t.wish in ENDS for t in state.of_question(turn.question))


def aside(state: State, turn: Turn, wish: Wish, at: float, t: float, say: Say) -> Reply | None:
    """The reply to a request, or None if the turn is an answer (or a wish to leave the question, which counts as one)."""
    assert state.interview is not None
    question = state.planned(turn.question)
    short = question.short if turn.probe is None else _in_other_words(turn)
    again = say("back_to", question=turn.text)
    match wish.act:
        case "none" | "backchannel":
            return Reply((), say("patience"))
        case "time":
            # Thinking is not an answer; only say that there is time.
            return remark("patience", say("patience"), at, t)
        case "break":
            return remark("patience", say("break"), at, t)
        case "restart":
            return put_again(turn, wish, at, t, "reply", say("restart"))
        case "repeat" | "resume":
            return put_again(turn, wish, at, t, "repeat", say("repeat", question=turn.text))
        case "rephrase":
            return put_again(turn, wish, at, t, "rephrase", say("rephrase", short_question=short))
        case "explain_term":
            if term := explained(state.interview.glossary, wish.words, turn.text):
                return put_again(turn, wish, at, t, "reply", f"{term} {again}")
            return put_again(turn, wish, at, t, "rephrase", say("rephrase", short_question=short))
        case "which_case":
            key = "which_story" if question.kind == "behavioural" else "which_case"
            return put_again(turn, wish, at, t, "reply", f"{say(key)} {again}")
        case "ask_job":
            known = answer_from(state.interview.about, wish.words)
            told = f"{say('job_answer', answer=known)} {again}" if known else say("question_back", question=turn.text)
            return put_again(turn, wish, at, t, "reply", told)
        case "ask_interview":
            left = 1 + len(state.remaining) + len(state.postponed)
            about = say(
                "about_interview", left="this is the last question" if left == 1 else f"there are {left} questions left"
            )
            return put_again(turn, wish, at, t, "reply", f"{about} {again}")
        case "distress":
            return put_again(turn, wish, at, t, "reply", say("distress"))
        case "other_language":
            return put_again(turn, wish, at, t, "reply", say("language"))
        case "complaint" | "swearing":
            return put_again(turn, wish, at, t, "reply", say("complaint", question=turn.text))
        case "ask_who":
            return put_again(turn, wish, at, t, "reply", say("robot", question=turn.text))
        case "greeting" if contains_phrase(wish.words, _FAREWELLS):
            return put_again(turn, Wish("end", wish.answered), at, t, "reply", say("ask_back_end"))
        case "greeting" | "small_talk":
            key = "hello" if wish.act == "greeting" else "small_talk"
            return put_again(turn, wish, at, t, "reply", f"{say(key)} {again}")
        case "person":
            return _ending(turn, wish, at, t, say("human"), "human_requested")
        case "end" | "wrong" | "consent_worry":
            return put_again(turn, wish, at, t, "reply", say(f"ask_back_{wish.act}", title=state.interview.title))
    return None


def _in_other_words(turn: Turn) -> str:
    """A follow-up has no short form: what it asks for, and then itself."""
    return f"I would like to know {turn.gap}. {turn.text}" if turn.gap else turn.text


def confirmed(turn: Turn, wish: Wish, what: str, at: float, t: float, say: Say) -> Reply | None:
    """The reply to somebody who was asked back: the end if they confirm, the question again if not, None for an answer."""
    if wish.act in ENDS or wish.act == "confirm":
        text = say("left_to_erase" if "consent_worry" in (what, wish.act) else "left")
        return _ending(turn, Wish(what), at, t, text, "candidate_left")
    if wish.act == "deny" or (wish.act in ("resume", "backchannel") and not wish.answered):
        return put_again(turn, Wish("deny"), at, t, "reply", say("go_on", question=turn.text))
    if len(turn.answer.split()) <= UNCLEAR and wish.act in ("answer", "time", "dont_know", "backchannel"):  # "maybe"
        return put_again(turn, Wish(what), at, t, "reply", say("ask_back_again"))
    return None


def _ending(
    turn: Turn, wish: Wish, at: float, t: float, text: str, reason: Literal["human_requested", "candidate_left"]
) -> Reply:
    answered = committed(turn, wish, at, t)
    bye = Said(at=at, t=t, purpose="farewell", text=text)
    return Reply((answered, bye, Ended(at=at, t=t, reason=reason)), text, floor=False, ends=True)


def put_again(
    turn: Turn, wish: Wish, at: float, t: float, purpose: Literal["repeat", "rephrase", "reply"], text: str
) -> Reply:  # fmt: skip
    """Say it and start the turn afresh: the request is not part of the answer, what was answered before it is kept."""
    cleared = committed(turn, wish, at, t)
    event = Said(at=at, t=t, purpose=purpose, text=text)
    again: AnyEvent
    if turn.probe is None:
        again = Asked(at=at, t=t, turn=turn.number + 1, question=turn.question, text=turn.text, why=AGAIN)
    else:
        again = Followed(
            at=at, t=t, turn=turn.number + 1, question=turn.question, probe=turn.probe, gap=turn.gap or "", span=turn.span,
            text=turn.text, why=AGAIN, engine=turn.engine or "", prompt=turn.prompt,
        )  # fmt: skip
    return Reply((cleared, event, again), text)


def committed(turn: Turn, wish: Wish, at: float, t: float) -> Answered:
    """The event that closes a turn: an answer stays one, whatever was asked for at its end."""
    intent = "answer" if wish.answered else wish.act
    return Answered(at=at, t=t, turn=turn.number, intent=intent, wish="" if wish.act == "answer" else wish.act)
