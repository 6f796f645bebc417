"""The report, the coach and the comparison, from the events alone."""
