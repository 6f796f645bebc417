"""One call's recognition, independent of LiveKit: audio in a front end becomes windows, windows become words.

Incoming audio is never held up. A speech gate opens a window, and while it is open the window is decoded repeatedly
(never two decodes at once, at a pace that follows the engine's measured cost); local agreement turns the decodes into
interim words. At a short silence the window is decoded once more: PREFLIGHT. If speech goes on, the window stays open
and nothing is lost; after `final_silence`, or on a flush, the same words become FINAL without another decode.

A decode that fails or hangs ends nothing: its audio is kept and retried, less and less often, until that works. Windows
become final in the order they were spoken. Audio is given up only if it is no longer in memory, if the engine refuses
it while accepting what came later, or if it is left over when no more audio will come.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from voice.audio import SPEECH_RATE, Samples
from voice.engine_thread import EngineCallFailed
from voice.stt.hallucination import believable
from voice.stt.retry import Retry
from voice.stt.window import FORCED, Window, between, forced_cut, stable_cut
from voice.vad.detector import SpeechChange, SpeechGate
from voice.vad.front_end import SPEECH, FrontEnd, window_at
from voice.words import TimedWord, joined

LEAD = 0.35  # s kept from before the gate opened, for soft onsets
REFUSED = 4  # consecutive failures of one window after which the engine is tried on later audio
ENOUGH = 1.0  # s of later audio needed for that test
LAST_TRIES = 3  # when no more audio will come

log = logging.getLogger(__name__)


class Kind(Enum):
    """What a recognition reports."""

    START = "start of speech"
    INTERIM = "interim words"
    PREFLIGHT = "the words so far, at a silence"
    FINAL = "final words"
    END = "end of speech"


@dataclass(frozen=True)
class StreamSettings:
    """Times in s. Speech that resumes between `preflight_silence` and `final_silence` stays in the same window."""

    preflight_silence: float = 0.22
    final_silence: float = 1.2
    interim_every: float = 0.6
    language: str = "en"


Decode = Callable[[Samples, bool], Awaitable[list[TimedWord]]]  # (samples, timed); raises EngineCallFailed
Tell = Callable[[Kind, list[TimedWord]], None]


class Recognition:
    """Call `heard` after pushing audio to `front_end`; `run` decodes until `finish` was called and all is reported.

    Word times are s from the front end's first sample. `begin`: the sample at which audio starts to count.
    `max_window`: s; longer speech is cut at a word on which two decodes agree.
    """

    def __init__(
        self,
        front_end: FrontEnd,
        decode: Decode,
        max_window: float,
        settings: StreamSettings,
        tell: Tell,
        begin: int = 0,
    ) -> None:
        self._front = front_end
        self._decode_samples = decode
        self._most = round(max_window * SPEECH_RATE)
        self._settings = settings
        self._tell = tell
        self._gate = self._new_gate()
        self._next_window = window_at(begin)  # the detector's window, not ours
        self._window: Window | None = None  # the open one
        self._closed: deque[Window] = deque()  # waiting to become final, in order
        self._covered = begin  # audio up to here belongs to closed windows
        self._wake = asyncio.Event()
        self._finished = False
        self._last_tries = 0
        self.retry = Retry()

    @property
    def undecided(self) -> int:
        """The first sample whose words may not have been reported yet."""
        first = self._closed[0] if self._closed else self._window
        return first.start if first is not None else self._front.sound.end

    # -- input -----------------------------------------------------------------------------------------------------

    def heard(self) -> None:
        """Audio was pushed to the front end."""
        detected = self._front.detected_since(self._next_window)
        self._next_window = self._front.windows
        for probability, end in detected:
            if change := self._gate.update(probability, end):
                self._gate_changed(change)
            if self._window and self._gate.speaking and probability > SPEECH:
                self._window.spoke(end)
        window = self._window
        if window and window.closed_at is not None and self._now - window.closed_at >= self._settings.final_silence:
            self._close(window)
        self._wake.set()

    def flush(self) -> None:
        """Make everything heard so far final now."""
        if self._gate.speaking:
            self._gate = self._new_gate()  # speech that goes on opens a new window
        if self._window:
            self._close(self._window)
        self._wake.set()

    def restart(self) -> None:
        """Start over immediately with everything not reported yet, regardless of earlier failures."""
        self.retry.at_once()
        for window in self._closed:
            window.failures = 0
        self.flush()

    def finish(self) -> None:
        """No more audio will come."""
        self.flush()
        self._finished = True
        self._wake.set()

    def _new_gate(self) -> SpeechGate:
        return SpeechGate(min_silence=self._settings.preflight_silence)

    @property
    def _now(self) -> float:
        return self._front.now

    def _gate_changed(self, change: SpeechChange) -> None:
        window = self._window
        if not change.speaking:
            if window:
                window.closed_at = change.time
            return
        if window is None:
            start = max(self._covered, self._front.sound.first, round((change.time - LEAD) * SPEECH_RATE))
            window = self._window = Window(start, next_interim=change.time + self._settings.interim_every)
            if not self._closed:
                self._announce(window)
        window.closed_at = None

    def _close(self, window: Window) -> None:
        window.end = self._covered = window.until(self._front.sound.end)
        self._window = None
        self._closed.append(window)

    # -- decoding --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Decode whatever is due, one window at a time. Returns after `finish`, once all is reported or given up."""
        while True:
            self._forget_lost()
            work = None if self._now < self.retry.at and not self._finished else self._work()
            if work is not None:
                await self._try(*work)
            elif self._finished and not self._closed:
                return
            else:
                await self._wake.wait()
                self._wake.clear()

    def _work(self) -> tuple[Window, Callable[[Window], Awaitable[None]]] | None:
        """What to decode next, if anything."""
        if self._closed:
            return self._closed[0], self._make_final
        window = self._window
        if window is None:
            return None
        if window.closed_at is not None:
            done = window.decoded_until == window.until(self._front.sound.end)
            return None if done else (window, self._preflight)
        return (window, self._interim) if self._now >= window.next_interim else None

    async def _try(self, window: Window, work: Callable[[Window], Awaitable[None]]) -> None:
        try:
            await work(window)
        except EngineCallFailed as error:
            window.failures += 1
            if self.retry.failed(self._now, str(error)):
                log.warning("the recogniser failed (%s); its sound is kept and tried again", error)
            await self._after_failure(window)
        else:
            window.failures = 0
            if (failed := self.retry.worked(self._now)) is not None:
                log.warning("the recogniser works again after %.1f s", failed)

    async def _after_failure(self, window: Window) -> None:
        if self._finished:
            self._last_tries += 1
            if max(window.failures, self._last_tries) >= LAST_TRIES:
                self._give_up(window, "no more sound comes, and the recogniser does not work")
            else:
                await asyncio.sleep(max(0.0, self.retry.at - self._now))
        elif window.failures >= REFUSED and await self._takes_what_came_after(window):
            try:
                await self._make_final(window)
            except EngineCallFailed:
                self._give_up(window, "the recogniser refuses it and takes what came after it")
            self.retry.worked(self._now)

    async def _takes_what_came_after(self, window: Window) -> bool:
        """Whether the engine works and only fails on this window."""
        later = self._closed[1] if len(self._closed) > 1 else self._window
        if later is None or later is window:
            return False
        stop = min(later.until(self._front.sound.end), later.start + self._most)
        if stop - later.start < ENOUGH * SPEECH_RATE:
            return False
        try:
            await self._decode(later, stop, timed=True)
        except EngineCallFailed:
            return False
        return True

    async def _interim(self, window: Window) -> None:
        await self._shorten(window)
        began = asyncio.get_running_loop().time()
        words = await self._decode(window, window.until(self._front.sound.end), timed=False)
        took = asyncio.get_running_loop().time() - began
        if window.end is not None:
            return
        window.next_interim = self._now + max(self._settings.interim_every, 1.5 * took)
        self._show(window, Kind.INTERIM, window.agreement.update(words))
        if self._front.sound.end - window.start > self._most:
            await self._cut(window)

    async def _preflight(self, window: Window) -> None:
        await self._shorten(window)
        until = window.until(self._front.sound.end)
        window.decoded = await self._decode(window, until, timed=True)
        window.decoded_until = until
        if window.decoded:
            window.shown = ""
            self._show(window, Kind.PREFLIGHT, window.decoded)

    async def _cut(self, window: Window) -> None:
        """Speech longer than the engine's window: the stable part becomes final, the window continues after it."""
        stop = window.until(self._front.sound.end)
        words = await self._decode(window, stop, timed=True)
        if window.end is not None:
            return
        if not words:
            window.move_start(forced_cut(words, window.start, stop)[1])
        elif (count := stable_cut(words, len(window.agreement.stable))) is not None:
            self._tell(Kind.FINAL, words[:count])
            window.move_start(between(words, count))

    async def _shorten(self, window: Window) -> None:
        """Shorten, oldest part first, a window that had no unforced cut or that grew while decoding failed."""
        while window.until(self._front.sound.end) - window.start > FORCED * self._most:
            stop = window.start + self._most
            words = await self._decode(window, stop, timed=True)
            count, start = forced_cut(words, window.start, stop)
            if count:
                self._tell(Kind.FINAL, words[:count])
            window.move_start(start)

    async def _make_final(self, window: Window) -> None:
        assert window.end is not None
        self._announce(window)
        await self._shorten(window)
        if window.decoded is None or window.decoded_until < window.end:
            window.decoded = await self._decode(window, window.end, timed=True)
        self._done(window, window.decoded)

    async def _decode(self, window: Window, stop: int, *, timed: bool) -> list[TimedWord]:
        samples = self._front.sound.read(window.start, stop)
        if not len(samples):
            return []
        offset = window.start / SPEECH_RATE
        words = await self._decode_samples(samples, timed)
        return [word.shifted(offset) for word in believable(words, window.speech_seconds)]

    # -- output ----------------------------------------------------------------------------------------------------

    def _announce(self, window: Window) -> None:
        if not window.announced:
            window.announced = True
            self._tell(Kind.START, [])

    def _show(self, window: Window, kind: Kind, words: list[TimedWord]) -> None:
        text = joined(words)
        if text and text != window.shown:
            window.shown = text
            self._tell(kind, words)

    def _done(self, window: Window, words: list[TimedWord]) -> None:
        if words:
            self._tell(Kind.FINAL, words)
        self._tell(Kind.END, [])
        self._closed.popleft()
        if not self._closed and self._window:
            self._announce(self._window)

    def _forget_lost(self) -> None:
        """Give up audio that is no longer in memory because the recogniser failed for longer than audio is kept."""
        first = self._front.sound.first
        while self._closed and self._closed[0].until(first) <= first:
            self._give_up(self._closed[0], "it is no longer kept")
        window = self._closed[0] if self._closed else self._window
        if window is not None and window.start < first:
            log.error("%.1f s of sound are no longer kept and stay without words", (first - window.start) / SPEECH_RATE)
            window.move_start(first)

    def _give_up(self, window: Window, why: str) -> None:
        """End the first closed window without words."""
        until = window.until(self._front.sound.end)
        log.error("%.1f s of sound stay without words: %s", (until - window.start) / SPEECH_RATE, why)
        self._announce(window)
        self._done(window, [])
