"""Labelled answers, utterances and sentences as training rows: two lists of words, a task, a label. Pure but for the files.

Rows are split by question (answers) or by utterance, so what thresholds are set on was not trained on.
"""

from __future__ import annotations

import csv
import json
import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from dialogue.analysis.language import sentences
from dialogue.understanding.pairs import act_pair, point_pair, probe_pair, wall_pair
from prompts.loader import load_neutral_probes, load_pack

Task = Literal["act", "wall", "point", "probe"]
DEV_SHARE = 8  # one question or utterance in so many sets the thresholds


@dataclass(frozen=True)
class Row:
    """`evidence`: indices into `b` of the words that show the label. `dev`: held back for thresholds."""

    task: Task
    a: list[str]
    b: list[str]
    label: str
    evidence: list[int] = field(default_factory=list)
    dev: bool = False
    source: str = ""


def rows_of(folder: Path, followqg: Path | None = None) -> Iterator[Row]:
    """All rows of a folder with acts.jsonl, wall.jsonl, answers.jsonl and neutral.jsonl (labels by key of `followqg`)."""
    for path in sorted(folder.glob("acts*.jsonl")):
        for line in _lines(path):
            yield from act_rows(line)
    for path in sorted(folder.glob("wall*.jsonl")):
        for line in _lines(path):
            yield Row("wall", *wall_pair(line["text"].split()), line["kind"], dev=_dev(line["text"]))
    for line in _lines(folder / "answers.jsonl"):
        yield from answer_rows(line)
        # Written to hold nothing private: what most sentences of an interview are like.
        dev = _dev(f"{line['pack']}/{line['id']}")
        for sentence in line["answer"]:
            yield Row("wall", *wall_pair(sentence.split()), "none", dev=dev, source="ordinary")
    for line in _lines(folder / "neutral_packs.jsonl"):
        question = next(q for q in load_pack(line["pack"])["questions"] if q["id"] == line["id"])
        yield from neutral_rows_of(
            question["text"], line["answer"], line["probes"], _dev(f"{line['pack']}/{line['id']}")
        )
    if followqg is not None and followqg.is_file():
        yield from neutral_rows(folder / "neutral.jsonl", followqg)


def act_rows(line: dict[str, Any]) -> Iterator[Row]:
    """One row a sentence, as the reader cuts an utterance; sentences of one segment share its act."""
    pieces = [(words.split(), s["act"]) for s in line["segments"] for words in sentences(s["text"])]
    segments = [words for words, _ in pieces]
    dev = _dev(" ".join(s["text"] for s in line["segments"]))
    for i, segment in enumerate(segments):
        before = [w for s in segments[:i] for w in s]
        after = [w for s in segments[i + 1 :] for w in s]
        yield Row("act", *act_pair(segment, before, after), pieces[i][1], dev=dev)


def answer_rows(line: dict[str, Any]) -> Iterator[Row]:
    """The key points and probes of one labelled answer to a pack's question."""
    question = next(q for q in load_pack(line["pack"])["questions"] if q["id"] == line["id"])
    sentences = [s.split() for s in line["answer"]]
    words = [w for s in sentences for w in s]
    starts = [sum(len(s) for s in sentences[:i]) for i in range(len(sentences))]
    dev = _dev(f"{line['pack']}/{line['id']}")
    says = {p["name"]: p["says"] for p in question["key_points"]}
    for name, (label, where) in line["points"].items():
        a, b = point_pair(says[name], words)
        evidence = [starts[n] + k for n in where for k in range(len(sentences[n]))]
        yield Row("point", a, b, label, evidence, dev, line["kind"])
    for probe, label in zip(question["probes"], line["probes"], strict=True):
        yield Row("probe", *probe_pair(probe["text"], probe["asks"], words), label, dev=dev, source=line["kind"])
    if not dev:
        yield from _with_what_answers(question["probes"], sentences, line)


def _with_what_answers(
    probes: Sequence[dict[str, Any]], sentences: Sequence[Sequence[str]], line: dict[str, Any]
) -> Iterator[Row]:
    """The answer with a piece that gives what one probe asks for: answered for that one, as before for its neighbour.

    The pieces are the pack author's (`answered_by`). Only for learning: thresholds are set on answers as they were given.
    """
    chance = random.Random(" ".join(line["answer"]))
    n = chance.randrange(len(probes))
    piece = chance.choice(probes[n]["answered_by"]).split()
    at = chance.randint(1, len(sentences))
    words = [w for s in [*sentences[:at], piece, *sentences[at:]] for w in s]
    neighbour = (n + 1) % len(probes)
    for i, label in ((n, "answered"), (neighbour, line["probes"][neighbour])):
        pair = probe_pair(probes[i]["text"], probes[i]["asks"], words)
        yield Row("probe", *pair, label, source="made")


def neutral_rows(labels: Path, followqg: Path) -> Iterator[Row]:
    """Neutral probes after other people's answers. The answers stay in their own file; ours has the labels."""
    answers = {}
    with followqg.open(encoding="utf-8", errors="replace", newline="") as file:
        for record in csv.DictReader(file):
            question, answer = record["question"].strip(), record["answer"].strip()
            answers[key_of(question, answer)] = (question, answer)
    for line in _lines(labels):
        question, answer = answers[line["key"]]
        yield from neutral_rows_of(question, answer, line["probes"], _dev(question))


def neutral_rows_of(question: str, answer: str, labels: dict[str, str], dev: bool) -> Iterator[Row]:
    """Neutral probes after one answer; they are read with the question, since they name no subject themselves."""
    probes = {p["id"]: p for p in load_neutral_probes()}
    for name, label in labels.items():
        a, b = probe_pair(probes[name]["text"], probes[name]["asks"], answer.split(), question)
        yield Row("probe", a, b, label, dev=dev, source="neutral")


def key_of(question: str, answer: str) -> str:
    """Names a row of followQG without holding its text."""
    return format(zlib.crc32(f"{question}\n{answer}".encode()), "08x")


def write_rows(rows: Iterator[Row], path: Path) -> int:
    """One JSON object a line; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
            count += 1
    return count


def _dev(text: str) -> bool:
    return zlib.crc32(f"dev:{text}".encode()) % DEV_SHARE == 0


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.is_file():
        for text in path.read_text("utf-8").splitlines():
            if text.strip():
                yield json.loads(text)
