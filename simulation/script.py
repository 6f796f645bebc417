"""What a persona says: topics it recognises in what it hears, with lines for a question and its follow-ups. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Segment = str | float  # words to say, or s of silence


@dataclass(frozen=True)
class ScriptLine:
    """One turn of speech: words and pauses in order."""

    segments: tuple[Segment, ...]


@dataclass
class Topic:
    """`listen_for`: words that identify the question. `lines[0]` answers it, the others answer its follow-ups."""

    name: str
    listen_for: tuple[str, ...]
    lines: list[ScriptLine]
    ask_again: ScriptLine | None = None  # said first, once
    barge_in: ScriptLine | None = None  # said over the question, as soon as it is recognised


@dataclass
class Script:
    """Decides what a persona says: takes what was heard, gives the next line."""

    name: str
    voice: str
    topics: list[Topic]
    fallback: list[ScriptLine]
    _current: Topic | None = None
    _used: dict[str, int] = field(default_factory=dict)
    _asked_again: set[str] = field(default_factory=set)

    def recognise(self, heard: str) -> Topic | None:
        """The topic with the most of its words in what was heard, at least two."""
        words = set(re.findall(r"[a-z]+", heard.lower()))
        scored = [(sum(w in words for w in t.listen_for), t) for t in self.topics]
        best = max(scored, key=lambda pair: pair[0], default=(0, None))
        return best[1] if best[0] >= 2 else None

    def interruption(self, heard_so_far: str) -> ScriptLine | None:
        """A line to say over the agent; once per topic that has one."""
        topic = self.recognise(heard_so_far)
        if topic is None or topic.barge_in is None or topic.name in self._asked_again:
            return None
        self._asked_again.add(topic.name)
        self._current = topic
        self._used[topic.name] = max(1, self._used.get(topic.name, 0))
        return topic.barge_in

    def reply(self, heard: str) -> ScriptLine:
        """The next line after the agent said `heard`."""
        topic = self.recognise(heard)
        if topic is not None and self._used.get(topic.name, 0) == 0:
            self._current = topic
            if topic.ask_again is not None and topic.name not in self._asked_again:
                self._asked_again.add(topic.name)
                return topic.ask_again
        topic = self._current
        used = self._used.get(topic.name, 0) if topic else 0
        if topic is None or used >= len(topic.lines):
            count = self._used.get("", 0)
            self._used[""] = count + 1
            return self.fallback[count % len(self.fallback)]
        self._used[topic.name] = used + 1
        return topic.lines[used]

    def remember(self, answered: Sequence[str], open_question: str = "") -> None:
        """Resume a conversation: these questions were answered, `open_question` is still open."""
        for question in answered:
            topic = self.recognise(question)
            if topic is not None and self._used.get(topic.name, 0) == 0:
                self._current = topic
                self._asked_again.add(topic.name)
            if self._current:
                self._used[self._current.name] = self._used.get(self._current.name, 0) + 1
        topic = self.recognise(open_question)
        if topic is not None and self._used.get(topic.name, 0) == 0:
            self._current = topic

    def all_lines(self) -> list[ScriptLine]:
        """Every line it may say."""
        found = [line for t in self.topics for line in [*t.lines, t.ask_again, t.barge_in] if line]
        return [*found, *self.fallback]


def load_script(path: Path) -> Script:
    """A persona file (simulation/personas/*.yaml)."""
    data: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    topics = [
        Topic(
            name=t["name"],
            listen_for=tuple(t["listen_for"]),
            lines=[_line(line) for line in t["lines"]],
            ask_again=_line(t["ask_again"]) if "ask_again" in t else None,
            barge_in=_line(t["barge_in"]) if "barge_in" in t else None,
        )
        for t in data["topics"]
    ]
    return Script(data["name"], data["voice"], topics, [_line(line) for line in data["fallback"]])


def _line(segments: Sequence[Any]) -> ScriptLine:
    return ScriptLine(tuple(float(s) if isinstance(s, int | float) else str(s) for s in segments))


def persona_path(name: str) -> Path:
    """The path of a persona shipped with Vivavoce."""
    return Path(__file__).parent / "personas" / f"{name}.yaml"
