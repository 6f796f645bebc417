"""The command `viva tune`."""
