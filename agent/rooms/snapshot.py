"""A LiveKit room as `attendance` sees it, and the subscriptions that it wants."""

from __future__ import annotations

from typing import Literal

from livekit import rtc

from agent.rooms.attendance import Connection, Microphone, Present, View
from agent.rooms.outage import Outage
from agent.rooms.roles import Person


def person_of(participant: rtc.RemoteParticipant) -> Person:
    """A participant as `roles` knows it."""
    kinds: dict[int, Literal["standard", "sip", "agent"]] = {
        rtc.ParticipantKind.PARTICIPANT_KIND_SIP: "sip",
        rtc.ParticipantKind.PARTICIPANT_KIND_AGENT: "agent",
    }
    joined = participant.joined_at.timestamp() if participant.joined_at else 0.0
    kind = kinds.get(participant.kind, "standard")
    return Person(
        participant.identity, kind, dict(participant.attributes), joined, participant.name, participant.sid
    )  # fmt: skip


def present_in(room: rtc.Room) -> list[Present]:
    """Everybody in the room besides us."""
    return [
        Present(
            person_of(participant),
            [Microphone(p.sid, p.track is not None, p.muted) for p in _microphones(participant)],
            participant.connection_quality == rtc.ConnectionQuality.QUALITY_LOST,
        )
        for participant in list(room.remote_participants.values())
    ]


def connection_of(room: rtc.Room) -> Connection:
    states: dict[int, Connection] = {
        rtc.ConnectionState.CONN_CONNECTED: "up",
        rtc.ConnectionState.CONN_RECONNECTING: "mending",
    }
    return states.get(room.connection_state, "gone")


class Subscriptions:
    """Asks the server for tracks and finds them."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._outage = Outage("asking the server for a track")

    def apply(self, view: View) -> rtc.RemoteTrack | None:
        """Ask for what `view` wants. Returns the track to listen to."""
        track: rtc.RemoteTrack | None = None
        for participant in list(self._room.remote_participants.values()):
            for publication in _microphones(participant):
                if publication.sid == view.microphone:
                    track = publication.track
                if publication.sid in view.subscribe:
                    self._set(publication, True)
                elif publication.sid == view.renew:
                    self._set(publication, False)
        return track

    def _set(self, publication: rtc.RemoteTrackPublication, subscribed: bool) -> None:
        try:
            publication.set_subscribed(subscribed)
        except Exception as error:  # the SDK raises its own kinds while a room reconnects
            self._outage.failed(error)
        else:
            self._outage.worked()


def _microphones(participant: rtc.RemoteParticipant) -> list[rtc.RemoteTrackPublication]:
    return [
        publication
        for publication in list(participant.track_publications.values())
        if publication.kind == rtc.TrackKind.KIND_AUDIO
        and publication.source != rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO
    ]
