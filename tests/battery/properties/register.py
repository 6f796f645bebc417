"""All properties by name. One is true of a show or it is broken."""

from __future__ import annotations

from collections.abc import Callable

from tests.battery.stage import Show

Check = Callable[[Show], bool]
PROPERTIES: dict[str, Check] = {}


def prop(check: Check) -> Check:
    assert check.__name__ not in PROPERTIES, check.__name__
    PROPERTIES[check.__name__] = check
    return check
