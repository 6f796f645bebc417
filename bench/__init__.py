"""Benchmarks: one command each, one table each, peers side by side in one run. Results: docs/results/."""
