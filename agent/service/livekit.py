"""The few requests made to the LiveKit server: who is in a room, send an agent, pass on a command."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
from livekit import api

from agent.rooms.control import control_key, sign_command
from agent.rooms.roles import SESSION, Person, candidate_of
from agent.rooms.room_session import CONTROL
from agent.service import models
from agent.service.problems import Problem
from agent.settings import Settings

EMPTY_TIMEOUT = 600  # s for which the server keeps an empty room


@dataclass(frozen=True)
class RoomView:
    """Who is in a room now."""

    candidate: str = ""
    agents: dict[str, str] = field(default_factory=dict)  # identity to the session it runs
    people: int = 0


class LiveKit:
    """Opens its connection on first use; `close` it. `wall`: unix s, the timestamp of signed commands."""

    def __init__(self, settings: Settings, wall: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._wall = wall
        self._made: api.LiveKitAPI | None = None

    @property
    def _api(self) -> api.LiveKitAPI:
        if self._made is None:
            s = self._settings
            url = s.livekit_url.replace("ws://", "http://").replace("wss://", "https://")
            timeout = aiohttp.ClientTimeout(total=5.0)
            self._made = api.LiveKitAPI(
                url, s.livekit_api_key, s.livekit_api_secret.get_secret_value(), timeout=timeout
            )
        return self._made

    async def close(self) -> None:
        if self._made is not None:
            await self._made.aclose()  # type: ignore[no-untyped-call]

    async def rooms(self) -> dict[str, int]:
        """Names of the existing rooms, and how many participants each has."""
        found = await self._call(self._api.room.list_rooms(api.ListRoomsRequest()))
        return {room.name: room.num_participants for room in found.rooms}

    async def look(self, room: str, named: str = "") -> RoomView:
        """Who is in a room. A room that does not exist is empty."""
        try:
            found = await self._call(self._api.room.list_participants(api.ListParticipantsRequest(room=room)))
        except Problem as problem:
            if problem.kind == "no-room":
                return RoomView()
            raise
        people = [_person(p) for p in found.participants]
        candidate = candidate_of(people, named)
        agents = {p.identity: (p.attributes or {}).get(SESSION, "") for p in people if p.kind == "agent"}
        return RoomView(candidate.identity if candidate else "", agents, len(people) - len(agents))

    async def open(self, room: str) -> None:
        """Make sure the room exists; an existing one is left as it is."""
        await self._call(self._api.room.create_room(api.CreateRoomRequest(name=room, empty_timeout=EMPTY_TIMEOUT)))

    async def dispatch(self, room: str, session: str, silent: str = "") -> str:
        """Request an agent; whether one comes shows in the room. Returns LiveKit's id of the dispatch."""
        metadata = json.dumps({"session": session, "silent": silent})
        request = api.CreateAgentDispatchRequest(agent_name=self._settings.agent_name, room=room, metadata=metadata)
        made = await self._call(self._api.agent_dispatch.create_dispatch(request))
        return str(made.id)

    async def taken_by_a_worker(self, room: str, dispatch: str) -> bool:
        """Whether a worker has accepted the job of a dispatch; also False if the server no longer knows it."""
        found = await self._call(self._api.agent_dispatch.get_dispatch(dispatch, room))
        return found is not None and bool(found.state.jobs)

    async def command(self, room: str, agents: list[str], session: str, control: models.Control) -> None:
        """Send a command to the agents of an interview. Signed, because anybody in a room may send data."""
        key = control_key(self._settings.livekit_api_secret.get_secret_value())
        data = api.SendDataRequest(
            room=room, data=sign_command(key, session, control.model_dump(), self._wall()), topic=CONTROL,
            destination_identities=agents, kind=api.DataPacket.Kind.RELIABLE,
        )  # fmt: skip
        await self._call(self._api.room.send_data(data))

    async def _call(self, work: Any) -> Any:
        try:
            return await work
        except api.TwirpError as error:
            if error.code == "not_found":
                raise Problem(404, "no-room", "there is no such room on the LiveKit server") from error
            raise Problem(502, "livekit", f"the LiveKit server refused: {error.message}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Problem(
                503, "livekit-away", "the LiveKit server cannot be reached; is it running at LIVEKIT_URL?"
            ) from error


def _person(info: Any) -> Person:
    kinds: dict[int, Literal["standard", "sip", "agent"]] = {
        api.ParticipantInfo.Kind.SIP: "sip",
        api.ParticipantInfo.Kind.AGENT: "agent",
    }
    return Person(info.identity, kinds.get(info.kind, "standard"), dict(info.attributes), info.joined_at, info.name)
