"""The embedded reader: a small model on this machine, no torch, no server. It says only what it was measured to be right about.

Grown on partial words: a segment or a pair that was judged is not judged again while its words stay the same.
"""

from __future__ import annotations

import asyncio
import functools
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence

from dialogue.analysis.language import closes_sentence, tokens
from dialogue.understanding.pairs import Pair, act_pair, point_pair, probe_pair
from dialogue.understanding.reader import Answer
from dialogue.understanding.segments import covered, passage, segments
from dialogue.understanding.small_model import Judged, SmallModel, shipped_model
from dialogue.understanding.wall import LOGISTICS, private_in
from memory.records import ActSaid, Passage, PointRead, ProbeRead, Reading, Word, untimed
from prompts.loader import load_neutral_probes

NAME = "embedded reader"
KEPT = 512  # judgements kept: a long answer with all its pairs
UNREAD = 0.5  # worth of a probe of which nothing is known
MIN_WORDS = 4  # words of an answer below which nothing is looked for in it
_COUNTED = re.compile(
    r"^(\d[\d.,]*%?|half|twice|double|dozen|hundred|thousand|million|billion|percent|two|three|four|five|six|seven|eight|nine|ten|eleven"
    r"|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)$"
)


class EmbeddedReader:
    """Safe to share between calls of one process."""

    name = NAME

    def __init__(self, model: SmallModel | None = None) -> None:
        self._given = model
        self._known: OrderedDict[tuple[str, str, str], Judged] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def _model(self) -> SmallModel:
        return self._given or shipped_model()

    async def read(self, answer: Answer) -> Reading:
        """See `Reader.read`. In a thread: up to some tens of milliseconds of one core."""
        return await asyncio.to_thread(self.read_now, answer)

    def read_now(self, answer: Answer) -> Reading:
        words = list(answer.words)
        acts = self.acts(words)
        places = [range(a.passage.first, a.passage.after) for a in acts]  # the segments
        asking = [n for n, a in enumerate(acts) if a.act in ASKED]
        private = private_in(words, places, self._judge, self._model.thresholds, asking)
        hidden = covered(private)
        told = [i for a in acts if a.act in TOLD for i in range(a.passage.first, a.passage.after)]
        open_words = [i for i in told if i not in hidden]
        points: list[PointRead] = []
        probes: list[ProbeRead] = []
        if len(open_words) >= MIN_WORDS:
            points = self._points(answer, words, places, open_words)
            probes = self._probes(answer, [words[i].text for i in open_words])
        else:
            points = [PointRead(name=p.name, state="unsure") for p in answer.question.key_points]
            probes = [ProbeRead(text=p.text, state="unsure", worth=UNREAD) for p in answer.question.probes]
        numbers = [passage(words, range(i, i + 1)) for i in open_words if _COUNTED.match(_bare(words[i].text))]
        names = [passage(words, range(i, i + 1)) for i in open_words if _named(words, i)]
        return Reading(
            reader=self.name, acts=acts, private=private, points=points, probes=probes, numbers=numbers, names=names
        )

    def acts(self, words: Sequence[Word]) -> list[ActSaid]:
        """See `Reader.acts`."""
        places = segments(words)
        texts = [w.text for w in words]
        pairs = [act_pair(texts[p.start : p.stop], texts[: p.start], texts[p.stop :]) for p in places]
        found: list[ActSaid] = []
        for place, judged in zip(places, self._judge("act", pairs), strict=True):
            sure = judged.share[judged.best] >= self._model.thresholds.get(f"act_{judged.best}", 0.5)
            found.append(ActSaid(act=judged.best if sure else "answer", passage=passage(words, place)))
        return found

    def _points(
        self, answer: Answer, words: Sequence[Word], places: Sequence[range], place: Sequence[int]
    ) -> list[PointRead]:
        texts = [words[i].text for i in place]
        pairs = [point_pair(p.statement, texts, answer.put) for p in answer.question.key_points]
        ahead = len(answer.put.split())
        limits = self._model.thresholds
        found: list[PointRead] = []
        for point, judged in zip(answer.question.key_points, self._judge("point", pairs), strict=True):
            label = judged.best
            quote = _shown(words, places, place, judged.evidence[ahead:], limits["point_shown"])
            if label in ("said", "contradicted") and judged.share[label] >= limits[f"point_{label}"] and quote:
                found.append(PointRead(name=point.name, state=label, passage=quote))  # type: ignore[arg-type]
            else:
                found.append(PointRead(name=point.name, state="unsure"))
        return found

    def _probes(self, answer: Answer, texts: Sequence[str]) -> list[ProbeRead]:
        """How good each probe would be after these words. A neutral one is about the question too: it names no subject."""
        probes = answer.question.probes
        puts = [answer.put or (answer.question.text if p.text in neutral_texts() else "") for p in probes]
        pairs = [probe_pair(p.text, p.asks, texts, put) for p, put in zip(probes, puts, strict=True)]
        limits = self._model.thresholds
        found: list[ProbeRead] = []
        for probe, judged in zip(probes, self._judge("probe", pairs), strict=True):
            worth = 1.0 - judged.share["answered"] - judged.share["beside"]
            if judged.share["answered"] >= limits["probe_answered"]:
                state = "answered"
            elif judged.share["beside"] >= limits["probe_beside"]:
                state = "beside"
            elif judged.best in ("best", "good"):
                state = "open"
            else:
                state = "unsure"
            found.append(ProbeRead(text=probe.text, state=state, worth=round(worth, 3)))  # type: ignore[arg-type]
        return found

    def _judge(self, task: str, pairs: Sequence[Pair]) -> list[Judged]:
        keys = [(task, " ".join(a), " ".join(b)) for a, b in pairs]
        with self._lock:
            found = {key: self._known[key] for key in keys if key in self._known}
        missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in found}
        if missing:
            found |= zip(missing, self._model.judge(task, list(missing.values())), strict=True)
        with self._lock:
            self._known.update(found)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return [found[key] for key in keys]


