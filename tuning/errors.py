"""What can go wrong with records, models and machines."""

from __future__ import annotations

from vivavoce.errors import VivavoceError


class DataError(VivavoceError):
    """Data that cannot be used; the message names the file, the line and what to do."""


class TuneError(VivavoceError):
    """A run that cannot be done; the message says what to change."""
