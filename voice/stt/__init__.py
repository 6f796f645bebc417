"""Speech recognition behind LiveKit's `stt.STT`: one streaming loop, two engines."""
