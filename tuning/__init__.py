"""The model that words the follow-ups: its data, its training, an honest evaluation, promotion."""
