"""Timing and hesitation measured from sound and words."""
