"""Signed commands: what the agent in a room takes for the API's word, and what it refuses."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import rtc

from agent.rooms.control import CommandGate, Refused, control_key, gate_of, sign_command
from agent.rooms.room_session import CONTROL, RoomSession

KEY = control_key("secret" * 6)
CANCEL = {"kind": "cancel", "to": "panel"}
NOW = 1_800_000_000.0


def test_what_the_api_signs_is_heeded_once() -> None:
    gate = CommandGate(KEY, "a")
    packet = sign_command(KEY, "a", CANCEL, NOW)
    assert json.loads(gate.open(packet, NOW + 1)) == CANCEL
    with pytest.raises(Refused, match="handled before"):
        gate.open(packet, NOW + 2)
    assert gate.open(sign_command(KEY, "a", CANCEL, NOW), NOW + 3), "the same command anew is another one"


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (sign_command(control_key("another"), "a", CANCEL, NOW), "signature"),
        (sign_command(b"", "a", CANCEL, NOW), "signature"),
        (sign_command(KEY, "b", CANCEL, NOW), "another interview"),
        (sign_command(KEY, "a", CANCEL, NOW - 61), "minute"),
        (sign_command(KEY, "a", CANCEL, NOW + 61), "minute"),
        (sign_command(KEY, "a", CANCEL, float("nan")), "minute"),
        (json.dumps(CANCEL).encode(), "not signed"),
        (b"", "not signed"),
        (b"viva1.", "not signed"),
        (b"viva1.." + json.dumps(CANCEL).encode(), "signature"),
        (b"\x00\xff" * 10, "not signed"),
        (b"viva1." + b"x" * 5000, "too long"),
    ],
)
def test_what_is_refused(packet: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        CommandGate(KEY, "a").open(packet, NOW)


@given(data=st.data())
def test_any_flipped_byte_is_refused(data: st.DataObject) -> None:
    packet = bytearray(sign_command(KEY, "a", CANCEL, NOW))
    at = data.draw(st.integers(0, len(packet) - 1))
    packet[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Refused):
        CommandGate(KEY, "a").open(bytes(packet), NOW)


@given(text=st.binary(max_size=200))
def test_whatever_comes_it_is_refused_and_nothing_else(text: bytes) -> None:
    for packet in (text, b"viva1." + text):
        with pytest.raises(Refused):
            CommandGate(KEY, "a").open(packet, NOW)


def test_a_nonce_is_remembered_as_long_as_its_packet_is_good_and_no_longer() -> None:
    gate = CommandGate(KEY, "a")
    early = sign_command(KEY, "a", CANCEL, NOW + 59)  # a clock that is ahead
    gate.open(early, NOW)
    for seconds in range(1, 119):
        gate.open(sign_command(KEY, "a", CANCEL, NOW + seconds), NOW + seconds)
        with pytest.raises(Refused, match="before"):
            gate.open(early, NOW + seconds)
    gate.open(sign_command(KEY, "a", CANCEL, NOW + 500), NOW + 500)
    assert len(gate._seen) == 1, "it does not grow with the length of the call"


def test_the_key_is_for_this_purpose_only() -> None:
    assert control_key("a") != control_key("b") and b"secret" not in KEY


def test_in_a_room_a_sender_without_a_name_is_not_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDK hands over for a participant that it cannot name looks like what the server sends."""
    monkeypatch.setenv("LIVEKIT_API_SECRET", "secret" * 6)
    was_handled: list[Any] = []
    conduct = SimpleNamespace(
        _stay=SimpleNamespace(journal=SimpleNamespace(session="room-test")),
        _handle=lambda payload, person: was_handled.append(json.loads(payload)) or "",
    )

    def send(data: bytes, topic: str = CONTROL, participant: Any = None) -> None:
        packet = rtc.DataPacket(data=data, kind=rtc.DataPacketKind.KIND_RELIABLE, participant=participant, topic=topic)
        RoomSession._on_data(conduct, packet)  # type: ignore[arg-type]

    import time

    gate_of.cache_clear()
    send(json.dumps(CANCEL).encode())
    send(sign_command(control_key("guessed"), "room-test", CANCEL, time.time()))
    assert was_handled == []
    good = sign_command(KEY, "room-test", CANCEL, time.time())
    send(good, topic="chat")
    assert was_handled == []
    send(good)
    send(good)
    assert was_handled == [CANCEL]
    gate_of.cache_clear()
