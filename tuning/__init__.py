"""The model that words the follow-ups: its data, training, honest evaluation and promotion."""
