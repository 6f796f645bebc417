"""One call: listen, decide, speak, record, measure, and resume after a cut."""
