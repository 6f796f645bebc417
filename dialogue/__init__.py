"""The interviewer's mind: plan, decide, phrase, validate, score, report. No LiveKit, no audio, no clock."""
