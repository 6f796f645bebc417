"""Whether there is speech, and where: the detector, the frames and the refiner."""
