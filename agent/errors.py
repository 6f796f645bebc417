"""Mistakes that the user of a command can correct: one clear line, exit code 2, nothing left half done."""

from __future__ import annotations

from vivavoce.errors import VivavoceError


class UserError(VivavoceError):
    """The message says what to do next."""
