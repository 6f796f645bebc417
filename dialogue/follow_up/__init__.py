"""Follow-ups: whether to probe, what for, how to word it, and the gate before it is spoken."""
