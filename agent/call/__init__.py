"""One call: listen, decide, speak, record, measure; and take it up again after a cut."""
