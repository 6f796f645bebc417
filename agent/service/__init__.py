"""The HTTP API: interviews, tokens, reports, live events; and the watch that sends agents where they are missing."""
