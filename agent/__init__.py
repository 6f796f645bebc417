"""The body: where voice, mind and memory meet. Thin."""
