"""Which questions, in which order: plan, background, history."""
