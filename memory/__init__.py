"""What is remembered: records, events, stores and leases. Knows none of the other packages."""
