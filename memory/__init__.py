"""Storage: records, events, stores and leases. Depends on none of the other packages."""
