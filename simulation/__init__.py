"""Simulated candidates: scripted personas that speak and listen through sound alone."""
