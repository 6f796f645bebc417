"""Speech synthesis behind LiveKit's `tts.TTS`: streamed clause by clause, with a cache for fixed phrases."""
