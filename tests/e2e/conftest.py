"""Every test that uses the deployment leaves it quiet."""

from __future__ import annotations

from tests.e2e.deployment import calls_end

__all__ = ["calls_end"]
