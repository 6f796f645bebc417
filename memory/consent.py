"""What a candidate agreed to beyond the interview itself. The newest word counts, so that agreeing can be taken back."""

from __future__ import annotations

from collections.abc import Sequence

from memory.events import AnyEvent, Consented

IMPROVE = "improve"  # a scope of `Consented`: that the words may improve the questions


def may_teach(events: Sequence[AnyEvent]) -> bool:
    """Whether the candidate consented that this session improves the model."""
    consents = [event for event in events if isinstance(event, Consented)]
    return bool(consents) and IMPROVE in consents[-1].scope
