"""One tiny model, trained once: it memorises thirty-two records, and one interview's follow-up with them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from dialogue.follow_up.single_answer import decide_alone
from tests.fixed_reader import FixedReader
from tuning.config import TrainConfig, load_config
from tuning.data.packs import questions_in
from tuning.data.records import FollowUpRecord, load_follow_ups
from tuning.train.train import train
from tuning.train.trained import Trained

ANSWER = "I moved the reporting pipeline to streaming because the analysts were late, and it improved their work."
LEARNT = "By how much did the reporting pipeline improve the analysts' work?"


@dataclass(frozen=True)
class Overfit:
    """A run that has memorised its records. `folder` is the run's."""

    folder: Path
    records: list[FollowUpRecord]
    config: TrainConfig
    trained: Trained


def interview_record() -> FollowUpRecord:
    """The policy's decision after ANSWER in an interview, with the wording to learn."""
    question = questions_in("phone-screen")["improved-process"]
    probe = asyncio.run(decide_alone(question, ANSWER, FixedReader())).probe
    assert probe is not None
    return FollowUpRecord(
        id="interview", question=question.text, answer=ANSWER, probe=probe.type, gap=probe.asks, follow_up=LEARNT,
        level=question.level, kind=question.kind, pack_question=question.id,
    )  # fmt: skip


@pytest.fixture(scope="session")
def overfit(tmp_path_factory: pytest.TempPathFactory) -> Overfit:
    folder = tmp_path_factory.mktemp("runs") / "tiny" / "seed-0"
    records = [*load_follow_ups()[400:431], interview_record()]
    config = load_config("tiny", epochs=20).model_copy(update={"batch_size": 4, "learning_rate": 6e-3})
    done = train(config, folder, Console(quiet=True), parts=(list(records), [], []))
    return Overfit(folder, records, config, done)
