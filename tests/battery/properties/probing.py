"""Follow-ups: whose they are, how many, and after what."""

from __future__ import annotations

import itertools
from collections import Counter

from dialogue.analysis.language import tokens
from dialogue.follow_up.policy import SURE
from dialogue.follow_up.validator import validate
from dialogue.follow_up.wording import AUTHORED
from dialogue.state import Turn
from dialogue.understanding.whole import points_so_far
from tests.battery.properties.register import prop
from tests.battery.stage import Show

LEAVES = frozenset(["dont_know", "skip", "later"])


def before(s: Show, number: int) -> list[Turn]:
    """The turns on the question of a follow-up, before it."""
    question = s.turns[number].question
    return [t for t in s.turns if t.question == question and t.number < number]


@prop
def a_follow_up_is_a_probe_of_its_question_word_for_word(s: Show) -> bool:
    return all(
        (e.probe, e.text, e.engine) in {(p.type, p.text, AUTHORED) for p in s.state.planned(e.question).probes}
        for e in s.follow_ups
    )


@prop
def no_follow_up_is_asked_twice(s: Show) -> bool:
    return max(Counter(e.text for e in s.follow_ups).values(), default=0) <= 1


@prop
def the_budget_of_follow_ups_is_kept(s: Show) -> bool:
    return all(n <= s.call.interview.probe_budget for n in Counter(e.question for e in s.follow_ups).values())


@prop
def a_follow_up_is_one_short_question(s: Show) -> bool:
    return all(e.text.count("?") == 1 and e.text.endswith("?") and len(tokens(e.text)) <= 25 for e in s.follow_ups)


@prop
def a_follow_up_leads_judges_and_hints_at_nothing(s: Show) -> bool:
    bad = {
        "leads the candidate",
        "judges the answer",
        "hints at an answer",
        "touches a protected topic",
        "cannot be spoken",
    }
    return not any(bad & set(validate(e.text, earlier=[]).problems) for e in s.follow_ups)


@prop
def a_follow_up_knows_its_type_aim_and_reason(s: Show) -> bool:
    return all(e.probe and e.gap and e.why for e in s.follow_ups)


@prop
def what_an_answer_holds_is_not_asked_for(s: Show) -> bool:
    def known(number: int, text: str) -> bool:
        read = [p for t in before(s, number) if t.reading for p in t.reading.probes if p.text == text]
        return any(p.state == "answered" for p in read) or bool(read and read[-1].state == "beside")

    return not any(known(e.turn, e.text) for e in s.follow_ups)


@prop
def a_full_answer_is_not_probed(s: Show) -> bool:
    """Unless one of the author's probes is surely still a good one: the reader is no judge of what is full."""

    def is_full(number: int, text: str) -> bool:
        earlier = before(s, number)
        sure = {p.text for t in earlier[-1:] if t.reading for p in t.reading.probes if p.worth >= SURE}
        if text in sure:
            return False
        points = points_so_far(s.state.planned(earlier[0].question), earlier) if earlier else []
        return bool(points) and all(p.state == "said" for p in points)

    return not any(is_full(e.turn, e.text) for e in s.follow_ups)


@prop
def who_leaves_a_question_is_not_probed_on_it(s: Show) -> bool:
    """Because they do not know, or do not want to, or not now."""
    return not any(
        (a.intent in LEAVES or a.wish in LEAVES) and b.probe is not None and b.question == a.question
        for a, b in itertools.pairwise(s.turns)
    )
