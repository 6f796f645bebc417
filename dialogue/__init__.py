"""The dialogue manager: plan, decide, phrase, validate, score, report. No LiveKit, no audio, no clock."""
