"""Every test in a house leaves it quiet."""

from __future__ import annotations

from tests.e2e.deployment import calls_end

__all__ = ["calls_end"]
