"""Imported once, by the process that all calls are forked from: warms up what they share. See agent/rooms/warm.py."""

from __future__ import annotations

from agent.rooms.warm import share

share()
