"""Finds, builds and configures the servers that `viva up` starts: LiveKit and Redis."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import yaml
from rich.console import Console

from agent.errors import UserError

LIVEKIT_VERSION = "v1.13.5"
_MODULE = f"github.com/livekit/livekit-server@{LIVEKIT_VERSION}"
LOOPBACK = "127.0.0.1"
PAGE = Path(__file__).resolve().parents[1] / "service" / "web" / "index.html"


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "vivavoce"


def livekit_server(console: Console) -> Path:
    """The server's binary: on PATH, in the cache, or built now. Raises UserError naming the alternatives."""
    if found := shutil.which("livekit-server"):
        return Path(found)
    if kept().is_file():
        return kept()
    if not shutil.which("go"):
        raise UserError(
            f"there is no LiveKit server here: install livekit-server {LIVEKIT_VERSION} (or Go 1.26, and it is built), "
            "use `docker compose up`, or set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET to one that runs"
        )
    with console.status(f"building LiveKit server {LIVEKIT_VERSION} with Go: once, one to two minutes"):
        return _build(kept())


def where_livekit(url: str, key: str) -> tuple[str, str, str]:
    """For `viva doctor`: what `viva up` would use, why, and what is missing."""
    if key:
        return url, "asked for by LIVEKIT_URL", ""
    if found := shutil.which("livekit-server"):
        return found, "found on PATH", ""
    if kept().is_file():
        return str(kept()), "built before", ""
    if shutil.which("go"):
        return f"livekit-server {LIVEKIT_VERSION}", "will be built with Go on first use", ""
    return (
        "none",
        "neither livekit-server nor Go is here",
        "install one of them, use docker compose, or set LIVEKIT_URL",
    )


def kept() -> Path:
    """Where a server that we built is stored."""
    return cache_folder() / f"livekit-server-{LIVEKIT_VERSION}"


def _build(target: Path) -> Path:
    # `go install` refuses this module (its go.mod has replace directives); downloading and building it works.
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_name(f"{target.name}.{os.getpid()}")
    got = subprocess.run(
        ["go", "mod", "download", "-json", _MODULE], capture_output=True, text=True, cwd=target.parent, check=False
    )
    try:
        source = json.loads(got.stdout)["Dir"]
    except (ValueError, KeyError) as error:
        raise UserError(_cannot(got.stderr or got.stdout)) from error
    command = ["go", "build", "-C", source, "-o", str(building), "./cmd/server"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode:
        raise UserError(_cannot(built.stderr))
    building.replace(target)  # atomic, even if two processes build at once
    return target


def _cannot(reason: str) -> str:
    return (
        f"LiveKit server {LIVEKIT_VERSION} cannot be built ({' '.join(reason.split())[-200:]}); "
        "use `docker compose up`, or set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET to one that runs"
    )


def livekit_config(*, host: str, port: int, media_port: int, key: str, secret: str) -> str:
    """Everything on loopback, including media, unless `host` is an address of this machine that others can reach."""
    config: dict[str, object] = {"port": port, "keys": {key: secret}, "logging": {"level": "warn"}}
    rtc: dict[str, object] = {"node_ip": host, "udp_port": media_port, "tcp_port": 0, "use_external_ip": False}
    if host == LOOPBACK:
        config["bind_addresses"] = [LOOPBACK]
        rtc |= {
            "enable_loopback_candidate": True,
            "interfaces": {"includes": ["lo", "lo0"]},
            "ips": {"includes": [f"{LOOPBACK}/32"]},
        }
    else:
        # The TCP port gets through where UDP does not.
        rtc |= {"tcp_port": media_port, "ips": {"includes": [f"{host}/32"]}}
    return yaml.safe_dump({**config, "rtc": rtc}, sort_keys=False)


def redis_command(folder: Path, port: int) -> list[str]:
    """A Redis that never loses what it acknowledged: every append reaches the disk first."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        "redis-server", "--bind", LOOPBACK, "--port", str(port), "--dir", str(folder), "--save", "",
        "--appendonly", "yes", "--appendfsync", "always",
    ]  # fmt: skip


def web_app(console: Console) -> str:
    """Build the pages if they are missing. Returns what to do if that is not possible, else ""."""
    source = Path(__file__).resolve().parents[2] / "web"
    if PAGE.is_file():
        return ""
    if not shutil.which("npm") or not (source / "package.json").is_file():
        return "the web app is not built: install Node.js 20 or newer and run `make web`; the API works without it"
    with console.status("building the web app: once, half a minute"):
        for command in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
            done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
            if done.returncode:
                return f"the web app cannot be built ({' '.join(done.stderr.split())[-200:]}); the API works without it"
    return ""


def port_free(port: int, host: str = LOOPBACK, *, udp: bool = False) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as probe:
        if not udp:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(wanted: int, host: str = LOOPBACK, *, udp: bool = False) -> int:
    """`wanted`, or the next one that is free."""
    for port in range(wanted, wanted + 200):
        if port_free(port, host, udp=udp):
            return port
    raise UserError(f"no port from {wanted} to {wanted + 199} is free on {host}")


def answers(port: int, host: str = LOOPBACK) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


if __name__ == "__main__":  # `make test` builds it this way while installing the engines
    print(livekit_server(Console()))
