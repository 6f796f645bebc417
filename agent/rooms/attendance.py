"""Who answers, through which microphone, and since when. Pure: decided from the room's current state and the time.

It is consulted after every room event and several times a second. It looks at states (who is there, what is published,
how the connection is), never at single events, so if an event is missed, doubled or late, the next look puts it right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agent.rooms.roles import Person, role_of

MICROPHONE_WAIT = 6.0  # s to wait for a candidate's microphone; after that they may type
DEAF = 0.6  # s without a sign of life during a reconnect, after which silence is not the candidate's
HOLD = 1.0  # s without a sign of life, after which silence is not taken to be the candidate's
BROKEN = 3.0  # s without a sign of life, after which the line is assumed cut, even if nothing has reported it
# s within which the server removes a participant it has lost. Whoever is still there after that has no network problem,
# but perhaps a dead microphone: they can hear us, and are told so.
STILL_THERE = 45.0
ANOTHER = 2.0  # s without a sign of life, after which another of the candidate's open microphones is tried
RENEW = 10.0  # s without a sign of life, after which the server is asked to deliver the microphone afresh
LONGEST_RETRY = 40.0  # s between two such attempts, once the first ones have not helped
SUBSCRIBING = 2.0  # s for the server to deliver a track before it is asked again
STEP = 0.5  # s from one look to the next that count at most; if more passed, we stalled and have not heard silence

Connection = Literal["up", "mending", "gone"]


@dataclass(frozen=True)
class Microphone:
    """A published microphone. `ready`: it is subscribed to, and its track has arrived."""

    sid: str
    ready: bool = False
    muted: bool = False


@dataclass(frozen=True)
class Present:
    """A participant as the room shows them now. `lost`: their network is gone, but they have not left."""

    person: Person
    microphones: Sequence[Microphone] = ()
    lost: bool = False


@dataclass(frozen=True)
class View:
    """The result of one look.

    `visit` counts how often somebody took the candidate's place; a leg belongs to one visit and ends with it.
    `microphone`: the one to listen to, empty for none. `subscribe`, `renew`: what to ask the server for now (`renew`:
    to stop delivering, so it can start afresh). `deaf`: s without a sign of life from an open microphone. `doubtful`:
    the line may be cut, so silence says nothing about the candidate.
    """

    candidate: Person | None = None
    visit: int = 0
    microphone: str = ""
    subscribe: tuple[str, ...] = ()
    renew: str = ""
    deaf: float = 0.0
    doubtful: bool = False


@dataclass(frozen=True)
class _Listening:
    """Listening to one microphone. `newest`: number of the latest arrival when this one was chosen."""

    sid: str
    since: float
    newest: int


class Attendance:
    """`named`: the candidate's identity, if the room is not ours."""

    def __init__(self, named: str = "") -> None:
        self._named = named
        self._now = 0.0  # our own clock: s of watching so far
        self._looked_at: float | None = None  # by the caller's clock, like the next
        self._newest_sign: float | None = None
        self._heard_at: float | None = None  # the same on our own clock
        self._arrived = 0  # participants and microphones so far
        self._arrivals: dict[str, int] = {}  # those present: their number in order of arrival
        self._seen_at: dict[str, float] = {}  # participants present: since when
        self._asked_at: dict[str, float] = {}  # microphones: when the server was last asked to deliver them
        self._renewals: dict[str, int] = {}  # microphones: number of unsuccessful renewals
        self._stale: set[str] = set()  # reported lost before our own reconnect: may be out of date
        self._mending_since: float | None = None
        self._cut = False  # our own connection is down, and their sound with it
        self._listening: _Listening | None = None
        self._lost_since: dict[str, float] = {}  # participants
        self._found = ""  # sid of the one who answers, or would if the line were up
        self._deaf_since: float | None = None
        self._heard = False  # whether they have given a sign of life, so that its absence means something
        self.view = View()

    def sign_of_life(self) -> None:
        """The candidate did something (typed, pressed a button): the line is up, whatever the microphone does."""
        self._heard = False
        if self._deaf_since is not None:
            self._deaf_since = self._now

    def look(self, room: Sequence[Present], now: float, connection: Connection, heard_at: float | None) -> View:
        """`heard_at`: time of the last sign of life from `view.microphone` (sound, or packets of silence), if any."""
        self._tick(now, heard_at)
        self._note_who_is_there(room)
        self._note_connection(room, connection)
        reachable = connection != "gone" and not self._cut
        there = [present for present in room if self._attends(present)] if reachable else []
        found = self._find(there)
        microphone, renew = self._listen(found, connection)
        deaf = self._note_silence(found)
        doubtful = self._heard and HOLD <= deaf < STILL_THERE
        candidate = found.person if found and not (doubtful and deaf >= BROKEN) else None
        before, visit = self.view.candidate, self.view.visit
        if candidate is not None and (before is None or before.sid != candidate.sid):
            visit += 1
        wanted = tuple(m.sid for present in there for m in present.microphones if m.sid != renew and self._due(m))
        self.view = View(candidate, visit, microphone, wanted, renew, deaf, doubtful)
        return self.view

    # -- what is known ---------------------------------------------------------------------------------------------

    def _tick(self, now: float, heard_at: float | None) -> None:
        """Our own clock runs only while we are watching: a machine that stalled has not heard silence."""
        step = 0.0 if self._looked_at is None else min(max(0.0, now - self._looked_at), STEP)
        self._looked_at = now
        self._now += step
        if heard_at is None:
            self._newest_sign = self._heard_at = None
        elif heard_at != self._newest_sign:
            self._newest_sign = heard_at
            self._heard_at = self._now - min(max(0.0, now - heard_at), step)

    def _note_who_is_there(self, room: Sequence[Present]) -> None:
        """Nothing is kept about participants and microphones that are gone."""
        known = [sid for p in sorted(room, key=lambda p: p.person.order) for sid in _sids(p)]
        for sid in known:
            if sid not in self._arrivals:
                self._arrived += 1
                self._arrivals[sid] = self._arrived
        for present in room:
            self._seen_at.setdefault(present.person.sid, self._now)
            if present.lost:
                self._lost_since.setdefault(present.person.sid, self._now)
            else:
                self._lost_since.pop(present.person.sid, None)
        for kept in (self._arrivals, self._seen_at, self._lost_since, self._asked_at, self._renewals):
            for sid in kept.keys() - set(known):
                del kept[sid]
        self._stale &= {p.person.sid for p in room if p.lost}

    def _note_connection(self, room: Sequence[Present], connection: Connection) -> None:
        """A reconnect counts as a cut once sound stops: the signalling may reconnect while sound goes on."""
        if connection == "mending":
            self._mending_since = self._now if self._mending_since is None else self._mending_since
            silent_since = self._mending_since if self._heard_at is None else self._heard_at
            self._cut = self._cut or self._now - silent_since >= DEAF
        elif self._mending_since is not None:
            self._mending_since, self._cut = None, False
            self._stale = {p.person.sid for p in room if p.lost}

    def _attends(self, present: Present) -> bool:
        sid = present.person.sid
        lost = present.lost and sid not in self._stale and self._now - self._lost_since[sid] < STILL_THERE
        return not lost and role_of(present.person, self._named) == "candidate"

    def _note_silence(self, found: Present | None) -> float:
        """How long the one who answers has given no sign of life, though a microphone of theirs is open."""
        if found is None or found.person.sid != self._found:
            self._found, self._deaf_since, self._heard = found.person.sid if found else "", None, False
        if found is None or all(m.muted for m in found.microphones):
            self._deaf_since = None
            return 0.0
        since = self._now if self._deaf_since is None else self._deaf_since
        self._heard = self._heard or (self._heard_at is not None and self._heard_at > since)
        self._deaf_since = since if self._heard_at is None else max(since, self._heard_at)
        return self._now - self._deaf_since

    # -- who answers -----------------------------------------------------------------------------------------------

    def _find(self, there: Sequence[Present]) -> Present | None:
        """The device that joined last, once its microphone is ready or was waited for; until then the one before it."""

        def may_answer(present: Present) -> bool:
            sid = present.person.sid
            waited = self._now - self._seen_at[sid] >= MICROPHONE_WAIT
            return sid == self._found or waited or any(m.ready for m in present.microphones)

        return max(filter(may_answer, there), key=lambda present: self._arrivals[present.person.sid], default=None)

    # -- by which microphone ---------------------------------------------------------------------------------------

    def _due(self, microphone: Microphone) -> bool:
        """Whether to ask the server for it now."""
        sid = microphone.sid
        if microphone.ready:
            self._asked_at.pop(sid, None)
            return False
        if self._now - self._asked_at.get(sid, self._now - SUBSCRIBING) < SUBSCRIBING:
            return False
        self._asked_at[sid] = self._now
        return True

    def _listen(self, found: Present | None, connection: Connection) -> tuple[str, str]:
        """(what to listen to, what to renew). Open before muted, newest first, and another one if nothing comes."""
        ready = [m for m in found.microphones if m.ready] if found else []
        if not ready:
            self._listening = None
            return "", ""
        best = min(ready, key=lambda m: (m.muted, -self._arrivals[m.sid]))
        listening = self._listening
        current = next((m for m in ready if listening is not None and m.sid == listening.sid), None)
        if listening is None or current is None or self._better(best, current, listening):
            return self._listen_to(best), ""
        if self._heard_at is not None:
            self._renewals.pop(current.sid, None)
        if current.muted:
            return self._listen_to(current), ""  # silent for a good reason
        silent = self._now - (listening.since if self._heard_at is None else max(listening.since, self._heard_at))
        others = [m for m in ready if not m.muted]
        if len(others) > 1:
            if silent >= ANOTHER:
                return self._listen_to(others[(others.index(current) + 1) % len(others)]), ""
        elif connection == "up" and silent >= self._patience(current):
            self._renewals[current.sid] = self._renewals.get(current.sid, 0) + 1
            self._listening = None
            return "", current.sid
        return current.sid, ""

    def _patience(self, microphone: Microphone) -> float:
        """It grows with each renewal that did not help."""
        return min(RENEW * 2.0 ** min(self._renewals.get(microphone.sid, 0), 8), LONGEST_RETRY)

    def _listen_to(self, microphone: Microphone) -> str:
        self._listening = _Listening(microphone.sid, self._now, self._arrived)
        return microphone.sid

    def _better(self, best: Microphone, current: Microphone, listening: _Listening) -> bool:
        """Whether to switch to `best`: it is open, and the current one is muted or was chosen before `best` came."""
        return not best.muted and (current.muted or self._arrivals[best.sid] > listening.newest)


def _sids(present: Present) -> list[str]:
    return [present.person.sid, *(m.sid for m in present.microphones)]
