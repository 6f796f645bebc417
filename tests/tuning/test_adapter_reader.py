"""A tuned adapter as reader: real weights (tiny), real generation, the same contract as every reader."""

from __future__ import annotations

import asyncio

import pytest

from dialogue.backends.local_transformers import LocalTransformers
from dialogue.understanding.language_model import LanguageModelReader
from dialogue.understanding.reader import Answer
from tests.dialogue.understanding.test_readers import ANSWERS, QUESTION, passages, timed
from tests.tuning.conftest import Overfit

pytestmark = pytest.mark.engines


def test_a_tuned_adapter_keeps_the_contract(overfit: Overfit) -> None:
    model = LocalTransformers(overfit.trained.base, str(overfit.trained.adapter), device="cpu")
    reader = LanguageModelReader(model, deadline=60.0)

    async def check() -> None:
        for kind in ("a story", "private", "an order", "one word"):
            words = timed(ANSWERS[kind])
            reading = await reader.read(Answer(QUESTION, words))
            assert [p.name for p in reading.points] == [p.name for p in QUESTION.key_points], kind
            assert all(p.quote == " ".join(w.text for w in words[p.first : p.after]) for p in passages(reading)), kind
            assert all((p.passage is not None) == (p.state in ("said", "contradicted")) for p in reading.points), kind
        await model.close()

    asyncio.run(check())
