"""The HTTP API and the web app, as one FastAPI application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.staticfiles import StaticFiles

from agent.engines.loading import open_store
from agent.service import models, problems
from agent.service.guard import Guard
from agent.service.interviews import Interviews
from agent.service.live import stream
from agent.service.livekit import LiveKit
from agent.service.metrics import Metrics
from agent.service.practice import Practice
from agent.service.problems import Problem
from agent.service.sending import Sending
from agent.service.tokens import Links, is_operator, links_of, operator_keys
from agent.service.watch import Watch
from agent.service.webhooks import Webhooks
from agent.settings import Settings
from dialogue.report.compare import Comparison
from memory.store import EventStore
from prompts.loader import pack_names

WEB = Path(__file__).resolve().parent / "web"  # built by `make web`, part of the wheel
_PROBLEM = {"description": "A problem", "content": {problems.MEDIA_TYPE: {"schema": problems.SCHEMA}}}
_RESPONSES: dict[int | str, dict[str, Any]] = dict.fromkeys(
    (400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 502, 503, 504), _PROBLEM
)
_bearer = HTTPBearer(auto_error=False, description="an operator's key, or the token of a candidate's link")
Session = Annotated[str, InPath(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class Services:
    """What the routes need; created once the event loop is running."""

    def __init__(self, settings: Settings, store: EventStore, public_url: str, metrics: Metrics) -> None:
        self.settings = settings
        self.store = store
        self.keys = operator_keys(settings)
        self.links: Links = links_of(settings)
        self.livekit = LiveKit(settings)
        self.metrics = metrics
        self.sending = Sending()
        self.interviews = Interviews(store, settings, self.livekit, self.links, public_url, self.sending)
        self.practice = Practice(store, settings, self.interviews)
        self.webhooks = Webhooks(settings.webhook_url, settings.webhook_secret.get_secret_value())
        self.watch = Watch(
            store, settings, self.interviews, self.livekit, self.webhooks, metrics, self.sending
        )  # fmt: skip


def create_app(settings: Settings, public_url: str = "", *, watch: bool = True) -> FastAPI:
    """`public_url`: the address people use. `watch`: send agents where they are missing."""
    public = (public_url or settings.public_url or f"http://localhost:{settings.api_port}").rstrip("/")
    metrics = Metrics()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store, _ = await open_store(settings)
        services = Services(settings, store, public, metrics)
        app.state.services = services
        watching = asyncio.create_task(services.watch.run(), name="watch") if watch else None
        try:
            yield
        finally:
            if watching:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            await services.webhooks.close()
            await services.livekit.close()
            await store.close()

    app = FastAPI(
        title="Vivavoce", version="1", lifespan=lifespan, docs_url="/api/docs", redoc_url=None,
        openapi_url="/api/openapi.json", description="A voice interviewer that you host yourself.",
    )  # fmt: skip
    problems.install(app)
    app.add_middleware(Guard, is_operator=lambda key: is_operator(key, app.state.services.keys))
    metrics.install(app)
    _routes(app)
    _pages(app, page_headers(settings))
    return app


# -- who is asking -------------------------------------------------------------------------------------------------


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Use = Annotated[Services, Depends(_services)]
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def _operator(use: Use, given: Given) -> None:
    if given is None:
        raise Problem(401, "no-key", "send an operator's key: Authorization: Bearer KEY")
    if not is_operator(given.credentials, use.keys):
        raise Problem(401, "bad-key", "this is no operator's key of this installation")


def _anyone(
    use: Use, given: Given, session: Session,
    token: Annotated[str, Query(max_length=600, description="a link's token, for players that cannot send headers")] = "",
) -> str:  # fmt: skip
    """Returns "operator", or "candidate" for the candidate of this very interview."""
    credentials = given.credentials if given else token
    if given and is_operator(credentials, use.keys):
        return "operator"
    if not credentials:
        raise Problem(401, "no-key", "send an operator's key or a link's token: Authorization: Bearer TOKEN")
    if use.links.read(credentials).session != session:
        raise Problem(403, "other-interview", "this link belongs to another interview")
    return "candidate"


Who = Annotated[str, Depends(_anyone)]
Operator = Depends(_operator)


async def _reader(use: Use, who: Who, session: Session) -> str:
    """The report may be read by operators and, in practice mode, by the candidate."""
    if who == "candidate" and (await use.interviews.known(session)).interview.mode != "practice":
        raise Problem(
            403, "not-yours", "in a hiring interview the report is for the people who decide; ask them for it"
        )
    return who


Reader = Depends(_reader)


# -- routes --------------------------------------------------------------------------------------------------------


def _routes(app: FastAPI) -> None:
    api = "/api/v1"
    one = f"{api}/interviews/{{session}}"

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    async def readyz(use: Use) -> dict[str, str]:
        await use.store.sessions()
        await use.livekit.rooms()
        return {"status": "ready"}

    @app.get(f"{api}/packs", dependencies=[Operator], responses=_RESPONSES)
    async def packs() -> list[str]:
        return pack_names()

    @app.post(f"{api}/interviews", status_code=201, dependencies=[Operator], responses=_RESPONSES)
    async def create(use: Use, wanted: models.NewInterview) -> models.Created:
        return await use.interviews.create(wanted)

    @app.get(f"{api}/interviews", dependencies=[Operator], responses=_RESPONSES)
    async def listing(
        use: Use, limit: Annotated[int, Query(ge=1, le=200)] = 50, offset: Annotated[int, Query(ge=0, le=10**6)] = 0
    ) -> list[models.Summary]:
        return await use.interviews.page(offset, limit)

    @app.get(one, dependencies=[Operator], responses=_RESPONSES)
    async def details(use: Use, session: Session) -> models.Details:
        found = await use.interviews.details(session)
        return found.model_copy(update={"trouble": use.watch.trouble(session)})

    @app.post(f"{one}/cancel", dependencies=[Operator], responses=_RESPONSES)
    async def cancel(use: Use, session: Session) -> models.Done:
        await use.interviews.control(session, models.Control(kind="cancel"))
        return models.Done()

    @app.post(f"{one}/link", dependencies=[Operator], responses=_RESPONSES)
    async def link(use: Use, session: Session) -> models.Created:
        await use.interviews.known(session)
        return use.interviews.link(session)

    @app.get(f"{one}/invitation", responses=_RESPONSES)
    async def invitation(use: Use, session: Session, who: Who) -> models.Invitation:
        return await use.interviews.invitation(session)

    @app.post(f"{one}/consent", responses=_RESPONSES)
    async def consent(use: Use, session: Session, who: Who, given: models.Consent) -> models.Done:
        if who == "operator" and not given.by.strip():
            raise Problem(422, "by-whom", "say in `by` who consented and how: it goes into the log")
        await use.interviews.consent(session, "candidate" if who == "candidate" else f"operator: {given.by}")
        return models.Done()

    @app.post(f"{one}/opinion", responses=_RESPONSES)
    async def opinion(use: Use, session: Session, who: Who, given: models.Opinion) -> models.Done:
        await use.interviews.rate(session, "candidate" if who == "candidate" else "operator", given)
        return models.Done()

    @app.get(f"{one}/opinion", dependencies=[Reader], responses=_RESPONSES)
    async def opinions(use: Use, session: Session) -> models.Opinions:
        return await use.interviews.opinions(session)

    @app.post(f"{one}/join", responses=_RESPONSES)
    async def join(use: Use, session: Session, who: Who, wanted: models.Join) -> models.RoomAccess:
        if who != "candidate":
            raise Problem(403, "not-you", "only the candidate joins as the candidate; for others there is /tokens")
        return await use.interviews.join(session, take_over=wanted.take_over)

    @app.post(f"{one}/coach", dependencies=[Reader], responses=_RESPONSES)
    async def coach(use: Use, session: Session, talk: models.Talk) -> models.CoachReply:
        return await use.practice.coach(session, talk)

    @app.post(f"{one}/retry", status_code=201, dependencies=[Reader], responses=_RESPONSES)
    async def retry(use: Use, session: Session, wanted: models.Retry) -> models.Created:
        return await use.practice.retry(session, wanted)

    @app.get(f"{one}/comparison", dependencies=[Reader], responses=_RESPONSES)
    async def comparison(use: Use, session: Session) -> Comparison | None:
        return use.practice.comparison(await use.interviews.known(session))

    @app.post(f"{one}/tokens", dependencies=[Operator], responses=_RESPONSES)
    async def tokens(use: Use, session: Session, person: models.PersonIn) -> models.RoomAccess:
        return await use.interviews.admit(session, person)

    @app.post(f"{one}/dispatch", dependencies=[Operator], responses=_RESPONSES)
    async def dispatch(use: Use, session: Session, wanted: models.Dispatch) -> models.Done:
        await use.interviews.dispatch(session, wanted.silent)
        return models.Done()

    @app.post(f"{one}/control", dependencies=[Operator], responses=_RESPONSES)
    async def control(use: Use, session: Session, wanted: models.Control) -> models.Done:
        await use.interviews.control(session, wanted)
        return models.Done()

    @app.get(f"{one}/events", dependencies=[Operator], responses=_RESPONSES)
    async def events(
        use: Use, session: Session, after: Annotated[int, Query(ge=0, le=10**9)] = 0
    ) -> list[models.EventOut]:
        found = await use.interviews.events(session, after)
        return [models.EventOut(position=after + i, event=e.model_dump(mode="json")) for i, e in enumerate(found)]

    @app.get(
        f"{one}/live", dependencies=[Operator], response_class=StreamingResponse,
        responses={**_RESPONSES, 200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )  # fmt: skip
    async def live(
        use: Use, request: Request, session: Session, last_event_id: Annotated[str, Header(max_length=20)] = ""
    ) -> StreamingResponse:
        await use.interviews.known(session)
        after = int(last_event_id) if last_event_id.isdecimal() else 0
        body = stream(lambda n: use.store.read(session, n), after, request.is_disconnected)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(body, media_type="text/event-stream", headers=headers)

    for name, kind in (("report.json", "application/json"), ("report.html", "text/html"), ("transcript.json", "application/json"),
                       ("timeline.png", "image/png"), ("distributions.png", "image/png"), ("recording.wav", "audio/wav")):  # fmt: skip
        _file(app, f"{one}/{name.removesuffix('.json')}", name, kind)

    responses = {**_RESPONSES, 200: {"content": {"image/png": {}}}}

    @app.get(f"{one}/answers/{{turn}}.png", dependencies=[Reader], response_class=Response, responses=responses)
    async def picture(use: Use, session: Session, turn: Annotated[int, InPath(ge=0, le=10_000)]) -> FileResponse:
        """An answer's waveform with its words, pauses, fillers and pitch."""
        await use.interviews.known(session)
        return FileResponse(
            use.interviews.report(session, f"answers/turn-{turn}.png"),
            media_type="image/png",
            headers={"Cache-Control": "no-store"},
        )


