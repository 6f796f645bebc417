"""Runs the API with uvicorn."""

from __future__ import annotations

import logging

import uvicorn

from agent.errors import UserError
from agent.ops.servers import port_free
from agent.service.app import create_app
from agent.settings import Settings


def serve(settings: Settings) -> None:
    """Serve until a signal. Raises UserError if the port is taken or the LiveKit server is not configured."""
    if not settings.livekit_api_key:
        raise UserError(
            "set LIVEKIT_API_KEY and LIVEKIT_API_SECRET (and LIVEKIT_URL), or let `viva up` start everything"
        )
    if settings.api_port and not port_free(settings.api_port, settings.api_host):
        raise UserError(f"port {settings.api_port} is in use; set VIVA_API_PORT to another")
    logging.getLogger().setLevel(logging.WARNING)
    config = uvicorn.Config(
        create_app(settings), host=settings.api_host, port=settings.api_port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=3,
    )  # fmt: skip
    uvicorn.Server(config).run()
