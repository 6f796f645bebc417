"""Simulated candidates: scripted personas with a voice, heard as sound only. They know of the agent what they hear."""
