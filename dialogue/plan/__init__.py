"""Which questions, in which order: plan, ability, background, history."""
