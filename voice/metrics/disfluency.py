"""Hesitation in the words: filler words, repetitions, restarts, cut-off words. Rules in docs/metrics.md.

The rules look at words only, because recognisers punctuate unpredictably. bench/hesitation.py measures their F1 on
our own sentences.
"""

from __future__ import annotations

from collections.abc import Sequence

from voice.pronunciation import dictionary
from voice.words import FILLED_PAUSES, TimedWord


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SINGLE = _set("basically actually literally obviously")
# Contexts in which these words are meant literally.
_MEANT_BEFORE = {
    "actually": _set("what not did does do is was has had that who how"),
    "literally": _set("it them this that"),
}
_MEANT_AFTER = {"literally": _set("the a"), "actually": _set("doing being having")}

# "like" is a verb, a preposition or a comparison after these ...
_LIKE_VERB_BEFORE = _set(
    "i you they would d i'd we'd you'd they'd she'd he'd don't didn't doesn't really not did do does who to people users "
    "nobody everybody anybody also should might will can could"
)
_LIKE_COMPARES_BEFORE = _set(
    "feel feels felt look looks looked looking sound sounds sounded seem seems seemed smell smells taste tastes tasted act "
    "acts acted behave behaves behaved work works worked grow grew react reacted treat treated write writes something "
    "things thing anything nothing everything tools people more much just exactly stuff place places team teams works person "
    "persons users code him me them her feeling days less"
)
# ... and a filler after a form of "be" only if no comparison follows.
_BE = _set("is was were are be been am being it's that's i'm we're they're he's she's there's")
_LIKE_MEANT_AFTER = _set("to that this these those him her them me us it most")
_NUMBERS = _set(
    "one two three four five six seven eight nine ten twenty thirty forty fifty hundred half no every each so really totally super "
    "very completely okay oh only the"
)
_PRONOUNS = _set("i we they he she you it")
_ALLOWED_REPEATS = _set(
    "very really no yes so much many far long had that ha bye well again never ever more now one two three four five six seven "
    "eight nine zero oh word blah there"
)
_EDIT_TERMS = (
    "i mean",
    "sorry",
    "no wait",
    "or rather",
    "actually no",
    "let me rephrase",
    "let me start over",
    "scratch that",
)
_AUXILIARIES = _set("was were had have has did would could will can am are is do should might went got tried wanted")
_OPENERS = _set(
    "and but so because cause then when which who if although while since unless until whereas before after where though"
)


def filler_words(words: Sequence[str]) -> list[str]:
    """Filler words and phrases among plain words, in order; excludes filled pauses such as "um"."""
    words = [w for w in words if w not in FILLED_PAUSES]
    found: list[str] = []
    i = 0
    while i < len(words):
        pair = " ".join(words[i : i + 2])
        if (rule := _PHRASES.get(pair)) and rule(
            _at(words, i - 2), _at(words, i - 1), _at(words, i + 2), _at(words, i + 3)
        ):
            found.append(pair)
            i += 2
            continue
        word, before, after = words[i], _at(words, i - 1), _at(words, i + 1)
        if word in _SINGLE:
            meant = before in _MEANT_BEFORE.get(word, ()) or after in _MEANT_AFTER.get(word, ())
            if not meant or (
                word == "actually" and before in {"was", "is", "that"} and after in _SINGLE | _set("the a my")
            ):
                found.append(word)
        elif word == "like" and _like_fills(_at(words, i - 2), before, after):
            found.append(word)
        i += 1
    return found


def _at(words: Sequence[str], i: int) -> str:
    return words[i] if 0 <= i < len(words) else ""


def _like_fills(earlier: str, before: str, after: str) -> bool:
    if not before:  # "like I said", "like most teams"
        return after not in _PRONOUNS | _set("most many all any the a in")
    if before in _LIKE_COMPARES_BEFORE:
        return False
    if before in _BE or before.endswith("'s"):
        if after in {"so", "i'm", "we", "he", "she", "i"} | _NUMBERS and not (
            before in {"is", "it's"} and after in {"the"}
        ):
            return earlier not in {"what", "sort"}
        return (before in {"was", "were", "are", "i'm", "we're"} and after not in _LIKE_MEANT_AFTER) or _be_fills(
            earlier, before, after
        )
    if before in {"i", "we", "they", "you"}:  # "I like walked" fills, "I like walking" does not
        return after.endswith("ed") or after in _set("never just had went wrote got said told sat took did was")
    if before in _LIKE_VERB_BEFORE:
        return before == "to" and earlier in {"had", "have", "has", "got", "need", "needed"}
    return after not in _LIKE_MEANT_AFTER or (after == "this" and before in {"me", "was", "were"})


