"""The candidate's own words for things: noun phrases that a question can pick up, with pronouns turned. Pure.

Without a tagger: a phrase starts at a determiner ("our", "the", "a") and runs up to the first word that, by the
dictionary, cannot be inside a noun phrase. Precision before recall: no phrase is better than a broken one.
"""

from __future__ import annotations

import re

from dialogue.analysis.language import FILLERS, STOPWORDS
from dialogue.analysis.lexicon import is_past, is_plural, kinds

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
_VAGUE = frozenset(
    (
        "thing things stuff way lot bit time times day days end beginning fact case point part kind sort question "
        "answer moment second minute year years week weeks month months people person something everything problem "
        "reason first last next other same company office place role position job work one ones whole rest half most least best worst beginning "
        "middle situation situations reasons interest interests goal goals times life others ability nature sense idea ideas chance "
        "opportunity opportunities benefit benefits state level levels"
    ).split()
)
# Not a subject to ask about ("what came of your manager?").
_PERSONS = frozenset(
    (
        "manager boss colleague colleagues team teams customer customers client clients user users analyst "
        "analysts director friend friends developer developers engineer engineers lead man woman guy guys girl boy "
        "wife husband mother father kids senior seniors junior student students teacher professor candidate parents friends "
        "interviewer human humans"
    ).split()
)
_ADJECTIVE_LIKE = frozenset(
    "new old big small long short hard good bad whole entire main first second last other own very really multiple several different many few".split()
)
LONGEST = 4  # words after the determiner


def noun_phrases(text: str) -> list[str]:
    """Usable phrases in order, in the second person ("our reporting pipeline" becomes "your reporting pipeline")."""
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
            if len(body) == LONGEST or not _inside(word, body):
                break
            body.append(word)
        while body and (body[-1].lower() in _ADJECTIVE_LIKE or not _ends(body[-1])):
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


def _inside(word: str, body: list[str]) -> bool:
    """Whether a word can continue the phrase that began with `body`."""
    low = word.lower().replace("’", "'")
    if not low[0].isalnum() or low in FILLERS or "'" in low:
        return False
    if low in STOPWORDS and low not in {"own", "same"}:
        return False
    if body and is_plural(body[-1]):  # what follows "the users" is what they do
        return False
    can = kinds(low)
    if body and low.endswith("s") and {"NOUN", "VERB"} <= can and "NOUN" in kinds(body[-1]):
        return False  # "the person reaches": more likely a verb
    if body and not can and low.endswith("ed"):
        return False
    if can & {"NOUN", "ADJ", "PROPN"} or not can:
        # "the old process moved": a past form after a noun is what happened.
        return not (body and is_past(low) and "NOUN" in kinds(body[-1]) and "NOUN" not in can)
    return False


def _ends(word: str) -> bool:
    """Whether a phrase can end in this word: a noun, or a name the dictionary does not know."""
    can = kinds(word)
    return not can or bool(can & {"NOUN", "PROPN"})


def _substantial(body: list[str]) -> bool:
    return sum(len(w) for w in body) >= 4 and len(body[-1]) > 2 and body[-1].lower() not in _VAGUE | _PERSONS


def _plain_case(word: str) -> str:
    """Recognisers capitalise at random; only acronyms are kept."""
    return word if word.isupper() and len(word) > 1 else word.lower()
