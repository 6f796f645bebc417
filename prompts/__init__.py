"""What is said: question packs, phrases, templates, JSON Schemas. Data that a non-programmer edits."""
