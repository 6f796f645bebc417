"""The base of every error that a user can do something about."""

from __future__ import annotations


class VivavoceError(Exception):
    """The message says what is wrong and what to do next. Whoever catches this needs to know no other kind."""

    @property
    def line(self) -> str:
        """The message on one line, whatever the libraries behind it put into theirs."""
        return " ".join(str(self).split())
