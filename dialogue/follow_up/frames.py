"""The sentences of the embedded phraser: frames with a slot for the candidate's own words. Mostly data.

{clause}: "you moved the reports to a dashboard"; {topic}: "the dashboard"; {quote}: words as said; {gap}: a point of
the rubric not yet touched. Each frame asks one thing, judges nothing and hints at nothing (a test checks them all).
"""

from __future__ import annotations

import functools
import re

CLAUSE: dict[str, tuple[str, ...]] = {
    "elaborate": (
        "When {clause}, what was the very first step?",
        "Could you take me back to the moment when {clause}?",
        "How did it come about that {clause}?",
        "Between the start and the point where {clause}, what happened?",
        "Who else was involved when {clause}?",
        "What was hardest about it when {clause}?",
    ),
    "evidence": (
        "After {clause}, which numbers moved?",
        "How did you measure what changed once {clause}?",
        "How could somebody else check what changed when {clause}?",
        "By how much did things change after {clause}?",
        "What told you that it had worked, once {clause}?",
    ),
    "own_part": (
        "When {clause}, which part of that was yours?",
        "Whose idea was it that {clause}?",
        "Of all that happened when {clause}, what did you do yourself?",
    ),
    "trade_off": (
        "Before {clause}, which other ways did you weigh?",
        "What did you give up when {clause}?",
        "What spoke against it when {clause}?",
        "Which alternative came closest before {clause}?",
    ),
    "why": (
        "What was the reason that {clause}?",
        "What had happened just before {clause}?",
        "What did you want to achieve when {clause}?",
        "How did you decide on that, before {clause}?",
    ),
    "counterfactual": (
        "With half the time, what would you have done at the point where {clause}?",
        "What would have happened, had it failed when {clause}?",
    ),
    "result": (
        "After {clause}, what came of it?",
        "How did things turn out once {clause}?",
        "Where did it lead in the end that {clause}?",
        "What was different for others after {clause}?",
    ),
    "learned": (
        "Looking back at when {clause}, what would you do differently?",
        "What do you do otherwise today, since {clause}?",
        "Which lesson did you take from the time when {clause}?",
    ),
    "clarify": ("You said that {clause}: what exactly does that mean there?",),
}
TOPIC: dict[str, tuple[str, ...]] = {
    "elaborate": (
        "Could you walk me through {topic} step by step?",
        "What happened with {topic}, from start to finish?",
        "Tell me more about {topic}: what did that involve?",
    ),
    "evidence": (
        "How did you measure the effect on {topic}?",
        "What told you that {topic} had changed?",
        "How would an outsider check the change in {topic}?",
        "By how much did {topic} change?",
    ),
    "own_part": (
        "With {topic}, which part was yours?",
        "What did you do yourself on {topic}?",
        "Who did what on {topic}, yourself included?",
    ),
    "trade_off": (
        "What were the alternatives to {topic}?",
        "What did you give up by going with {topic}?",
        "When would {topic} be the less suitable choice?",
    ),
    "why": (
        "What was the reason behind {topic}?",
        "What made you go that way with {topic}?",
        "How did the choice fall on {topic}?",
    ),
    "counterfactual": ("With half the time for {topic}, what would you have changed?",),
    "result": (
        "What came of {topic} in the end?",
        "How did it turn out with {topic}?",
        "Where does {topic} stand today?",
    ),
    "learned": (
        "Looking back at {topic}, what would you do differently?",
        "What did you take away from {topic}?",
    ),
    "clarify": (
        "When you say {topic}, what exactly do you mean?",
        "Could you walk me through {topic} with one small case?",
        "Could you describe {topic} as it is in practice?",
    ),
    "depth": (
        "Where would {topic} stop working?",
        "What would break first in {topic} under ten times the load?",
    ),
}
QUOTE: dict[str, tuple[str, ...]] = {
    "elaborate": ('You said "{quote}". What did that involve?', 'To pick up "{quote}": what came next?'),
    "evidence": ('You said "{quote}". How did you measure that?', 'On "{quote}": which number comes to mind?'),
    "own_part": ('You said "{quote}". Which part of that was yours?', 'In "{quote}", what was your own share?'),
    "trade_off": (
        'You said "{quote}". What were the alternatives?',
        'Against "{quote}", what would somebody else propose?',
    ),
    "why": ('You said "{quote}". What was the reason for that?', 'What lies behind "{quote}"?'),
    "result": ('You said "{quote}". What came of it?', 'Where did "{quote}" lead?'),
    "learned": ('You said "{quote}". What would you do differently today?', 'What did "{quote}" teach you?'),
    "clarify": (
        'You said "{quote}". What exactly do you mean by that?',
        'How would you put "{quote}" to a newcomer?',
        'Could you show me "{quote}" on one small case?',
        'What does "{quote}" look like in practice?',
    ),
    "counterfactual": ('You said "{quote}". What would you have done with half the time?',),
    "depth": ('Where does "{quote}" reach its limit?',),
}
GAP: tuple[str, ...] = (
    "What can you tell me about {gap}?",
    "Where did {gap} come in?",
    "How does {gap} fit into that?",
    "I have not heard yet about {gap}. What can you say on that?",
    "What part did {gap} play?",
)
CONTRADICTION: tuple[str, ...] = (
    'Earlier you mentioned "{before}"; how does that fit with "{now}"?',
    'How do "{before}" and "{now}" go together?',
)
# An opinion was given where a story was asked for.
OCCASION: tuple[tuple[str, str], ...] = (
    ("clause", "You say that {clause}. When did that last show?"),
    ("clause", "Which day comes to mind on which it showed that {clause}?"),
    ("clause", "What would a colleague tell to show that {clause}?"),
    ("clause", "When was it hardest, given that {clause}?"),
    ("clause", "Take the last time it mattered that {clause}: what happened?"),
    ("clause", "On which day did it help you that {clause}?"),
    ("clause", "How would I notice in your work that {clause}?"),
    ("topic", "What did you do, the last time you met {topic}?"),
    ("topic", "Who would remember you for {topic}?"),
    ("topic", "Can you tell me about one real occasion with {topic}?"),
    ("topic", "What happened the last time {topic} came up for you?"),
    ("topic", "When did {topic} matter most in your own work?"),
    ("quote", 'When did "{quote}" last show in what you did?'),
    ("quote", 'Which occasion stands behind "{quote}"?'),
    ("quote", 'Who has seen you live by "{quote}"?'),
    ("quote", 'What happened the last time that "{quote}" was put to the test?'),
    ("quote", 'How did "{quote}" look on one real day?'),
)
# The answer went elsewhere: back to the question.
BACK: tuple[str, ...] = (
    "To come back to my question: {short}",
    "Let me lead back to it: {short}",
    "And on the question itself: {short}",
)
# Said before a follow-up, in the candidate's own words. They show that something was heard and do not comment on it.
ECHOES: tuple[str, ...] = (
    "Okay, {topic}.",
    "So {clause}.",
    "{topic}, I see.",
    "Right, {clause}.",
    "All right, {topic}.",
)


@functools.cache
def shape(frame: str) -> re.Pattern[str]:
    """Matches every sentence this frame can make, to tell whether it was used."""
    parts = [re.escape(part) for part in re.split(r"\{\w+\}", frame)]
    return re.compile(".+".join(parts), re.IGNORECASE)


def all_frames() -> list[tuple[str, str]]:
    """(slot, frame) of every question above, for the tests and the phraser's card."""
    tables = (("clause", CLAUSE), ("topic", TOPIC), ("quote", QUOTE))
    found = [(slot, frame) for slot, table in tables for frames in table.values() for frame in frames]
    return [*found, *OCCASION, *(("gap", f) for f in GAP), *(("contradiction", f) for f in CONTRADICTION)]
