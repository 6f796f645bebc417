"""Every interview as far as its log was read: folded once, and after that only new events are read."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.service.problems import Problem, fault_of
from dialogue.state import State, fold
from memory.events import AnyEvent
from memory.records import Interview
from memory.store import EventStore, StoreError, UnreadableLog

KEPT = 500  # folded sessions kept in memory
log = logging.getLogger("agent.service")


class Unreadable(Problem):
    """The log of one interview is damaged. This must not hide the others."""

    def __init__(self) -> None:
        super().__init__(500, "unreadable", "the log of this interview cannot be read; the log of the API says where")


@dataclass(frozen=True)
class Known:
    """A session as far as its log was read."""

    state: State = field(default_factory=State)
    length: int = 0
    first: float = 0.0  # unix s
    last: float = 0.0

    @property
    def interview(self) -> Interview:
        assert self.state.interview is not None
        return self.state.interview

    @property
    def room(self) -> str:
        return self.interview.source.room or self.interview.id


class Catalogue:
    """Reads logs from `store`. Concurrent readers do no harm: immutable values are kept, and the longer one wins."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._unreadable: set[str] = set()
        self._tried_again: dict[str, set[str]] = {}  # session to the retries of its questions
        self._looked_at: set[str] = set()  # sessions already checked for being a retry

    async def known(self, session: str) -> Known:
        """The session as its log is now. Raises Problem if there is none, Unreadable, StoreUnavailable."""
        before = self._known.get(session) or Known()
        try:
            events = await self._store.read(session, before.length)
            known = _with(before, events) if events else before
        except Exception as error:  # anything that goes wrong here is blamed on this log alone
            if isinstance(error, StoreError) and not isinstance(error, UnreadableLog):
                raise  # the store's fault
            self._damaged(session, fault_of(error))
            raise Unreadable from error
        if known.state.interview is None:
            if known.length:
                self._damaged(session, "it does not begin with what was agreed")
                raise Unreadable
            raise Problem(404, "unknown-interview", "there is no such interview")
        self._unreadable.discard(session)
        self._keep(session, known)
        return known

    async def sessions(self) -> list[str]:
        """All sessions, oldest first. What has been erased since is forgotten here too."""
        names = await self._store.sessions()
        there = set(names)
        for gone in [name for name in self._known if name not in there]:
            del self._known[gone]
        self._unreadable &= there
        self._looked_at &= there
        self._tried_again = {name: found & there for name, found in self._tried_again.items() if name in there}
        return names

    async def retries(self, session: str) -> list[Known]:
        """The interviews that retry a question of this one, oldest first."""
        for name in await self.sessions():
            if name not in self._looked_at:
                await self._known_if_readable(name)
        found = [await self._known_if_readable(name) for name in sorted(self._tried_again.get(session, ()))]
        return [known for known in found if known is not None]

    async def _known_if_readable(self, session: str) -> Known | None:
        try:
            return await self.known(session)
        except Problem:
            self._looked_at.add(session)
            return None

    def _keep(self, session: str, known: Known) -> None:
        self._looked_at.add(session)
        if known.interview.retry_of:
            self._tried_again.setdefault(known.interview.retry_of, set()).add(session)
        kept = self._known.get(session)
        if kept is None or known.length >= kept.length:
            self._known[session] = known
        self._known.move_to_end(session)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def _damaged(self, session: str, fault: str) -> None:
        if session not in self._unreadable:
            self._unreadable.add(session)
            log.error("the log of interview %s cannot be read (%s); the others are not affected", session, fault)


def _with(known: Known, events: Iterable[AnyEvent]) -> Known:
    found = list(events)
    state = fold(found, known.state)
    return Known(state, known.length + len(found), known.first or found[0].at, found[-1].at)
