"""The interview in a LiveKit room: the roles, the sound, the agent's state for the page, and the legs of the call."""
