"""Understanding an answer: one reading of it, which policy, report and coach share."""
