"""Training: config, recipe, preference tuning, export."""
