"""The interview in a LiveKit room: who is who, their sound, the agent's state for the page, and the calls in between."""
