"""The command `viva`."""
