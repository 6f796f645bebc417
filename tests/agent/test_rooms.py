"""Who is who, how full a machine is, what is asked of a call: the pure parts of the rooms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.call.requests import Request, Requests
from agent.engines.machine_load import PRIOR, LoadMeter
from agent.ops.servers import livekit_config
from agent.rooms.job_metadata import read_metadata
from agent.rooms.roles import ROLE, Person, candidate_of, may_command, role_of


def person(identity: str, role: str = "", kind: str = "standard", order: float = 0.0) -> Person:
    return Person(identity, kind, {ROLE: role} if role else {}, order)  # type: ignore[arg-type]


def test_in_our_rooms_the_token_says_the_role() -> None:
    assert [role_of(person("x", role)) for role in ("candidate", "panel", "observer", "")] == [
        "candidate", "panel", "observer", "observer",
    ]  # fmt: skip
    assert role_of(person("x", "admin")) == "observer", "an unknown role may only look on"
    assert role_of(person("x", "candidate", "agent")) == "agent", "an agent is never the candidate"
    assert role_of(person("+1555", kind="sip")) == "candidate"


def test_in_other_rooms_the_one_who_was_named_is_the_candidate_and_nobody_else() -> None:
    assert role_of(person("kim"), "kim") == "candidate"
    assert role_of(person("mallory", "candidate"), "kim") == "panel", "a claim does not make a candidate"
    assert role_of(person("+1555", kind="sip"), "kim") == "panel"
    assert role_of(person("bob", "observer"), "kim") == "observer"


def test_of_several_devices_the_last_one_answers() -> None:
    people = [
        person("phone", "candidate", order=1),
        person("laptop", "candidate", order=2),
        person("ada", "panel", order=3),
    ]
    found = candidate_of(people)
    assert found is not None and found.identity == "laptop"
    assert candidate_of([person("ada", "panel")]) is None


@given(st.sampled_from(["", "candidate", "panel", "observer", "agent"]), st.sampled_from(["standard", "sip", "agent"]))
def test_a_candidate_never_commands(role: str, kind: str) -> None:
    someone = person("x", role, kind)
    assert not (role_of(someone) == "candidate" and may_command(someone))
    assert may_command(None), "the server may"


def test_a_dispatch_that_is_not_ours_says_what_it_should_be() -> None:
    assert read_metadata('{"session": "a", "silent": "notes", "more": 1}').silent == "notes"
    for metadata in ("", "{}", "[]", "session=a", '{"session": "a", "silent": "loud"}'):
        with pytest.raises(ValueError, match="metadata"):
            read_metadata(metadata)


def test_people_are_heeded_first_only_in_that_the_agent_stops_for_them() -> None:
    requests = Requests()
    requests.put(Request("repeat", "candidate"))
    assert not requests.urgent
    requests.put(Request("yield", "panel"))
    assert requests.urgent
    assert [r.kind for r in (requests.take(), requests.take()) if r] == ["repeat", "yield"] and requests.take() is None


def test_load_counts_calls_by_what_they_cost_and_learns_it() -> None:
    meter = LoadMeter(cores=4)
    assert meter.load(0) == 0 and meter.load(4) == pytest.approx(4 * PRIOR / 4)
    for _ in range(600):  # ten minutes of two calls that use half a core each
        meter.observe(cpu_seconds=1.0, seconds=1.0, calls=2)
    assert meter.cost == pytest.approx(0.5, abs=0.02)
    assert meter.load(8) == pytest.approx(1.0, abs=0.02) and meter.load(20) == 1.0
    meter.observe(cpu_seconds=3.6, seconds=1.0, calls=0)
    assert meter.load(0) == pytest.approx(0.9), "what is busy is busy, whoever it is"


@given(st.lists(st.tuples(st.floats(0, 8), st.floats(0.01, 5), st.integers(0, 20)), max_size=50), st.integers(0, 50))
def test_load_is_a_share_and_grows_with_calls(seen: list[tuple[float, float, int]], calls: int) -> None:
    meter = LoadMeter(cores=2)
    for cpu, seconds, running in seen:
        meter.observe(cpu, seconds, running)
    assert 0 <= meter.load(calls) <= meter.load(calls + 1) <= 1


def test_media_stay_on_loopback_unless_somebody_says_otherwise() -> None:
    inside = livekit_config(host="127.0.0.1", port=1, media_port=2, key="k", secret="s")
    assert "bind_addresses:\n- 127.0.0.1" in inside and "127.0.0.1/32" in inside and "tcp_port: 0" in inside
    outside = livekit_config(host="192.0.2.7", port=1, media_port=2, key="k", secret="s")
    assert "bind_addresses" not in outside and "node_ip: 192.0.2.7" in outside
