"""One stretch of speech on its way to words, and where it is cut when it gets longer than an engine likes. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from voice.audio import SPEECH_RATE
from voice.stt.local_agreement import LocalAgreement
from voice.vad.detector import WINDOW_SECONDS
from voice.words import TimedWord

TAIL = 0.15  # s kept after the speech gate closed
FORCED = 1.5  # of an engine's window: from there on it is cut whatever two decodes agree on
FEWEST_STABLE = 3  # words that two decodes agree on, for an unforced cut


@dataclass
class Window:
    """Positions are samples at 16 kHz from the start of the stream."""

    start: int
    announced: bool = False  # START_OF_SPEECH was sent
    closed_at: float | None = None  # s, when the speech gate closed; None while it is open
    end: int | None = None  # up to where it is to be made final; None while more may come
    decoded: list[TimedWord] | None = None
    decoded_until: int = -1
    agreement: LocalAgreement = field(default_factory=LocalAgreement)
    next_interim: float = 0.0  # s
    shown: str = ""  # the text that was last sent
    failures: int = 0  # decodes in a row that failed
    _speech: deque[float] = field(default_factory=deque)  # when each window of the detector that is speech ended, s

    def until(self, now: int) -> int:
        """Up to where it has sound that counts."""
        if self.end is not None:
            return self.end
        return now if self.closed_at is None else min(now, round((self.closed_at + TAIL) * SPEECH_RATE))

    def spoke(self, end: float) -> None:
        """The detector heard speech in its window that ends at `end` s."""
        self._speech.append(end)

    @property
    def speech_seconds(self) -> float:
        """s of speech that the detector heard in it."""
        return len(self._speech) * WINDOW_SECONDS

    def move_start(self, position: int) -> None:
        """What lies before is done with."""
        self.start = position
        self.agreement = LocalAgreement()
        self.decoded, self.decoded_until = None, -1
        while self._speech and self._speech[0] * SPEECH_RATE <= position:
            self._speech.popleft()


def stable_cut(words: Sequence[TimedWord], stable: int) -> int | None:
    """How many of `words` can be made final, of which two decodes agree on `stable`; None: too few to cut among."""
    stable = min(stable, len(words) - 1)
    if stable < FEWEST_STABLE:
        return None
    # The widest gap among the last stable words is the least harmful place.
    return max(range(max(1, stable // 2), stable + 1), key=lambda i: words[i].start - words[i - 1].end)


def between(words: Sequence[TimedWord], count: int) -> int:
    """The sample in the middle between the first `count` words and the next."""
    return round((words[count - 1].end + words[count].start) / 2 * SPEECH_RATE)


def forced_cut(words: Sequence[TimedWord], start: int, stop: int) -> tuple[int, int]:
    """Where sound from `start` to `stop` is cut that is too long: (how many of its `words` are final, the new start).

    The new start lies after `start`, and every final word before it. Sound without words stays for its later half, so that
    whatever is forgotten lay whole in what was decoded; the last word may be cut off by `stop` and is kept, unless it is
    all there is.
    """
    middle = start + max(1, (stop - start) // 2)
    if not words:
        return 0, middle
    if len(words) == 1:
        # One word that began in the later half may still be going on; one that did not is over, or is no word.
        began = round(words[0].start * SPEECH_RATE)
        return (0, middle) if began >= middle else (1, max(middle, min(stop, round(words[0].end * SPEECH_RATE))))
    late = [i for i in range(1, len(words)) if between(words, i) >= middle] or [len(words) - 1]
    count = max(late, key=lambda i: words[i].start - words[i - 1].end)
    return count, min(stop, max(start + 1, between(words, count)))
