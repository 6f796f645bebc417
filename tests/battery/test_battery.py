"""Whole interviews with difficult people, and what must hold in every one of them."""

from __future__ import annotations

import pytest

from memory.records import Mode
from simulation.characters import EACH, INJECTIONS
from tests.battery.properties import course, private, probing, reporting, requests, wording  # noqa: F401  (they register)
from tests.battery.properties.register import PROPERTIES
from tests.battery.spoilt import SPOILT
from tests.battery.stage import BY_NAME, MODES, PACKS, show

EVERY = [(name, mode, pack) for name in BY_NAME for pack in PACKS for mode in MODES]


@pytest.mark.parametrize(("name", "mode", "pack"), EVERY)
def test_everything_holds(name: str, mode: Mode, pack: str) -> None:
    held = show(name, mode, pack)
    broken = [label for label, check in PROPERTIES.items() if not check(held)]
    assert not broken, (broken, held.call.said)


@pytest.mark.parametrize("name", PROPERTIES)
def test_every_property_can_fail(name: str) -> None:
    """On an interview that was spoilt in just that respect, and holds before (tests/battery/spoilt.py)."""
    who, mode, spoil = SPOILT[name]
    held = show(who, mode, PACKS[0])
    assert PROPERTIES[name](held)
    assert not PROPERTIES[name](spoil(held))


def test_each_property_can_be_spoilt_and_each_order_is_in_somebodys_mouth() -> None:
    assert set(SPOILT) == set(PROPERTIES)
    assert {f"injector-{i + 1}" for i in range(len(INJECTIONS) // EACH)} < set(BY_NAME)


@pytest.mark.parametrize("pack", PACKS)
def test_all_candidates_of_a_screening_get_the_same_questions(pack: str) -> None:
    whole = [
        list(dict.fromkeys(e.question for e in s.asked))
        for s in (show(n, "screen", pack) for n in BY_NAME)
        if s.state.ended == "completed"
    ]
    assert len(whole) > 15 and all(ids == whole[0] for ids in whole)
