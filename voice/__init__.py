"""Ears and mouth: speech detection, recognition, synthesis, turn-taking, and the measuring of hesitation.

Knows sound and time, nothing of interviews. Times are seconds on the clock of the audio itself.
"""