@functools.cache
def neutral_texts() -> frozenset[str]:
    return frozenset(probe["text"] for probe in load_neutral_probes())


ASKED = frozenset(["ask_job", "ask_interview", "ask_who", "repeat", "rephrase", "explain_term", "which_case"])
TOLD = frozenset(["answer", "correct", "dont_know"])  # acts whose words may say something about the question


def is_private(text: str) -> bool:
    """Whether a text that somebody typed holds what is nobody's business."""
    model = shipped_model()
    words = untimed(text)
    found = private_in(words, segments(words), model.judge, model.thresholds)
    return any(p.kind != LOGISTICS for p in found)


def _shown(
    words: Sequence[Word], places: Sequence[range], place: Sequence[int], evidence: Sequence[float], least: float
) -> Passage | None:
    """The sentence of the answer that shows it most, if it surely does: quotes are whole sentences, as a listener needs them."""
    best: tuple[float, range] | None = None
    allowed = set(place)
    for part in places:
        inside = [k for k, i in enumerate(place) if i in part]
        if not inside or not set(part) <= allowed:
            continue
        values = [evidence[k] for k in inside if k < len(evidence)]
        mean = sum(values) / len(values) if values else 0.0
        if best is None or mean > best[0]:
            best = (mean, part)
    return passage(words, best[1]) if best and best[0] >= least else None


def _named(words: Sequence[Word], i: int) -> bool:
    """Whether a word is written as a name: a capital inside a sentence, or an acronym. Where nothing has capitals, none is."""
    bare = re.sub(r"\W", "", words[i].text)
    opens = i == 0 or closes_sentence(words[i - 1].text)
    return bare not in _OWN_CAPITALS and bare[:1].isupper() and (not opens or (bare.isupper() and len(bare) > 1))


_OWN_CAPITALS = frozenset(["I", "Im", "Ive", "Id", "Ill", "OK"])


def _bare(text: str) -> str:
    return (tokens(text) or [""])[0] if not text[:1].isdigit() else text.strip(".,;:?!")
