"""Benchmarks: each one command and one table, with peers side by side in the same run. Results: docs/results/."""
