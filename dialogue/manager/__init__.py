"""The dialogue manager: what the candidate wants, what to say next, and the reply."""
