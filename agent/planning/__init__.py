"""From wishes, a resume and a job description to the interview that is agreed."""
