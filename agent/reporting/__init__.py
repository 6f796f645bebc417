"""What remains of an interview: the report folder, its pictures, feedback, coaching, history."""
