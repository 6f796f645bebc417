"""Has the candidate finished? Patience as explicit rules. Pure: takes cues and times, returns an action.

Four kinds of evidence, in order of weight: what was said ("let me think", an unfinished sentence), how it sounded
(LiveKit's v1-mini end-of-turn probability), the question (a story takes longer than a name), and the person (someone
who makes long pauses inside answers gets more time). docs/architecture.md lists the rules; bench/latency.py measures
false cut-offs and latency together, because either alone is trivial to optimise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from voice.words import FILLED_PAUSES

# Nobody ends a sentence on these.
_OPEN_ENDINGS = frozenset(
    "and but or so because since although though while whereas if when where which who whose than as to of for from with "
    "without at by into between the a an my our your their his its i we they he she were am be been being has had does could "
    "would will should may might must also very really then".split()
)
# Sentences sometimes end on these: open only if neither punctuation nor the sound closes the sentence.
_OFTEN_OPEN = frozenset(
    "that this these those it you her in on about over under is are was have do did can not like more most just even "
    "what how some any all".split()
)
# On their own, these only announce that an answer is coming.
_OPENERS = frozenset("well so okay ok yeah yes right sure oh alright first now look i see hmm".split())
_WORD = re.compile(r"[\w'’-]+")
# A request for time, with at most five words after it ("let me think about that for a moment").
_WANTS_TIME = re.compile(
    r"\b(let me (think|see|just think|consider|recall|remember)|give me (a|one|just a) (second|moment|minute|sec)"
    r"|just (a|one) (second|moment|minute|sec)|i need (a|one) (second|moment|minute)|i'?m (still )?thinking|let'?s see"
    r"|(that'?s|that is) a good question|how (do|should|can) i (put|say) (this|that|it)|what('?s| is) the word"
    r"|hold on|bear with me|one moment)(\W+\w+){0,5}\W*$",
    re.IGNORECASE,
)


class Action(Enum):
    """What the listener should do now."""

    WAIT = "wait"
    COMMIT = "commit"
    NUDGE = "nudge"


@dataclass(frozen=True)
class Patience:
    """Seconds of silence required in each situation, with the thresholds that tell them apart; see `silence_after`."""

    finished: float = 0.6  # sounds finished and reads finished
    unsure: float = 1.3  # sound and words disagree
    open_clause: float = 2.6  # "... because", "... and the"
    filled_pause: float = 3.2  # "... um"
    asked_for_time: float = 12.0  # "let me think"
    likely: float = 0.35  # end-of-turn probability at which the sound says yes (v1-mini's own English threshold: 0.36)
    surely: float = 0.5  # probability at which the sound outweighs a missing full stop
    unlikely: float = 0.12  # probability below which the sound says no
    habit_closed: float = 1.8  # cap on a person's long pauses after a closed sentence
    longest: float = 4.0  # never wait longer than this on hesitation alone
    thin_answer: float = 2.0  # maximum extra when much less was said than the question needs


@dataclass(frozen=True)
class Moment:
    """What is known at one instant of a turn."""

    text: str  # all words of the turn so far, including unstable ones
    speech_seconds: float  # s of speech in the turn so far
    end_of_turn: float | None  # probability from the sound, 0..1; None if not asked yet
    expected_seconds: float  # s that a full answer takes
    habit: float | None  # s: this person's long pauses inside answers (90th percentile); None while unknown


def wants_time(text: str) -> bool:
    """Whether the words end in a request for time ("let me think about that for a second")."""
    return bool(_WANTS_TIME.search(text.strip()))


@dataclass(frozen=True)
class Ending:
    """What the words of a turn say about its end. Computed once per text: a long answer is not reread on every tick."""

    words: bool = False  # there is at least one word, not just white space or punctuation
    wants_time: bool = False
    closed: bool = False  # ends in a full stop, question mark or exclamation mark
    filled_pause: bool = False
    open: bool = False  # nobody ends a sentence like this
    often_open: bool = False  # a sentence might end like this


def read_ending(text: str) -> Ending:
    """Extract everything that the rules need from the words of a turn."""
    words = _WORD.findall(text.lower())
    if not words:
        return Ending()
    last = words[-1]
    return Ending(
        words=True,
        wants_time=wants_time(text),
        closed=text.rstrip().endswith((".", "?", "!")),
        filled_pause=last in FILLED_PAUSES,
        open=last in _OPEN_ENDINGS or all(word in _OPENERS for word in words),
        often_open=last in _OFTEN_OPEN,
    )


def required_silence(moment: Moment, patience: Patience) -> float:
    """Seconds of silence after which the turn counts as over."""
    return silence_after(read_ending(moment.text), moment, patience)


def silence_after(ending: Ending, moment: Moment, patience: Patience) -> float:
    """The same, given the ending of the moment's words."""
    if not ending.words:
        return float("inf")
    if ending.wants_time:
        return patience.asked_for_time
    sound, closed = moment.end_of_turn, ending.closed
    surely = sound is not None and sound >= patience.surely
    if ending.filled_pause:
        needed = patience.filled_pause
    elif ending.open or (ending.often_open and not closed and not surely):
        needed = patience.open_clause
    elif sound is None or patience.unlikely <= sound < patience.likely:
        needed = patience.unsure
    elif sound < patience.unlikely:
        needed = patience.unsure + 0.5
    elif not closed and not surely:
        needed = patience.unsure
    else:
        needed = patience.finished
    share = moment.speech_seconds / max(moment.expected_seconds, 1.0)
    if share < 0.2:
        needed += patience.thin_answer * (1.0 - share / 0.2) ** 1.5
    if moment.habit is not None and not surely:
        needed = max(needed, min(moment.habit, patience.habit_closed if closed else patience.longest))
    return min(needed, patience.longest)


