"""Which question comes next: by the plan, the time, and what was put off."""

from __future__ import annotations

from dialogue.plan.next_question import LEAST, OVERTIME, Next, choose
from dialogue.state import State, fold
from memory.events import Answered, AnyEvent, Asked, Created, Skipped
from memory.records import Interview, Mode
from tests.dialogue.helpers import agreed

MINUTES = 30.0


def plan(mode: Mode = "practice", **seconds: int) -> Interview:
    found = agreed(mode=mode)
    made = [q.model_copy(update={"seconds": seconds.get(q.id.replace("-", "_"), q.seconds)}) for q in found.questions]
    return found.model_copy(update={"questions": made})


def turn(number: int, question: str, intent: str = "answer") -> list[AnyEvent]:
    return [
        Asked(at=0, t=0, turn=number, question=question, text="What?", why="x"),
        Answered(at=0, t=0, turn=number, intent=intent),
    ]


def after(*turns: list[AnyEvent], interview: Interview | None = None) -> State:
    return fold([Created(at=0, interview=interview or plan(), engines={}), *(e for part in turns for e in part)])


def chosen(state: State, t: float = 0.0) -> str:
    found = choose(state, t)
    return found.question.id if found.question else found.reason


FIRST, SECOND, THIRD = "improved-process", "mistake", "slow-service"


def test_the_plan_in_its_order_and_then_the_end() -> None:
    assert chosen(after()) == FIRST
    assert chosen(after(turn(0, FIRST))) == SECOND
    skipped: list[AnyEvent] = [Skipped(at=0, t=0, question=SECOND, reason="enough")]
    assert chosen(after(turn(0, FIRST), skipped)) == THIRD
    done = after(turn(0, FIRST), turn(1, SECOND), turn(2, THIRD))
    assert choose(done, 0.0) == Next(None)
    assert choose(after(turn(0, FIRST)), 0.0).why.startswith("next in the plan: ")


def test_what_was_put_off_comes_last_in_order_and_once() -> None:
    off = after(turn(0, FIRST, "later"), turn(1, SECOND, "later"))
    assert chosen(off) == THIRD
    back = after(turn(0, FIRST, "later"), turn(1, SECOND, "later"), turn(2, THIRD))
    assert chosen(back) == FIRST and choose(back, 0.0).put_off
    told = after(turn(0, FIRST, "later"), turn(1, SECOND, "later"), turn(2, THIRD), turn(3, FIRST))
    assert chosen(told) == SECOND
    again = after(turn(0, FIRST, "later"), turn(1, SECOND), turn(2, THIRD), turn(3, FIRST, "later"))
    assert chosen(again) == "completed"


def test_what_was_answered_before_it_was_put_off_does_not_come_back() -> None:
    assert chosen(after(turn(0, FIRST), turn(1, FIRST, "later"), turn(2, SECOND), turn(3, THIRD))) == "completed"


def test_practice_starts_nothing_that_does_not_fit_and_takes_a_shorter_one() -> None:
    some = plan(mistake=200, slow_service=40)
    left = 0.5 * LEAST * (200 + 40)
    assert chosen(after(turn(0, FIRST), interview=some), MINUTES * 60 - left) == THIRD
    assert chosen(after(turn(0, FIRST), interview=some), MINUTES * 60 - 10) == "time"
    assert chosen(after(interview=some), MINUTES * 60) == FIRST, "the first is asked whatever the clock says"


def test_what_was_put_off_is_started_in_time_or_not_at_all() -> None:
    back = after(turn(0, FIRST, "later"), turn(1, SECOND), turn(2, THIRD))
    assert chosen(back, MINUTES * 60 - 5) == "time"


def test_a_screening_asks_everything_until_half_as_long_again() -> None:
    hiring = after(turn(0, FIRST), interview=plan("screen"))
    assert chosen(hiring, OVERTIME * MINUTES * 60 - 1) == SECOND
    assert chosen(hiring, OVERTIME * MINUTES * 60) == "time"
