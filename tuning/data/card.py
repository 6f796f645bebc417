"""The dataset card: what the records are, counted rather than claimed."""

from __future__ import annotations

from pathlib import Path

from tuning.data.records import DATA, load_coaching, load_follow_ups
from tuning.data.similarity import deduplicated
from tuning.data.splits import fingerprint
from tuning.data.statistics import Row, describe

_TEXT = """\
# Interview follow-ups and coaching

Written for Vivavoce by its authors in November 2026; a language model did the writing, and no person has reviewed the records one by
one yet. Licence: Apache-2.0, as the project. Language: English, as it is spoken. Personal data: none; persons and cases are invented.

- `follow_ups.jsonl`: an answer to an interview question, the kind of probe, what it should find out (`gap`), a follow-up that a
  careful interviewer could ask, the words of the answer that it is about (`span`, word for word), and why (`rationale`, made from
  probe and gap by rule). Several records share an answer, with different probes.
- `coaching.jsonl`: an answer to a technical question, the words that the feedback rests on (`quote`), one or two sentences of
  feedback, and a level 1 to 5.
- `safety.jsonl`: answers that try to steer the interviewer, or carry what an interviewer must not take up. For the gate, never
  for training.
- `reading/`: labelled answers, utterances and sentences, from which answers are read (`tuning/reader`, and `task: reading`). In
  `answers.jsonl`: an answer to a pack's question in sentences; for each key point whether it is said, contradicted or absent, and in
  which sentences; what each of the question's probes would be after it (best, good, answered, beside); and whether it needs none.

The form of every follow-up passes Vivavoce's validator, every span and quote stands in its answer; `viva tune data` checks it. Answers are
short and long, strong and weak, off the point and refused, with hesitations, repetitions and words that a recogniser gets
wrong. Splits are by question, from the hash of its text: several records of one question are never on two sides.

Limits: the answers were written, not recorded, and most are shorter than those of real interviews; one author has one ear, so
the follow-ups are more alike than those of many interviewers; levels are one annotator's, so no agreement can be given. Human follow-ups to compare with: followQG
(not included; `viva tune data --csv` imports it). Not for: rating or choosing people.
"""


def write(folder: Path = DATA) -> Path:
    """Write the card with fresh statistics."""
    follow_ups, coaching = load_follow_ups(folder / "follow_ups.jsonl"), load_coaching(folder / "coaching.jsonl")
    parts = [_TEXT]
    for title, rows, repeated, mark in (
        (
            "follow_ups.jsonl",
            describe(follow_ups, (0.8, 0.1, 0.1)),
            len(deduplicated(follow_ups)[1]),
            fingerprint(follow_ups),
        ),
        (
            "coaching.jsonl",
            describe(coaching, (0.7, 0.15, 0.15)),
            len(deduplicated(coaching)[1]),
            fingerprint(coaching),
        ),
    ):
        rows = [*rows, ("near-duplicates left", str(repeated)), ("fingerprint", mark)]
        parts.append(f"## {title}\n\n| | |\n|---|---|\n" + "\n".join(_line(r) for r in rows))
    path = folder / "README.md"
    path.write_text("\n\n".join(parts) + "\n", "utf-8")
    return path


def _line(row: Row) -> str:
    return f"| {row[0]} | {row[1]} |"
