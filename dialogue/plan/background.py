"""What an interview can use from a resume and a job description: expected terms, claims to ask about, gaps. Pure.

It reads words, not people: nothing on age, family, origin or any protected matter is taken from a resume, and a name
is only a hint for the recogniser.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dialogue.analysis.language import STOPWORDS, content_stems, stem, tokens
from dialogue.analysis.lexicon import is_past
from dialogue.follow_up.validator import validate
from dialogue.plan.generic import generic_question, slug
from memory.records import PlannedQuestion

MOST_HINTS = 60
MOST_CLAIMS = 5
_NUMBER = re.compile(
    r"\b\d+(?:[.,]\d+)?\s*(?:%|percent|x|times|k|m|million|thousand|people|users|engineers|customers|hours|days|euros|dollars)?"
)
_OWNED = frozenset("led built designed reduced increased improved launched created saved migrated introduced managed trained won cut founded automated grew wrote".split())  # fmt: skip
_PERSONAL = re.compile(
    r"\b(born|birth|age|married|single|children|nationality|citizen\w*|religio\w*|gender|male|female|photo|passport|visa|address|phone|"
    r"e-?mail|street|disab\w*|military|hobb\w*)\b|@|\+?\d[\d ()/-]{7,}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Claim:
    """Something in a resume that can be asked about: the line, and how strong it is (numbers and acts)."""

    text: str
    weight: int


@dataclass(frozen=True)
class Background:
    """`hints`: names and terms for the recogniser. `gaps`: terms of the job that the resume lacks."""

    hints: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    gaps: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()


def read_background(resume: str, job: str) -> Background:
    """Reads both texts, either of which may be empty."""
    job_terms, resume_terms = terms(job), terms(resume)
    have = {stem(t.lower()) for t in resume_terms} | content_stems(resume)
    gaps = tuple(t for t in job_terms if not ({stem(w) for w in tokens(t)} & have))
    hints = tuple(dict.fromkeys([*job_terms, *resume_terms]))[:MOST_HINTS]
    return Background(hints, tuple(claims(resume)), gaps[:12] if resume.strip() else (), tuple(job_terms[:20]))


def terms(text: str) -> list[str]:
    """Names and technical terms: capitalised inside a sentence, acronyms, with digits or marks (C++, k8s, Node.js)."""
    counted: Counter[str] = Counter()
    for line in text.splitlines():
        if _PERSONAL.search(line):
            continue
        words = re.findall(r"[A-Za-z][\w+#./-]*[\w+#]|[A-Za-z]", line)
        for i, word in enumerate(words):
            word = word.strip("./-")
            low = word.lower()
            odd = (
                any(c.isdigit() or c in "+#." for c in word)
                or (word.isupper() and len(word) > 1)
                or re.search(r"[a-z][A-Z]", word)
            )
            named = i > 0 and word[:1].isupper() and low not in STOPWORDS and not words[i - 1].endswith(".")
            if len(word) > 1 and (odd or named) and low not in STOPWORDS:
                counted[word] += 1
    return [term for term, _ in counted.most_common()]


def claims(resume: str) -> list[Claim]:
    """The few strongest claims; lines with an act and a number come first."""
    found: list[Claim] = []
    for line in re.split(r"[\n•]+|(?<=[.;])\s+", resume):
        text = line.strip(" \t-*–·.;")
        words = tokens(text)
        if not 4 <= len(words) <= 30 or _PERSONAL.search(text):
            continue
        acts = sum(w in _OWNED or is_past(w) for w in words[:4])
        weight = 2 * bool(acts) + 2 * bool(_NUMBER.search(text)) + (words[0] in _OWNED)
        if acts and weight >= 2:
            found.append(Claim(text, weight))
    return sorted(found, key=lambda c: -c.weight)[:MOST_CLAIMS]


def claim_questions(background: Background, count: int) -> list[PlannedQuestion]:
    """Questions on the strongest claims, worded neutrally. Practice only: a screening asks everyone the same."""
    questions: list[PlannedQuestion] = []
    for claim in background.claims:
        quote = " ".join(re.sub(r"[^\w\s%'’.,-]", " ", claim.text).split()[:14]).rstrip(".,")
        quote = quote[:1].lower() + quote[1:] if not quote[:2].isupper() else quote
        text = f"Your resume says that you {quote}. How did you go about it?"
        if tokens(quote)[0] not in _OWNED and not is_past(tokens(quote)[0]):
            text = f"Your resume says: {quote}. How did you go about it?"
        bad = {
            "leads the candidate",
            "judges the answer",
            "touches a protected topic",
            "cannot be spoken",
            "talks about the system, not about the answer",
        }
        if not bad & set(validate(text, earlier=[]).problems) and len(questions) < count:
            question = generic_question(text, f"claim-{slug(claim.text, 24)}", "experience")
            questions.append(question.model_copy(update={"short": f"How did you go about it: {quote}?"[:100]}))
    return questions


def domains_of(text: str, packs: Mapping[str, Sequence[PlannedQuestion]]) -> dict[str, float]:
    """How much of a text's vocabulary belongs to each pack, 0..1, relative to what all packs share."""
    said = Counter(stem(t) for t in tokens(text) if t not in STOPWORDS and len(t) > 1)
    if not said:
        return dict.fromkeys(packs, 0.0)
    words = {
        name: {
            stem(t)
            for q in qs
            for t in tokens(f"{q.competency} {q.text} {' '.join(x for p in q.key_points for x in p.terms)}")
        }
        for name, qs in packs.items()
    }
    rarity = {w: sum(w in vocabulary for vocabulary in words.values()) for w in said}
    scores = {
        name: sum(n / rarity[w] ** 2 for w, n in said.items() if w in vocabulary) for name, vocabulary in words.items()
    }
    most = max(scores.values()) or 1.0
    return {name: round(score / most, 3) for name, score in scores.items()}
