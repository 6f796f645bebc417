"""What the interviewer's words are like, and whose they are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from dialogue.analysis.language import tokens
from prompts.loader import load_phrases
from tests.battery.properties.register import prop
from tests.battery.stage import Show

_PRAISE = re.compile(
    r"\b(great|excellent|perfect|impressive|well done|good answer|wrong answer|brilliant|interesting|amazing|love that)\b",
    re.IGNORECASE,
)
_SYSTEM = re.compile(
    r"\b(rubric|your score|your level|points for|system prompt|as a language model|key points)\b", re.IGNORECASE
)
_COUNTED = "two three four five questions this is the last question there are left"  # said by code
LISTENERS = frozenset(  # who says next to nothing, or only asks: they are spoken to more than they speak
    ["silent", "monosyllabic", "hostile", "does-not-know", "wants-a-person", "foreign", "skips", "always-says-later",
     "curses-only", "wrong-interview", "does-not-want-to-be-recorded", "asks-for-terms", "asks-about-the-job", "chats",
     "changes-their-mind", "crier", "asks-again", "restarts", "takes-a-break", "questioner", "says-later", "told-already",
     "confirms-the-end", "ends-after-an-answer"]
)  # fmt: skip


def plan_texts(s: Show) -> list[str]:
    """Everything the pack and the operator wrote that may be said."""
    interview = s.call.interview
    asked = [[q.text, q.short, *(p.text for p in q.probes)] for q in interview.questions]
    return [
        interview.title,
        interview.candidate,
        interview.about,
        *interview.glossary.values(),
        *itertools.chain(*asked),
    ]


def phrases(part: Any) -> Iterator[str]:
    """Every sentence of prompts/phrases."""
    if isinstance(part, str):
        yield part
    else:
        for value in part.values() if isinstance(part, dict) else part:
            yield from phrases(value)


@prop
def no_word_is_the_candidates(s: Show) -> bool:
    """Every longer word that sounds is in the plan or among our phrases: nothing is picked up from an answer."""
    ours = set(
        tokens(
            " ".join(
                [
                    _COUNTED,
                    *plan_texts(s),
                    *(p for part in ("say", "acknowledgements", "transitions") for p in phrases(load_phrases()[part])),
                ]
            )
        )
    )
    return not {t for said in s.call.said for t in tokens(said) if len(t) >= 4} - ours


@prop
def nothing_that_is_said_judges(s: Show) -> bool:
    theirs = plan_texts(s)
    return not any(_PRAISE.search(x) and not any(_PRAISE.search(t) and t in x for t in theirs) for x in s.call.said)


@prop
def an_utterance_can_be_heard(s: Show) -> bool:
    return max(len(x.split()) for x in s.call.said) <= 95


@prop
def an_utterance_can_be_spoken(s: Show) -> bool:
    return not [x for x in s.call.said if re.search(r"[*_#`<>\[\]{}|\\^~=@]|https?:|\s\s|^\s|\s$", x) or not x]


@prop
def no_utterance_speaks_of_scores_or_prompts(s: Show) -> bool:
    return not [x for x in s.call.said if _SYSTEM.search(x)]


@prop
def no_acknowledgement_comes_twice_in_a_row(s: Show) -> bool:
    known = load_phrases()["acknowledgements"]
    remarks = {e.text for e in s.of("said")}  # type: ignore[union-attr]
    opened = [next((a for a in known if x.startswith(a) and x not in remarks), "") for x in s.call.said]
    return all(a != b or not a for a, b in itertools.pairwise(opened))


@prop
def the_agent_asks_one_thing_at_a_time(s: Show) -> bool:
    """A question of the plan may have two sentences; nothing else of the utterance asks."""
    texts = sorted(
        {x for q in s.call.interview.questions for x in (q.text, q.short, *(p.text for p in q.probes))}, key=len
    )
    for said in s.call.said:
        for text in reversed(texts):
            said = said.replace(text, "")
        if said.count("?") > 1:
            return False
    return True


@prop
def the_agent_talks_less_than_a_talkative_candidate(s: Show) -> bool:
    theirs = sum(len(t.answer.split()) for t in s.turns)
    return s.name in LISTENERS or sum(len(x.split()) for x in s.call.said) < 1.3 * theirs
