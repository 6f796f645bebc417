"""What a candidate agreed to beyond the interview itself. The latest answer counts, so consent can be withdrawn."""

from __future__ import annotations

from collections.abc import Sequence

from memory.events import AnyEvent, Consented

IMPROVE = "improve"  # a scope of `Consented`: the candidate's words may be used to improve the questions


def may_teach(events: Sequence[AnyEvent]) -> bool:
    """Whether the candidate consented to this session being used to improve the model."""
    consents = [event for event in events if isinstance(event, Consented)]
    return bool(consents) and IMPROVE in consents[-1].scope
