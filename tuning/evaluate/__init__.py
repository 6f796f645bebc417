"""Honest evaluation: systems side by side, significance, people's marks, the gate."""
