"""Speech detection, recognition, synthesis, turn-taking and hesitation metrics.

Knows about sound and time, not about interviews. Times are in seconds on the audio's own clock.
"""
