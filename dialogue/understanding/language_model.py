"""A language model as reader: one structured call an answer, and every quote checked against the words.

It goes on from the embedded reading: acts, private matters and numbers are read on this machine, so nothing private is sent, and
what the model cannot say in time stays as the embedded reader has it. A tuned adapter is read in the same way, by the rendering
it was trained on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from dialogue.analysis.language import tokens
from dialogue.backends.base import BackendError, LanguageModel, Prompt, ask
from dialogue.backends.reply_json import objects_in
from dialogue.understanding.embedded import EmbeddedReader
from dialogue.understanding.reader import Answer
from dialogue.understanding.segments import covered, passage
from memory.records import ActSaid, Passage, PlannedQuestion, PointRead, Probe, ProbeRead, Reading, Word
from prompts.loader import load_schema, render

log = logging.getLogger(__name__)
MOST_WORDS = 900  # of an answer: the end of a longer one is read
LEAST_QUOTE = 2  # words: a single word is no quote


class LanguageModelReader:
    """`deadline`: s, after which the embedded reading stands. A partial answer is read too, so that the reply comes no later."""

    def __init__(self, model: LanguageModel, embedded: EmbeddedReader | None = None, deadline: float = 4.0) -> None:
        self._model = model
        self._embedded = embedded or EmbeddedReader()
        self._deadline = deadline
        self.name = f"{model.name} (quotes checked), acts by the {self._embedded.name}"

    def acts(self, words: Sequence[Word]) -> list[ActSaid]:
        return self._embedded.acts(words)

    async def read(self, answer: Answer) -> Reading:
        """See `Reader.read`."""
        first = await self._embedded.read(answer)
        hidden = covered(first.private)
        place = [i for i in range(len(answer.words)) if i not in hidden][-MOST_WORDS:]
        if not place or not any(a.act == "answer" for a in first.acts):
            return first
        try:
            async with asyncio.timeout(self._deadline):
                reply = await ask(
                    self._model, reading_prompt(answer.question, [answer.words[i].text for i in place], answer.put)
                )
        except TimeoutError:
            log.info(
                "%s took longer than %g s to read an answer; the embedded reading stands",
                self._model.name,
                self._deadline,
            )
            return first
        except BackendError as error:
            log.warning("an answer was read by the embedded reader alone: %s", error)
            return first
        found = next((o for o in objects_in(reply) if "points" in o or "probes" in o), None)
        if found is None:
            return first
        points = points_of(found.get("points"), answer.question, answer.words, place)
        probes = probes_of(found.get("probes"), answer.question.probes)
        return first.model_copy(update={"reader": self.name, "points": points, "probes": probes})


def reading_prompt(question: PlannedQuestion, answer: Sequence[str], put: str = "") -> Prompt:
    """What a model is asked about an answer (without what is private). Training uses the same function."""
    user = render(
        "reading_user.j2", question=question.text, put=put, answer=" ".join(answer),
        points=[p.statement for p in question.key_points], probes=[(p.text, p.asks) for p in question.probes],
    )  # fmt: skip
    schema = load_schema("reading.schema.json")
    return Prompt(
        render("reading_system.j2"),
        user,
        max_tokens=60 * (len(question.key_points) + len(question.probes)),
        schema=schema,
    )


def points_of(told: Any, question: PlannedQuestion, words: Sequence[Word], place: Sequence[int]) -> list[PointRead]:
    """The model's view of each key point; without a quote that was said, word for word, it is unsure."""
    by_number = {e.get("point"): e for e in told if isinstance(e, dict)} if isinstance(told, list) else {}
    found: list[PointRead] = []
    for number, point in enumerate(question.key_points, 1):
        entry = by_number.get(number, {})
        state = entry.get("state")
        quote = quoted(entry.get("quote"), words, place)
        if state in ("said", "contradicted") and quote is not None:
            found.append(PointRead(name=point.name, state=state, passage=quote))
        elif state == "not_found" and not entry.get("quote"):
            found.append(PointRead(name=point.name, state="not_found"))
        else:
            found.append(PointRead(name=point.name, state="unsure"))
    return found


def probes_of(told: Any, probes: Sequence[Probe]) -> list[ProbeRead]:
    """The model's view of each probe, in the order of the probes."""
    by_number = {e.get("probe"): e for e in told if isinstance(e, dict)} if isinstance(told, list) else {}
    found: list[ProbeRead] = []
    for number, probe in enumerate(probes, 1):
        entry = by_number.get(number, {})
        state, worth = entry.get("state"), entry.get("worth")
        if state not in ("open", "answered", "beside"):
            state = "unsure"
        share = worth / 10 if isinstance(worth, int) and 0 <= worth <= 10 else 0.5
        found.append(ProbeRead.model_validate({"text": probe.text, "state": state, "worth": share}))
    return found


def quoted(quote: Any, words: Sequence[Word], place: Sequence[int]) -> Passage | None:
    """Where a quote was said, word for word (case and punctuation aside) and in one piece; None if it was not."""
    wanted = tokens(quote) if isinstance(quote, str) else []
    if len(wanted) < LEAST_QUOTE:
        return None
    said = [(i, token) for i in place for token in tokens(words[i].text)]
    for at in range(len(said) - len(wanted) + 1):
        part = said[at : at + len(wanted)]
        if [token for _, token in part] == wanted and part[-1][0] - part[0][0] < len(part) + 1:
            return passage(words, range(part[0][0], part[-1][0] + 1))
    return None