@dataclass
class Endpointer:
    """The state of one candidate turn, and the decision made from it on every tick.

    Times are s on the clock of the candidate's audio. `began`: when the agent's audio ended, giving them the floor.
    """

    began: float
    expected_seconds: float
    think: float  # s of silence before the first nudge
    patience: Patience = field(default_factory=Patience)
    habit: float | None = None
    text: str = ""
    speaking: bool = False
    speech_ended: float | None = None
    speech_started: float | None = None
    speech_seconds: float = 0.0
    end_of_turn: float | None = None
    nudges: int = 0
    last_nudge: float | None = None
    held: float = 0.0  # up to here somebody else spoke or a pause was requested: not the candidate's silence
    inner_pauses: list[float] = field(default_factory=list)
    _ending: Ending = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._ending = read_ending(self.text)

    def speech_began(self, at: float) -> None:
        if self.speech_ended is not None:
            self.inner_pauses.append(max(0.0, at - self.speech_ended))
        self.speaking, self.speech_started, self.speech_ended = True, at, None
        self.end_of_turn = None

    def speech_stopped(self, at: float) -> None:
        if self.speaking and self.speech_started is not None:
            self.speech_seconds += max(0.0, at - self.speech_started)
        self.speaking, self.speech_ended = False, at

    def hold(self, now: float) -> None:
        """This moment does not count as the candidate's silence."""
        self.held = now

    def heard(self, text: str) -> None:
        """Set all words of the turn so far. Cheap if they have not changed."""
        if text != self.text:
            self.text, self._ending = text, read_ending(text)

    def sounded_final(self, probability: float) -> None:
        self.end_of_turn = probability

    @property
    def moment(self) -> Moment:
        return Moment(self.text, self.speech_seconds, self.end_of_turn, self.expected_seconds, self.habit)

    def decide(self, now: float) -> Action:
        """Wait, take the turn, or help a silent candidate. The cost does not depend on the length of the answer."""
        if self.speaking:
            return Action.WAIT
        if not self._ending.words:
            # Sound without words (a cough, a sigh) is a sign of life, not an answer.
            quiet_since = max(self.began, self.speech_ended or 0.0, self.last_nudge or 0.0, self.held)
            return Action.NUDGE if now - quiet_since >= self.think else Action.WAIT
        silence = now - max(self.speech_ended if self.speech_ended is not None else self.began, self.held)
        if self._ending.wants_time:
            quiet_since = max(self.speech_ended or 0.0, self.last_nudge or 0.0, self.held)
            needed = max(self.patience.asked_for_time, 1.5 * self.think)
            return Action.NUDGE if now - quiet_since >= needed else Action.WAIT
        needed = silence_after(self._ending, self.moment, self.patience)
        return Action.COMMIT if silence >= needed else Action.WAIT


def habit_of(pauses: list[float]) -> float | None:
    """A person's long pauses inside answers: the 90th percentile of those of 0.5 to 3 s; None if fewer than three.

    Longer pauses are thinking time, requested or not, and say nothing about how this person usually speaks.
    """
    long = sorted(p for p in pauses if 0.5 <= p <= 3.0)
    return long[min(len(long) - 1, int(0.9 * len(long)))] if len(long) >= 3 else None
