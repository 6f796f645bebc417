"""Voice activity: whether there is speech (detector), and where (frames, refiner, boundaries)."""
