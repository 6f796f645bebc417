"""What is left of an interview: the report's folder, its pictures, feedback, coaching, history."""
