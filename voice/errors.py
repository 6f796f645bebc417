"""Errors raised by speech engines."""

from __future__ import annotations

from vivavoce.errors import VivavoceError


class EngineError(VivavoceError):
    """A recogniser or voice cannot be loaded or does not answer; the message says what to do."""
