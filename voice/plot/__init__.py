"""Plots and tables of the measurements."""
