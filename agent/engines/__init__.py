"""Which engine each part uses, and the model host: one process with the machine's models, shared by all calls."""
