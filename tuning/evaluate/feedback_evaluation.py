"""How close a model's feedback is to the annotated one: its level against the annotator's, its quote, its form."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from dialogue.backends.base import BackendError, LanguageModel
from dialogue.report.feedback import problems_of, read_feedback
from tuning.data.records import CoachingRecord
from tuning.data.rows import prompt_of
from tuning.evaluate.annotator_agreement import mean_absolute_error, quadratic_kappa, spearman
from tuning.metrics import rouge_l


def agreement_row(said: Sequence[int], records: Sequence[CoachingRecord]) -> dict[str, float]:
    """A level's accuracy against the annotation, 1..5."""
    truth = [r.rating for r in records]
    return {
        "rated": float(len(said)),
        "quadratic kappa": quadratic_kappa(truth, list(said)),
        "mean absolute error": mean_absolute_error(truth, said),
        "within one": 100 * mean(abs(a - b) <= 1 for a, b in zip(truth, said, strict=True)),
        "Spearman": spearman(truth, said),
    }


async def model_row(model: LanguageModel, records: Sequence[CoachingRecord]) -> dict[str, float]:
    """A model's feedback: agreement where readable, and the shares that were readable, passed the gate, came close."""
    kept, said, texts, passed = [], [], [], 0
    for record in records:
        try:
            feedback = read_feedback(await model.complete(prompt_of(record)))
        except BackendError:
            feedback = None
        if feedback is None:
            continue
        kept.append(record)
        said.append(feedback.level)
        texts.append(feedback.text)
        passed += not problems_of(feedback, record.answer)
    row = agreement_row(said, kept) if kept else {"rated": 0.0}
    near = rouge_l(texts, [[r.feedback] for r in kept]) if kept else 0.0
    return row | {
        "JSON": 100 * len(kept) / len(records),
        "passes the gate": 100 * passed / len(records),
        "ROUGE-L": near,
    }
