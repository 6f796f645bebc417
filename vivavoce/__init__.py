"""What every package may use and that knows none of them: the base of our errors."""
