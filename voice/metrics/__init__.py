"""Timing and hesitation metrics, from audio and words."""
