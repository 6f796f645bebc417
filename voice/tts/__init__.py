"""Speech synthesis behind LiveKit's `tts.TTS`: streamed by clause, with a cache for fixed phrases."""
