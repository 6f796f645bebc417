"""What is said: question packs, phrases, templates, JSON Schemas. Data that non-programmers can edit."""
