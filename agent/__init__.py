"""The agent: a thin layer that brings voice, dialogue and memory together."""
