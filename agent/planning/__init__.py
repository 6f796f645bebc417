"""From wishes, a resume and a job description to the plan of an interview."""
