"""`viva up` as a user starts it, for tests: a real LiveKit server, a real Redis, the API, a worker; all on loopback."""

from __future__ import annotations

import asyncio
import difflib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from livekit import api

from simulation.reciter import Reciter
from simulation.room import RATE, RoomPeer
from simulation.script import ScriptLine
from simulation.speech import PersonaVoice
from tests.conftest import free_port
from voice.audio import SPEECH_RATE, Samples, resample
from voice.stt.moonshine import MoonshineDecoder
from voice.stt.offline import transcribe

ROOT = Path(__file__).resolve().parents[2]
# One sentence each: short enough for many runs, long enough to be an answer.
REPORTS = "In my last company I moved the monthly reports to a live dashboard because the analysts were always late."
SLOW = "First I would look at what changed yesterday and then I would check the database and the metrics."
MISTAKE = "Two years ago I deleted a customer table by accident and we restored it from the backup."


@dataclass
class Deployment:
    """A running `viva up`."""

    home: Path
    process: subprocess.Popen[str]
    url: str
    key: str
    log: Path
    decoder: MoonshineDecoder = field(default_factory=MoonshineDecoder)
    pids: list[int] = field(default_factory=list)
    # One for all calls, and no certificates to read: a client for each would cost more of the machine than a candidate.
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=15, trust_env=False, verify=False))
    _closed: set[str] = field(default_factory=set)  # sessions whose calls have ended

    @classmethod
    def start(cls, home: Path, **env: str) -> Deployment:
        log = home / "up.log"
        home.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ, "VIVA_HOME": str(home), "VIVA_STT": "moonshine", "VIVA_TTS": "espeak", "VIVA_LLM": "embedded",
            "VIVA_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",  # its own, whatever runs on this machine
            "PYTHONUNBUFFERED": "1", "COLUMNS": "200", **env,
        }  # fmt: skip
        with log.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "agent", "up"], stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, env=environment,
                text=True,
            )  # fmt: skip
        deadline = time.monotonic() + 300  # the LiveKit server may have to be built
        while time.monotonic() < deadline:
            ready = [line for line in log.read_text().splitlines() if line.startswith("ready: ")]
            if ready:
                url, _, key = ready[0].removeprefix("ready: ").partition("/#key=")
                return cls(home, process, url.replace("localhost", "127.0.0.1"), key.strip(), log)
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
        raise AssertionError(f"viva up did not get ready: {log.read_text()}")

    def stop(self) -> int:
        """Ctrl-C. Returns its exit code."""
        self.pids = [p.pid for p in psutil.Process(self.process.pid).children(recursive=True)]
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(40)

    def left_behind(self) -> list[int]:
        """Processes of ours that outlived `stop`."""
        deadline = time.monotonic() + 5
        while (alive := [pid for pid in self.pids if psutil.pid_exists(pid)]) and time.monotonic() < deadline:
            time.sleep(0.2)
        return alive

    # -- as an operator --------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, token: str = "", **json_body: Any) -> Any:
        response = self.raw(method, path, token, **json_body)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def raw(self, method: str, path: str, token: str = "", **json_body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.key}"}
        body = json_body if method in ("POST", "PUT") else None
        return self.client.request(method, f"{self.url}/api/v1{path}", headers=headers, json=body)

    def invite(self, **wishes: Any) -> tuple[str, str]:
        """A new interview: its id, and the token of the candidate's link."""
        made = self.call(
            "POST", "/interviews", **{"questions": ["improved-process", "slow-service"], "probes": 0, **wishes}
        )
        return made["id"], made["link"].partition("#")[2]

    def events(self, session: str) -> list[dict[str, Any]]:
        return [entry["event"] for entry in self.call("GET", f"/interviews/{session}/events")]

    def kinds(self, session: str, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events(session) if event["kind"] == kind]

    def report(self, session: str) -> dict[str, Any]:
        path = f"/interviews/{session}/report"
        self.wait(lambda: self.raw("GET", path).is_success, 60, "a report")
        report: dict[str, Any] = self.call("GET", path)
        return report

    def wait(self, condition: Callable[[], Any], seconds: float, what: str) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.2)
        raise AssertionError(f"{what} did not come within {seconds} s\n{self.logs()}")

    # -- as a candidate --------------------------------------------------------------------------------------------

    async def join(self, session: str, link: str, talker: Any, **body: Any) -> RoomPeer:
        await asyncio.to_thread(self.call, "POST", f"/interviews/{session}/consent", link)
        access = await asyncio.to_thread(lambda: self.call("POST", f"/interviews/{session}/join", link, **body))
        peer = RoomPeer(talker)
        await peer.join(access["url"], access["token"])
        return peer

    def ears(self, samples: Samples) -> str:
        """What a recogniser makes of 24 kHz sound, in lower case. It gives way to calls that still go on."""
        words = _ears.submit(transcribe, resample(samples, RATE, SPEECH_RATE), self.decoder).result()
        return " ".join(word.text for word in words).lower()

    def understood(self, expected: str, samples: Samples) -> float:
        """The share of the words of `expected` that the ears found, in order. The small recogniser mishears a few."""
        want = re.findall(r"[a-z']+", expected.lower())
        got = re.findall(r"[a-z']+", self.ears(samples))
        same = sum(
            block.size for block in difflib.SequenceMatcher(None, want, got, autojunk=False).get_matching_blocks()
        )
        return same / len(want)

    # -- afterwards ------------------------------------------------------------------------------------------------

    def end_calls(self, seconds: float = 40.0) -> list[int]:
        """End whatever a test left open, as a passed test does: its interviews, its rooms, the processes of its calls.

        Returns the processes that did not end by themselves within `seconds`, and were killed.
        """
        if self.process.poll() is not None:
            return []
        sessions = [s["id"] for s in self.call("GET", "/interviews?limit=200") if s["id"] not in self._closed]
        for session in sessions:
            if self.call("GET", f"/interviews/{session}")["status"] not in ("ended", "cancelled"):
                self.raw("POST", f"/interviews/{session}/cancel")
        self.wait(self._empty_rooms, 30, "rooms without a candidate")  # a server that was killed may be coming back
        running = {process for session in sessions for process in self.jobs(session)}
        _, alive = psutil.wait_procs(running, seconds)
        for process in alive:
            process.kill()
        self._closed.update(sessions)
        return [process.pid for process in alive]

    def jobs(self, session: str) -> list[psutil.Process]:
        """The processes that run a session, or ran it and are still there."""
        ours = {p.pid: p for p in psutil.Process(self.process.pid).children(recursive=True)}
        owners = [e["owner"] for e in self.events(session) if e["kind"] in ("started", "resumed")]
        return [ours[pid] for pid in {int(owner.split(":")[1]) for owner in owners} if pid in ours]

    def _empty_rooms(self) -> bool:
        """A candidate whose test is gone still stands in the room: the SDK holds it, and agents are sent for it.

        False: the server does not answer.
        """
        key = self.home / "livekit.key"
        grants = api.VideoGrants(room_list=True, room_create=True)
        token = api.AccessToken("viva", key.read_text().strip()).with_grants(grants).to_jwt()
        port = yaml.safe_load((self.home / "livekit.yaml").read_text())["port"]

        def ask(method: str, **body: Any) -> Any:
            url = f"http://127.0.0.1:{port}/twirp/livekit.RoomService/{method}"
            return self.client.post(url, json=body, headers={"Authorization": f"Bearer {token}"}).json()

        try:
            for room in ask("ListRooms").get("rooms", []):
                ask("DeleteRoom", room=room["name"])
        except httpx.TransportError:
            return False
        return True

    # -- as misfortune ---------------------------------------------------------------------------------------------

    def processes(self, *words: str) -> list[psutil.Process]:
        """Our processes whose command line holds all the words."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if all(word in " ".join(process.cmdline()) for word in words):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def child(self, *words: str) -> psutil.Process:
        """The direct child of `viva up` with these words."""
        direct = {p.pid for p in psutil.Process(self.process.pid).children()}
        return next(p for p in self.processes(*words) if p.pid in direct)

    def job(self, session: str) -> psutil.Process:
        """The process that runs a session: its lease says which."""
        events = [e for e in self.events(session) if e["kind"] in ("started", "resumed")]
        return psutil.Process(int(events[-1]["owner"].split(":")[1]))

    def logs(self) -> str:
        parts = [
            f"--- {p.name}\n{p.read_text('utf-8', 'replace')[-2500:]}"
            for p in sorted((self.home / "logs").glob("*.log"))
        ]
        return "\n".join([self.log.read_text()[-1500:], *parts])


def _give_way() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)  # a thread's own, there


_ears = ThreadPoolExecutor(1, "ears of the test", initializer=_give_way)


@pytest.fixture(autouse=True)
def calls_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """However a test in a house ends, its calls end with it: the next one finds a quiet machine."""
    yield
    if "deployment" in request.fixturenames:
        deployment: Deployment = request.getfixturevalue("deployment")
        left = deployment.end_calls()
        assert not left, f"calls did not end by themselves: processes {left}\n{deployment.logs()}"


async def together(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """All at once; where one fails the others are cancelled, and nothing of them runs on."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
    return [task.result() for task in tasks]


_voice: dict[str, Samples] = {}


def said(*sentences: str | float) -> Samples:
    """Sentences (and pauses in s) in the persona's voice, 24 kHz."""
    line = ScriptLine(tuple(sentences)) if not isinstance(sentences, ScriptLine) else sentences
    key = repr(sentences)
    if key not in _voice:
        _voice[key] = PersonaVoice("rms", RATE).line(line)
    return _voice[key]


def reciter(*answers: str) -> Reciter:
    return Reciter([said(answer) for answer in answers])


async def until(condition: Callable[[], Any], seconds: float, what: str, deployment: Deployment | None = None) -> Any:
    """Waits without blocking the event loop; says what did not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        # In a thread: a condition may ask the API, and the peers' sound must not wait for that.
        if found := await asyncio.to_thread(condition):
            return found
        await asyncio.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {seconds} s\n{deployment.logs() if deployment else ''}")


def control(kind: str, **more: str) -> str:
    return json.dumps({"kind": kind, **more})
