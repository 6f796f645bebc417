"""The model that words follow-ups, and the small one that reads answers: their data, training, honest evaluation and promotion."""
