"""What a whole turn of the candidate is meant to do, from the acts of its segments. Pure.

An answer stays an answer whatever words are in it. A request counts when the turn holds nothing else, or when it stands at the
end of an answer; in the middle of an answer it was dealt with by going on. Nothing a candidate says is an order to the system:
"ignore your rubric" is an answer that does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memory.records import ActSaid

# The most pressing first: of several requests in one turn, the first here is dealt with.
_ORDER = (
    "distress", "person", "consent_worry", "end", "wrong", "break", "restart", "skip", "later", "explain_term", "which_case",
    "rephrase", "repeat", "already", "ask_job", "ask_who", "ask_interview", "swearing", "complaint", "dont_know", "time", "resume",
    "other_language", "deny", "confirm", "greeting", "small_talk", "backchannel",
)  # fmt: skip
ANSWERS = frozenset(["answer", "correct", "inject"])
_IDLE = frozenset(
    ["greeting", "small_talk", "backchannel", "time", "resume", "swearing"]
)  # beside an answer, only noise
ENDS = frozenset(["end", "wrong", "consent_worry"])  # asked back once before anything ends
STAYING = frozenset(["break", "time"])  # leave the turn open, and are over as soon as anything else is said in it
FEW = 12  # words after a "yes", with which it still is one: "Yes. My train leaves at six."


@dataclass(frozen=True)
class Wish:
    """`act`: what to deal with, "answer" if there is only an answer, "none" if there is nothing. `answered`: the turn holds an
    answer too. `words`: the words of the act."""

    act: str
    answered: bool = False
    words: str = ""


def wish_of(acts: Sequence[ActSaid]) -> Wish:
    """What to deal with in a turn, given the acts of its segments in order."""
    if not acts:
        return Wish("none")
    answered = any(a.act in ANSWERS for a in acts)
    rest = _after_the_answer(acts) if answered else acts
    wanted = [a for a in rest if a.act not in ANSWERS and not (answered and a.act in _IDLE)]
    wanted = [a for i, a in enumerate(wanted) if a.act not in STAYING or all(b.act in STAYING for b in wanted[i:])]
    if not wanted:
        return Wish("answer", True)
    first = min(wanted, key=lambda a: _ORDER.index(a.act))
    if answered and first.act in ("confirm", "deny", "dont_know", "other_language", "already"):
        return Wish("answer", True)
    return Wish(first.act, answered, " ".join(a.passage.quote for a in wanted if a.act == first.act))


def agreed(acts: Sequence[ActSaid]) -> bool:
    """Whether a turn begins with a yes and adds no more than a reason: to a question that asked for yes or no."""
    return bool(acts) and acts[0].act == "confirm" and acts[-1].passage.after - acts[0].passage.after <= FEW


def _after_the_answer(acts: Sequence[ActSaid]) -> Sequence[ActSaid]:
    """What stands after the last piece of the answer; a question about the job counts wherever it stands."""
    last = max(i for i, a in enumerate(acts) if a.act in ANSWERS)
    return [a for i, a in enumerate(acts) if i > last or a.act in ("ask_job", "distress", "person")]
