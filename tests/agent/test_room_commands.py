"""Requests in a room: who may make them, and what they do during a leg, between two legs, and without any."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import rtc

from agent.call.requests import MOST, PERSONS, Request, Requests
from agent.rooms.commands import (
    CANDIDATES,
    DTMF,
    LONGEST_TYPED,
    PEOPLES,
    Refused,
    typed_by_candidate,
    understand,
    was_handled,
    without_a_call,
)
from agent.rooms.messages import MOST_MESSAGES
from agent.rooms.roles import ROLE, Person
from dialogue.state import State, apply, fold
from memory.events import Ended, Heard, Noted, TookBack, Yielded
from tests.agent.test_stay import SOON, asked, played
from tests.scripted_room import Scene, ScriptedJournal, ScriptedLegs

KINDS = ("repeat", "pause", "go_on", "typed", "yield", "take_back", "leave", "cancel")


def somebody(role: str, kind: str = "standard") -> Person | None:
    return None if role == "organiser" else Person("x", kind, {ROLE: role} if role else {})  # type: ignore[arg-type]


def kinds(lived: Any) -> list[str]:
    return [request.kind for request in lived.was_handled]


# -- who may do what ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ["candidate", "panel", "observer", "", "agent", "organiser"])
def test_who_may_ask_for_what(role: str, kind: str) -> None:
    may = {"candidate": CANDIDATES, "panel": PEOPLES, "organiser": PEOPLES}.get(role, ())
    payload = f'{{"kind": "{kind}", "text": "words", "to": "notes"}}'
    if kind in may:
        understood = understand(payload, somebody(role))
        assert isinstance(understood, Request) and understood.kind == kind and understood.by == role
    else:
        with pytest.raises(Refused, match=f"may not ask for {kind}"):
            understand(payload, somebody(role))


@pytest.mark.parametrize(
    "payload", ["", "null", "[]", "5", "yield", '{"kind": "shout"}', '{"kind": "delay", "seconds": -1}', "[" * 100_000]
)
def test_what_is_no_request_is_refused_in_a_sentence(payload: str) -> None:
    with pytest.raises(Refused, match="not a request: send"):
        understand(payload, somebody("panel"))


def test_only_a_candidates_report_of_the_delay_counts() -> None:
    assert understand('{"kind": "delay", "seconds": 0.2}', somebody("candidate")) == 0.2
    assert understand('{"kind": "delay", "seconds": 0.2}', somebody("panel")) is None
    assert understand('{"kind": "delay", "seconds": 0.2}', None) is None


def test_typed_text_has_a_limit_and_is_not_empty() -> None:
    assert len(typed_by_candidate("a" * 10_000).text) == LONGEST_TYPED
    with pytest.raises(Refused, match="nothing was typed"):
        understand('{"kind": "typed", "text": "  "}', somebody("candidate"))


def test_a_caller_by_phone_presses_keys_and_nobody_else_does() -> None:
    async def script(scene: Scene) -> None:
        caller = scene.room.join("sip_1", role="")
        caller.kind = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
        panel = scene.room.join("ada", "panel")
        await asyncio.sleep(SOON)
        for digit in "0*#5":
            scene.room.emit("sip_dtmf_received", SimpleNamespace(participant=caller, digit=digit))
            scene.room.emit("sip_dtmf_received", SimpleNamespace(participant=panel, digit=digit))
            scene.room.emit("sip_dtmf_received", SimpleNamespace(participant=None, digit=digit))
        await asyncio.sleep(SOON)
        assert kinds(scene.lived[0]) == list(DTMF.values())

    played(script)


def test_a_request_by_rpc_is_answered_and_a_refused_one_says_why() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        scene.room.join("ada", "panel")
        await asyncio.sleep(SOON)
        assert await scene.ask("repeat") == "ok" and await scene.ask("yield", "ada") == "ok"
        with pytest.raises(rtc.RpcError, match="candidate may not ask for yield"):
            await scene.ask("yield")
        with pytest.raises(rtc.RpcError, match="observer may not ask for repeat"):
            await scene.ask("repeat", "stranger")
        await asyncio.sleep(SOON)
        assert kinds(scene.lived[0]) == ["repeat", "yield"]

    played(script)


# -- messages ----------------------------------------------------------------------------------------------------------


def test_two_messages_at_once_are_both_kept_in_the_order_in_which_they_began() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(SOON)
        readers = [scene.room.type("first", pieces=5, pause=0.3), scene.room.type("second")]
        await asyncio.sleep(3.0)
        assert [r.text for r in scene.lived[0].was_handled] == ["first", "second"] and all(r.closed for r in readers)

    played(script)


def test_a_message_that_never_ends_holds_up_no_other_for_long_and_what_arrived_counts() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(SOON)
        scene.room.type("half and nothing more", pieces=2, pause=4.0)
        scene.room.type("whole")
        await asyncio.sleep(10.0)
        assert [r.text for r in scene.lived[0].was_handled] == ["half and no", "whole"]

    played(script)


def test_messages_of_others_are_not_read_and_a_flood_is_bounded() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        scene.room.join("ada", "panel")
        await asyncio.sleep(SOON)
        assert scene.room.type("I am of the panel", "ada").closed and scene.room.type("a stranger", "bob").closed
        flood = [scene.room.type(str(i)) for i in range(3 * MOST_MESSAGES)]
        assert sum(not r.closed for r in flood) == MOST_MESSAGES
        await asyncio.sleep(SOON)
        assert [r.text for r in scene.lived[0].was_handled] == [str(i) for i in range(MOST_MESSAGES)]

    played(script)


# -- while no leg runs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "reason"), [("cancel", "cancelled"), ("leave", "asked_to_leave")])
def test_an_interview_that_is_ended_while_nobody_is_there_ends_though_nobody_comes_back(kind: str, reason: str) -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(SOON)
        scene.room.leave()
        await asyncio.sleep(5.0)
        assert scene.command(kind) == ""
        assert await scene.outcome() == "ended"
        assert asyncio.get_running_loop().time() < 10

    scene = played(script, journal=asked())
    assert [e.reason for e in scene.journal.written if isinstance(e, Ended)] == [reason]


def test_a_cancel_that_comes_while_a_leg_ends_is_heeded() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(SOON)
        scene.room.leave()
        await asyncio.sleep(1.0)
        assert scene.command("cancel") == ""  # what was heard last is still being stored
        assert await scene.outcome() == "ended"

    scene = played(script, journal=asked(), legs=ScriptedLegs(closing=3.0))
    assert scene.journal.state.ended == "cancelled"


def test_a_cancel_that_comes_while_a_leg_gets_ready_reaches_the_leg_or_the_log() -> None:
    async def stays(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(1.0)
        scene.command("cancel")
        await asyncio.sleep(5.0)
        assert kinds(scene.lived[0]) == ["cancel"], "who is there is told goodbye"

    async def goes(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(1.0)
        scene.command("cancel")
        scene.room.leave()
        assert await scene.outcome() == "ended"

    played(stays, journal=asked(), legs=ScriptedLegs(slow=3.0))
    assert played(goes, journal=asked(), legs=ScriptedLegs(slow=3.0)).journal.state.ended == "cancelled"


def test_the_floor_is_given_and_taken_back_while_nobody_is_there() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join("ada", "panel")
        await scene.ask("yield", "ada", to="notes")
        await scene.ask("yield", "ada", to="panel")
        await asyncio.sleep(SOON)
        assert scene.journal.state.yielded is not None and scene.journal.state.yielded.to == "notes"
        scene.command("take_back")
        await asyncio.sleep(SOON)
        assert scene.journal.state.yielded is None and scene.journal.kinds() == ["yielded", "took_back"]

    played(script, journal=asked())


def test_what_is_typed_in_a_gap_is_part_of_the_answer_though_nobody_comes_back() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(SOON)
        scene.room.quality("candidate", rtc.ConnectionQuality.QUALITY_LOST)
        await asyncio.sleep(SOON)
        assert scene.leg is None
        scene.room.type("I moved the reports to a dashboard")
        await asyncio.sleep(SOON)

    scene = played(script, journal=asked())
    turn = scene.journal.state.awaiting
    assert turn is not None and turn.answer == "I moved the reports to a dashboard" and turn.heard[0].typed


def test_what_is_typed_in_a_gap_while_people_have_the_floor_is_a_note() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join(microphone=False)
        await scene.ask("typed", text="one moment")
        await asyncio.sleep(SOON)

    notes = played(script, journal=asked(yielded=True)).journal.state.notes
    assert [note.text for note in notes] == ["one moment"]


def test_what_is_typed_before_there_is_a_question_waits_for_the_call() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join(microphone=False)
        await scene.ask("typed", text="hello")
        await asyncio.sleep(SOON)
        assert scene.journal.written == []
        scene.room.publish()
        await asyncio.sleep(SOON)
        assert kinds(scene.lived[0]) == ["typed"]

    played(script)


# -- from one leg to the next ------------------------------------------------------------------------------------------


def test_what_a_leg_did_not_take_the_next_one_does_once() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(SOON)
        scene.command("yield")
        await scene.ask("repeat")
        scene.legs.heeds = False
        scene.command("take_back")
        await scene.ask("typed", text="words")
        scene.room.join()
        await asyncio.sleep(0.05)
        scene.legs.heeds = True
        await asyncio.sleep(SOON)
        assert len(scene.lived) == 2 and kinds(scene.lived[0]) == []
        assert kinds(scene.lived[1]) == ["typed"], "there was no question yet that it could have answered"

    scene = played(script)
    assert scene.journal.kinds() == ["yielded", "took_back"], "the stay has heeded people in between, in their order"


@pytest.mark.parametrize("stored", [True, False])
def test_what_a_leg_took_and_died_over_is_carried_over_unless_the_log_has_it(stored: bool) -> None:
    async def script(scene: Scene) -> None:
        async def dies(request: Request) -> None:
            if stored:
                piece = without_a_call(request, scene.journal.state, 0, 0)
                assert piece is not None
                await scene.journal.write(*piece)
            scene.legs.on_request = lambda _: None
            scene.room.leave()
            await asyncio.sleep(0.5)

        scene.legs.on_request = dies
        scene.room.join()
        await asyncio.sleep(SOON)
        await scene.ask("typed", text="words")
        await asyncio.sleep(3.0)

    scene = played(script, journal=asked())
    turn = scene.journal.state.awaiting
    assert turn is not None and [piece.text for piece in turn.heard] == ["words"], "not lost, and not doubled"


def test_people_are_never_refused_and_a_flood_of_others_is() -> None:
    requests = Requests()
    answers = [requests.put(Request("typed", "candidate", str(i))) for i in range(3 * MOST)]
    assert answers == [True] * MOST + [False] * 2 * MOST
    assert requests.put(Request("cancel", "organiser")) and requests.put(Request("cancel", "organiser"))
    taken = []
    while request := requests.take():
        taken.append(request.kind)
    assert taken == ["typed"] * MOST + ["cancel"], "a second click is the same wish"


@given(st.lists(st.sampled_from(["put", "take", "back"]), max_size=60))
def test_requests_are_neither_lost_nor_doubled_nor_reordered(steps: list[str]) -> None:
    requests, put, taken = Requests(), 0, []
    for step in steps:
        if step == "put":
            put += requests.put(Request("typed", text=str(put)))
        elif step == "take":
            if request := requests.take():
                taken.append(request.text)
        elif requests.in_hand is not None:
            taken.pop()
            requests.put_back(requests.in_hand)
    while request := requests.take():
        taken.append(request.text)
    assert taken == [str(i) for i in range(put)]


@given(
    st.lists(st.sampled_from([*KINDS]), max_size=12),
    st.sampled_from(["candidate", "panel", "organiser"]),
)
def test_without_a_call_the_log_follows_every_wish_of_a_person_and_keeps_every_word(wishes: list[str], by: str) -> None:
    state: State = asked().state
    for number, kind in enumerate(wishes):
        request = Request(kind, by, f"words {number}")  # type: ignore[arg-type]
        before = state
        events = without_a_call(request, state, 1.0, 1.0)
        assert events is not None or kind == "typed"
        state = fold(events or (), state)
        if kind in PERSONS and not before.ended:
            assert was_handled(request, before, state) and without_a_call(request, state, 1.0, 1.0) == ()
        if kind == "typed" and not before.ended:
            noted, answered = len(state.notes) - len(before.notes), len(_heard(state)) - len(_heard(before))
            assert noted + answered == 1


def _heard(state: State) -> tuple[Heard, ...]:
    return tuple(piece for turn in state.turns for piece in turn.heard)


def test_what_the_log_shows_is_not_done_twice() -> None:
    before = asked().state
    after = {
        "cancel": apply(before, Ended(at=0, reason="cancelled")),
        "yield": apply(before, Yielded(at=0, to="panel", by="panel")),
        "take_back": apply(before, TookBack(at=0, by="panel")),
        "typed": apply(before, Heard(at=0, turn=0, text="a", words=[], end=0, typed=True)),
    }
    for kind, state in after.items():
        assert was_handled(Request(kind), before, state)  # type: ignore[arg-type]
    assert not was_handled(Request("cancel"), before, before) and not was_handled(
        Request("typed", text="a"), before, before
    )
    assert not was_handled(Request("typed", text="a"), before, apply(before, Noted(at=0, text="b", words=[], end=0)))
    assert was_handled(Request("repeat"), before, before), "the moment is over"


def test_a_log_that_is_slow_does_not_lose_a_wish() -> None:
    async def script(scene: Scene) -> None:
        scene.command("yield")
        await asyncio.sleep(0.3)
        scene.command("cancel")
        assert await scene.outcome() == "ended"

    journal = ScriptedJournal(slow=2.0)
    played(script, journal=journal)
    assert journal.kinds() == ["yielded", "ended"]
