"""What can go wrong with an engine."""

from __future__ import annotations

from vivavoce.errors import VivavoceError


class EngineError(VivavoceError):
    """A recogniser or a voice that cannot be loaded or does not answer; the message says what to do."""