def _file(app: FastAPI, path: str, name: str, kind: str) -> None:
    responses = {**_RESPONSES, 200: {"content": {kind: {}}}}

    @app.get(path, dependencies=[Reader], response_class=Response, responses=responses, name=name)
    async def read(use: Use, session: Session) -> FileResponse:
        await use.interviews.known(session)
        return FileResponse(
            use.interviews.report(session, name), media_type=kind, headers={"Cache-Control": "no-store"}
        )


def _pages(app: FastAPI, headers: dict[str, str]) -> None:
    """The web app: a single page; its paths are handled in the browser."""
    if (WEB / "assets").is_dir():
        app.mount("/assets", StaticFiles(directory=WEB / "assets"), name="assets")

    @app.get("/{path:path}", include_in_schema=False)
    async def page(path: str) -> Response:
        if path.startswith(("api/", "assets/")):
            raise Problem(404, "no-such-path", "there is nothing here; the API is described at /api/docs")
        # The requested path is never opened directly, only looked up among the files that exist.
        there = {str(file.relative_to(WEB)): file for file in WEB.rglob("*") if file.is_file()}
        file = there.get(path, WEB / "index.html")
        if not file.is_file():
            raise Problem(404, "no-web-app", "the web app is not built: make web")
        return FileResponse(file, headers={"Cache-Control": "no-cache", **headers})


def page_headers(settings: Settings) -> dict[str, str]:
    """The pages may talk to this server and the LiveKit server, and to nothing else."""
    livekit = settings.livekit_public_url or settings.livekit_url
    speak_to = f"'self' {livekit} {livekit.replace('ws', 'http', 1)}"
    return {
        "Content-Security-Policy": (
            f"default-src 'self'; connect-src {speak_to}; media-src 'self' blob: data:; img-src 'self' data: blob:; "
            "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; frame-ancestors 'self'; base-uri 'none'; "
            "form-action 'self'"
        ),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": "camera=(self), microphone=(self)",
    }
