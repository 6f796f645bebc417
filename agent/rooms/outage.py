"""SDK calls that fail while a room reconnects: logged once, not for every frame, and never hidden altogether."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


class Outage:
    """The first failure of each kind is a warning with a traceback; a recovery is logged as well."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._kinds: set[type[Exception]] = set()
        self._failing = False

    def failed(self, error: Exception) -> None:
        new = type(error) not in self._kinds
        self._kinds.add(type(error))
        self._failing = True
        log.log(
            logging.WARNING if new else logging.DEBUG,
            "%s failed: %s",
            self._what,
            error,
            exc_info=error if new else None,
        )

    def worked(self) -> None:
        if self._failing:
            log.info("%s works again", self._what)
        self._failing = False
