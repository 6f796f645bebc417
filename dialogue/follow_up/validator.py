"""The gate before anything is spoken: is this one good follow-up question? Rules with reasons. Pure.

It judges what authors write and every language model alike. A model's output is data: nothing in it is executed,
and an instruction a candidate spoke cannot pass, because the result must still be one short question about the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dialogue.analysis.language import overlap, tokens

LONGEST = 25  # words
SAME = 0.6  # overlap of content stems from which two questions ask the same thing

_LEADING = re.compile(
    r"\b(don't you|wouldn't you|isn't it|aren't you|didn't you|i assume|i suppose|i guess|surely|obviously|so you (were|are|did|must)"
    r"|would you agree|you must have|of course you)\b|,\s*(right|correct|no|yes)\?$",
    re.IGNORECASE,
)
# Never praise; no blame for the answer ("your weak point", "that is wrong"), but things may be wrong ("a wrong label").
_VERDICT = re.compile(
    r"\b(great|excellent|impressive|amazing|wonderful|fantastic|brilliant|awesome|good (job|answer|point|work)|well done|nice|interesting)\b"
    r"|\bperfect\b(?=[.!,]|$)|\b(that|this)( is|'s| was) (right|wrong|correct|incorrect|weak|poor|perfect)\b"
    r"|\byou( are|'re| were) (right|wrong|correct|incorrect)\b|\byour (weak|poor|wrong|disappointing)\b"
    r"|\b(weak|poor|wrong|incorrect|disappointing) (answer|reply|point)\b|\bdisappointing\b",
    re.IGNORECASE,
)
_PROTECTED = re.compile(
    r"\b(how old|your age|married|marriage|husband|wife|spouse|partner at home|children|kids|pregnan\w*|family plans|religio\w*|church|"
    r"mosque|temple|god|ethnic\w*|race(?! condition)|racial|nationality|citizenship|where are you from|born|native language|mother tongue|accent|"
    r"disab\w*|illness|sick leave|medical|diagnos\w*|mental health|sexual\w*|gender|gay|lesbian|politic\w*|vote|party member|union member|"
    r"salary history|previous salary|current salary|arrested|criminal record|military service|your weight|your height)\b",
    re.IGNORECASE,
)
_UNSPEAKABLE = re.compile(r"[*_#`<>\[\]{}|\\^~=@/]|https?:|www\.|\n|[\U0001F000-\U0001FAFF]|\d{6,}")
_INSTRUCTION = re.compile(
    r"\b(ignore (all|your|the|previous)|system prompt|as an ai|as a language model|your rubric|the rubric|give (me|him|her|them) (a|the) (5|five|top|full)"
    r"|(reply|respond|answer|return|output) (in|with|as) json|(your|these|previous|the above) instructions)\b",
    re.IGNORECASE,
)
_OPTIONS = re.compile(
    r"\b(for example|such as|e\.g\.|like, say|maybe by|perhaps by|was it because|is it because)\b",
    re.IGNORECASE,
)
# "..., and why?" asks for the same thing in full; "what happened, and how did you decide?" asks for two.
_TWO_ASKS = re.compile(
    r"\w,?\s+(and|or)\s+(also\s+)?(what|how|why|when|who|where|which|did|do|does|is|are|was|were|can|could|would)\b(?!(\s+[\w']+){0,2}\?$)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Verdict:
    """`problems` is empty for a valid follow-up."""

    problems: tuple[str, ...]

    @property
    def valid(self) -> bool:
        return not self.problems


def validate(text: str, *, earlier: Sequence[str]) -> Verdict:
    """Check a follow-up's form. `earlier`: all questions asked so far. Whether it is any good, people judge."""
    text = text.strip()
    words = tokens(text)
    problems: list[str] = []
    if text.count("?") != 1 or not text.endswith("?"):
        problems.append("must be exactly one question")
    if not 3 <= len(words) <= LONGEST:
        problems.append(f"must have 3 to {LONGEST} words, has {len(words)}")
    for pattern, problem in (
        (_TWO_ASKS, "asks two things"),
        (_LEADING, "leads the candidate"),
        (_OPTIONS, "hints at an answer"),
        (_VERDICT, "judges the answer"),
    ):
        if pattern.search(text):
            problems.append(problem)
    problems += unsuitable(text)
    if any(overlap(text, old) >= SAME for old in earlier):
        problems.append("was asked before")
    return Verdict(tuple(problems))


def unsuitable(text: str) -> list[str]:
    """What no text of ours, question or feedback, may contain: protected topics, unspeakable marks, the system."""
    rules = (
        (_PROTECTED, "touches a protected topic"),
        (_UNSPEAKABLE, "cannot be spoken"),
        (_INSTRUCTION, "talks about the system, not about the answer"),
    )
    return [problem for pattern, problem in rules if pattern.search(text)]
