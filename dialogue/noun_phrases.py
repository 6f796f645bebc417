"""The candidate's own words for things: noun phrases that can be picked up in a question, pronouns turned. Pure.

Without a tagger: a phrase starts at a determiner ("our", "the", "a") and takes the following words up to the first
that cannot stand inside a noun phrase. Precision before recall: no phrase is better than a broken one.
"""

from __future__ import annotations

import re

from dialogue.language import FILLERS, STOPWORDS

_DETERMINERS = {
    "our": "your",
    "my": "your",
    "the": "the",
    "their": "their",
    "his": "his",
    "her": "her",
    "this": "this",
    "a": "the",
    "an": "the",
}
_VERBISH = frozenset(
    (
        "was were is are had has have did do does went came got took made said told asked wanted needed started "
        "decided could would should will can might must used kept put let ran broke moved built wrote changed "
        "fixed cut gave found felt knew saw thought became seemed looked worked helped showed meant happened ended "
        "turned led left lost sent set spent stood tried called means goes comes gets takes makes says tells asks "
        "wants needs starts decides uses keeps puts lets runs breaks moves builds writes changes fixes cuts gives "
        "finds feels knows sees thinks becomes seems looks works helps shows happens ends turns"
    ).split()
)
_VAGUE = frozenset(
    (
        "thing things stuff way lot bit time times day days end beginning fact case point part kind sort question "
        "answer moment second minute year years week weeks month months people person something everything problem "
        "reason first last next other same company office place role position job work one ones whole rest half most least best worst beginning "
        "middle"
    ).split()
)
# A person is not a subject to be asked about ("what came of your manager?").
_PERSONS = frozenset(
    (
        "manager boss colleague colleagues team teams customer customers client clients user users analyst "
        "analysts director friend friends developer developers engineer engineers lead man woman guy guys girl boy "
        "wife husband mother father kids"
    ).split()
)
_ADJECTIVE_LIKE = frozenset(
    "new old big small long short hard good bad whole entire main first second last other own very really".split()
)
LONGEST = 4  # words after the determiner


def noun_phrases(text: str) -> list[str]:
    """Usable phrases in order, second person ("our reporting pipeline" becomes "your reporting pipeline")."""
    found: list[str] = []
    words = re.findall(r"[A-Za-z0-9][\w'’-]*|[.,;:?!]", text)
    i = 0
    while i < len(words):
        turned = _DETERMINERS.get(words[i].lower())
        if turned is None:
            i += 1
            continue
        body: list[str] = []
        for word in words[i + 1 :]:
            if len(body) == LONGEST or not _inside(word, bool(body)):
                break
            body.append(word)
        while body and body[-1].lower() in _ADJECTIVE_LIKE:
            body.pop()
        phrase = " ".join([turned, *(_plain_case(w) for w in body)])
        if (
            body
            and not all(w.lower() in _VAGUE | _ADJECTIVE_LIKE for w in body)
            and _substantial(body)
            and phrase not in found
        ):
            found.append(phrase)
        i += max(1, len(body))
    return found


def _inside(word: str, begun: bool) -> bool:
    low = word.lower().replace("’", "'")
    if not low[0].isalnum() or low in FILLERS or "'" in low:
        return False
    if low in STOPWORDS and low not in {"own", "same"}:
        return False
    if begun and (low in _VERBISH or (low.endswith("ed") and len(low) > 4) or low.endswith("ly")):
        return False
    return low not in _VERBISH


def _substantial(body: list[str]) -> bool:
    return sum(len(w) for w in body) >= 4 and len(body[-1]) > 2 and body[-1].lower() not in _VAGUE | _PERSONS


def _plain_case(word: str) -> str:
    """Recognisers capitalise at random; keep only acronyms."""
    return word if word.isupper() and len(word) > 1 else word.lower()
