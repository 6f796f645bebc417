"""A window of speech on its way to becoming words, and where to cut it if it is too long for the engine. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from voice.audio import SPEECH_RATE
from voice.stt.local_agreement import LocalAgreement
from voice.vad.detector import WINDOW_SECONDS
from voice.words import TimedWord

TAIL = 0.15  # s kept after the speech gate closed
FORCED = 1.5  # multiple of the engine's window beyond which a window is cut even without agreement
FEWEST_STABLE = 3  # words on which two decodes must agree for an unforced cut


@dataclass
class Window:
    """Positions are samples at 16 kHz from the start of the stream."""

    start: int
    announced: bool = False  # START_OF_SPEECH was sent
    closed_at: float | None = None  # s, when the speech gate closed; None while it is open
    end: int | None = None  # where it ends; None while more may come
    decoded: list[TimedWord] | None = None
    decoded_until: int = -1
    agreement: LocalAgreement = field(default_factory=LocalAgreement)
    next_interim: float = 0.0  # s
    shown: str = ""  # the text last sent
    failures: int = 0  # consecutive failed decodes
    _speech: deque[float] = field(default_factory=deque)  # end of each of the detector's windows that is speech, s

    def until(self, now: int) -> int:
        """The position up to which its audio counts."""
        if self.end is not None:
            return self.end
        return now if self.closed_at is None else min(now, round((self.closed_at + TAIL) * SPEECH_RATE))

    def spoke(self, end: float) -> None:
        """Record that the detector's window ending at `end` s is speech."""
        self._speech.append(end)

    @property
    def speech_seconds(self) -> float:
        """Seconds of detected speech in it."""
        return len(self._speech) * WINDOW_SECONDS

    def move_start(self, position: int) -> None:
        """Drop everything before `position`."""
        self.start = position
        self.agreement = LocalAgreement()
        self.decoded, self.decoded_until = None, -1
        while self._speech and self._speech[0] * SPEECH_RATE <= position:
            self._speech.popleft()


def stable_cut(words: Sequence[TimedWord], stable: int) -> int | None:
    """How many of `words` can become final, given that two decodes agree on the first `stable`; None: too few."""
    stable = min(stable, len(words) - 1)
    if stable < FEWEST_STABLE:
        return None
    # The widest gap among the last stable words is the least harmful place.
    return max(range(max(1, stable // 2), stable + 1), key=lambda i: words[i].start - words[i - 1].end)


def between(words: Sequence[TimedWord], count: int) -> int:
    """The sample midway between the first `count` words and the next word."""
    return round((words[count - 1].end + words[count].start) / 2 * SPEECH_RATE)


def forced_cut(words: Sequence[TimedWord], start: int, stop: int) -> tuple[int, int]:
    """Where to cut audio from `start` to `stop` that is too long: (how many of its `words` are final, the new start).

    The new start is after `start` and after every final word. Of audio without words the later half is kept, because a
    word in the dropped half would have been decoded whole. The last word may be truncated by `stop`, so it is kept too
    unless it is the only one.
    """
    middle = start + max(1, (stop - start) // 2)
    if not words:
        return 0, middle
    if len(words) == 1:
        # A single word that began in the later half may still be going on; any other is over, or not a word at all.
        began = round(words[0].start * SPEECH_RATE)
        return (0, middle) if began >= middle else (1, max(middle, min(stop, round(words[0].end * SPEECH_RATE))))
    late = [i for i in range(1, len(words)) if between(words, i) >= middle] or [len(words) - 1]
    count = max(late, key=lambda i: words[i].start - words[i - 1].end)
    return count, min(stop, max(start + 1, between(words, count)))
