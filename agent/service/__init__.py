"""The HTTP API: interviews, tokens, reports, live events; and the watch, which sends agents where they are missing."""
