"""Which engine each part uses, and the machine's models in one process that every call asks."""
