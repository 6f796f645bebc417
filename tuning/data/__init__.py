"""The records that the model learns from: import, check, split, describe."""