def _be_fills(earlier: str, before: str, after: str) -> bool:
    """ "there is like a gap" fills; "it is like a map" compares."""
    return earlier == "there" and after not in _LIKE_MEANT_AFTER


def _you_know(earlier: str, before: str, after: str, later: str) -> bool:
    if before in _set(
        "do did if as what that when how let i don't should would could want to until once because where sure"
    ):
        return before in {"that", "because"} and after in _PRONOUNS
    if before in {"way", "people", "person", "somebody", "someone", "everything", "thing"}:
        return False
    return after not in _set("how what that the why where when who whether her him them this")


def _i_mean(earlier: str, before: str, after: str, later: str) -> bool:
    if before in _set("what that do did"):
        return False
    if before in {"say", "latency", "done", "by", "word"} or earlier in {"by"}:
        return False
    return after not in {"by", "that"} and not (after == "it" and later in {"when", "this", "literally", ""})


def _class(earlier: str, before: str, after: str, later: str) -> bool:
    """ "a sort of index", "what kind of team" name a class; "it was sort of slow" fills."""
    named = _set(
        "a an what this that the some any which every one two same these those another other all merge very our"
    )
    return (
        before not in named and (bool(before) or after not in {"people", "person", "thing"}) and after not in {"course"}
    )


def _or_something(earlier: str, before: str, after: str, later: str) -> bool:
    return after not in _set("else will that similar like bigger smaller is was")


def _or_whatever(earlier: str, before: str, after: str, later: str) -> bool:
    return after not in _PRONOUNS | _set("the else is was your their")


_PHRASES = {
    "you know": _you_know, "i mean": _i_mean, "sort of": _class, "kind of": _class, "or something": _or_something,
    "or whatever": _or_whatever,
}  # fmt: skip


def repetitions(words: Sequence[TimedWord]) -> list[str]:
    """Runs of one to four words repeated immediately ("we we", "in the in the"), ignoring filled pauses.

    Deliberate doubles ("very very"), numbers and spelt letters do not count.
    """
    said = [w.plain for w in words if w.plain and w.plain not in FILLED_PAUSES]
    found: list[str] = []
    i = 0
    while i < len(said):
        for n in (4, 3, 2, 1):
            run = said[i : i + n]
            if len(run) == n and run == said[i + n : i + 2 * n] and not _deliberate(run):
                found.append(" ".join(run))
                i += n
                break
        else:
            i += 1
    return found


def _deliberate(run: list[str]) -> bool:
    return all(word in _ALLOWED_REPEATS or word.isdigit() for word in run)


def cut_offs(words: Sequence[TimedWord]) -> list[str]:
    """Broken-off words: written with a dash ("mon-"), or a non-word that begins the next word ("mont montreal")."""
    found: list[str] = []
    said = [w for w in words if w.plain and w.plain not in FILLED_PAUSES]
    for i, word in enumerate(said):
        following = said[i + 1].plain if i + 1 < len(said) else ""
        dashed = word.text.rstrip(".,?!…").endswith(("-", "—"))
        part = word.plain
        begins = len(part) < len(following) and following.startswith(part) and part not in dictionary()
        if dashed or begins:
            found.append(word.text)
    return found


def restarts(words: Sequence[TimedWord]) -> list[str]:
    """Places where the speaker starts over: an edit term ("no wait"), or the same subject again ("I was I had").

    A text-level estimate; a recogniser that cleans up speech hides most of them.
    """
    text = [w.plain for w in words if w.plain not in FILLED_PAUSES and w.plain]
    found: list[str] = []
    for term in _EDIT_TERMS:
        parts = term.split()
        places = [i for i in range(1, len(text)) if text[i : i + len(parts)] == parts]
        found += [
            term for i in places if term != "i mean" or _i_mean(_at(text, i - 2), text[i - 1], _at(text, i + 2), "")
        ]
    for i in range(len(text) - 3):
        if (
            text[i] in _PRONOUNS
            and text[i + 2] == text[i]
            and text[i + 1] in _AUXILIARIES
            and text[i + 3] != text[i + 1]
        ):
            found.append(" ".join(text[i : i + 4]))
    return found


def ends_clause(text: str) -> bool:
    """Whether the recogniser put clause-final punctuation after this word."""
    return text.rstrip().endswith((".", "?", "!", ",", ";", ":"))


def opens_clause(word: str) -> bool:
    """Whether a plain word begins a clause more often than not."""
    return word in _OPENERS
