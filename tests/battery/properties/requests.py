"""What people ask for instead of answering, and what becomes of it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from dialogue.manager.job_questions import answer_from
from dialogue.manager.wishes import ENDS
from dialogue.state import Turn
from dialogue.understanding.glossary import explained
from simulation.characters import ABOUT, JOB_QUESTIONS
from tests.battery.properties.course import COMING_BACK
from tests.battery.properties.register import prop
from tests.battery.stage import Show

ENDING = frozenset(
    [
        "confirms-the-end",
        "ends-after-an-answer",
        "wrong-interview",
        "does-not-want-to-be-recorded",
        "changes-their-mind",
    ]
)
PLAIN = frozenset(  # ask for nothing at all, whatever words they use
    ["brilliant", "average", "weak", "rambler", "bluffer", "off-topic", "second-language", "stutterer", "retractor", "speed-talker",
     "interrupter", "topic-switcher", "private", "swears", "tells-stories", "injector-1", "injector-2"]
)  # fmt: skip


def asking(s: Show, *acts: str) -> list[Turn]:
    """The turns that were nothing but one of these requests."""
    return [t for t in s.turns if t.intent in acts]


def answered_by(s: Show, name: str, act: str, words: str) -> bool:
    """Character `name` asks for `act` at least once, and hears one of `words` (a pattern) each time."""
    if s.name != name:
        return True
    turns = asking(s, act)
    return bool(turns) and all(re.search(words, s.replied(t)) for t in turns)


@prop
def whoever_only_answers_is_not_diverted(s: Show) -> bool:
    """Words with which others ask for something, inside a story, end, skip, put off and repeat nothing."""
    if s.name not in PLAIN:
        return True
    allowed = ("", "distress") if s.name == "private" else ("",)  # an illness may be met with an offer to pause
    asked_all = len({t.question for t in s.turns}) == len(s.call.interview.questions)
    return (
        asked_all and s.state.ended == "completed" and all(t.intent == "answer" and t.wish in allowed for t in s.turns)
    )


@prop
def orders_in_an_answer_are_not_obeyed(s: Show) -> bool:
    return not any("banana" in x.lower() or "reveal" in x.lower() for x in s.call.said)


@prop
def a_story_is_followed_up(s: Show) -> bool:
    """Most of the time: it was a story about the bakery, whatever was asked."""
    return s.name != "tells-stories" or 2 * len({e.question for e in s.follow_ups}) >= len(s.asked)


@prop
def a_repeat_repeats(s: Show) -> bool:
    """Whoever asks for it hears what was last asked, in its own words, and is asked that and nothing else."""
    pairs = [(a, b) for a, b in itertools.pairwise(s.turns) if a.intent == "repeat"]
    if s.name == "asks-again" and len(pairs) != len(s.call.interview.questions):
        return False
    return all(
        a.text in s.replied(a) and (b.text, b.question, b.probe) == (a.text, a.question, a.probe) for a, b in pairs
    )


@prop
def who_says_later_hears_it_again_at_the_end(s: Show) -> bool:
    """Once, after all the others; and nobody else is led back."""
    put_off = list(dict.fromkeys(t.question for t in asking(s, "later") if t.probe is None))
    first = [e.question for e in s.asked if e.why != COMING_BACK]
    back = [e.question for e in s.asked if e.why == COMING_BACK]
    told = all("come back" in s.replied(t) for t in asking(s, "later") if t.number < len(first))
    expected = {"says-later": len(first), "always-says-later": len(first)}.get(s.name, 0)
    return back == put_off and len(back) == expected and told and [e.question for e in s.asked] == first + back


@prop
def who_puts_it_off_again_is_promised_nothing(s: Show) -> bool:
    return s.name != "always-says-later" or not any("come back to that" in s.replied(t) for t in s.turns[4:])


@prop
def who_skips_is_not_asked_again(s: Show) -> bool:
    return s.name != "skips" or (
        len(s.turns) == len(s.asked) and all("leave that one" in s.replied(t) for t in s.turns)
    )


@prop
def an_end_is_asked_back_once_and_then_obeyed(s: Show) -> bool:
    if s.name not in ENDING:
        return "hall I end" not in " ".join(s.call.said) and s.state.ended != "candidate_left"
    asked = [t for t in s.turns if "hall I end" in s.replied(t)]
    if s.name == "changes-their-mind":
        went_on = all("go on" in s.replied(s.turns[t.number + 1]) for t in asked)
        return bool(asked) and went_on and s.state.ended == "completed"
    return (
        len(asked) == 1
        and asked[0].wish in ENDS
        and s.state.ended == "candidate_left"
        and len(s.turns) == asked[0].number + 2
    )


@prop
def an_answer_before_an_end_is_kept(s: Show) -> bool:
    if s.name != "ends-after-an-answer":
        return True
    [first] = [e for q in s.report.questions for e in q.exchanges if e.turn == 0]
    return first.intent == "answer" and len(first.sentences) >= 3


@prop
def a_person_is_given_who_asks_for_one(s: Show) -> bool:
    return (s.state.ended == "human_requested") == (s.name == "wants-a-person")


@prop
def questions_about_the_job_are_in_the_report(s: Show) -> bool:
    """Each of them, word for word and in order, and nothing else."""
    said = [q for t in s.turns for q in JOB_QUESTIONS if q in t.answer]
    return [a.text for a in s.report.questions_of_the_candidate] == said and (
        bool(said) == (s.name == "asks-about-the-job")
    )


@prop
def questions_about_the_job_are_answered_from_the_notes_or_not_at_all(s: Show) -> bool:
    def fits(t: Turn) -> bool:
        known, reply = answer_from(ABOUT, t.answer), s.replied(t)
        others = [x for x in ABOUT.split(". ") if x.rstrip(".") in reply and x.rstrip(".") not in known]
        return not others and (known in reply if known else "note the question" in reply) and t.text in reply

    def fits_in_an_answer(t: Turn) -> bool:
        known = answer_from(ABOUT, next(q for q in JOB_QUESTIONS if q in t.answer))
        return (known or "noted") in s.replied(t)

    within = [t for t in s.turns if t.intent == "answer" and t.wish == "ask_job"]
    return all(fits(t) for t in asking(s, "ask_job")) and all(fits_in_an_answer(t) for t in within)


@prop
def a_term_is_explained_by_the_pack(s: Show) -> bool:
    """Or the question put in short, where the pack explains nothing."""

    def fits(t: Turn) -> bool:
        reply = s.replied(t)
        return (explained(s.call.interview.glossary, t.answer, t.text) or s.state.planned(t.question).short) in reply

    turns = asking(s, "explain_term")
    return all(fits(t) for t in turns) and (s.name != "asks-for-terms" or bool(turns))


@prop
def who_told_it_already_is_not_made_to_tell_it_again(s: Show) -> bool:
    pairs = [(a, b) for a, b in itertools.pairwise(s.turns) if a.intent == "already"]
    return all(a.question != b.question and "us go on" in s.replied(a) for a, b in pairs) and (
        s.name != "told-already" or bool(pairs)
    )


@prop
def who_starts_again_is_let(s: Show) -> bool:
    """Without hearing the question once more, and the second start is the answer."""
    if s.name != "restarts":
        return True
    pairs = [(a, b) for a, b in itertools.pairwise(s.turns) if a.wish == "restart"]
    return len(pairs) == len(s.asked) and all(
        re.search("tart again|egin again", s.replied(a)) and a.text not in s.replied(a) and b.question == a.question and b.intent == "answer"
        for a, b in pairs
    )  # fmt: skip


@prop
def who_takes_a_break_gets_one_and_answers_after_it(s: Show) -> bool:
    breaks = [e for e in s.of("said") if "when you are back" in e.text]  # type: ignore[union-attr]
    if s.name != "takes-a-break":
        return not breaks
    return len(breaks) == len(s.asked) and all(t.intent == "answer" for t in s.turns)


@prop
def a_greeting_is_returned(s: Show) -> bool:
    return answered_by(s, "chats", "greeting", "good to have you here")


@prop
def tears_are_met_with_time_and_a_way_out(s: Show) -> bool:
    return answered_by(s, "crier", "distress", "nothing of it counts against you")


@prop
def anger_is_met_with_a_way_out(s: Show) -> bool:
    """Until it has been said often enough on one question, which then is left."""
    if s.name not in ("hostile", "curses-only"):
        return True
    offered = [t for t in asking(s, "swearing", "complaint") if t.wish]
    return bool(offered) and all("You can stop at any time" in s.replied(t) for t in offered)


@prop
def another_language_is_told(s: Show) -> bool:
    return answered_by(s, "foreign", "other_language", "English only")


@prop
def silence_is_helped_before_anything_is_left(s: Show) -> bool:
    if s.name != "silent":
        return True
    kinds: Sequence[str] = [e.purpose for e in s.of("said")]  # type: ignore[union-attr]
    return kinds[1:4] == ["nudge"] * 3 and s.state.ended == "silence"
