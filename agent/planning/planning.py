"""From wishes to a plan: packs, resume and job, history. The only place where all of them meet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import UserError
from agent.reporting.history import judged, reports_of
from agent.sessions import new_id
from agent.settings import Settings
from dialogue.analysis.language import content_stems, find_phrase, tokens
from dialogue.plan.background import Background, claim_questions, domains_of, read_background
from dialogue.plan.history import Past
from dialogue.plan.history import weights as due_weights
from dialogue.plan.plan import draw, questions_of
from memory.records import CandidateSource, Interview, PlannedQuestion
from memory.store import EventStore
from prompts.loader import load_pack, pack_names

AUTO = "auto"
CLAIMS = 2  # questions on the resume, in practice
MOST_NOTES = 39_000  # characters of what candidates may be told of the job; longer files are cut when read
NEAR = 0.5  # share of the best pack's score from which another pack fits the job too


@dataclass(frozen=True)
class Wishes:
    """What was requested. `pack`: a name, a file, or auto: chosen by `role`, `domain` and the job description."""

    pack: str = "phone-screen"
    minutes: float = 10.0
    questions: tuple[str, ...] = ()
    count: int | None = None
    candidate: str = "Candidate"
    seed: int = 0
    out: Path | None = None
    level: str = ""
    role: str = ""
    domain: str = ""
    difficulty: int | None = None
    resume: str = ""
    job: str = ""
    about: str = ""  # what candidates may be told of the job when they ask
    returning: bool = True  # this person has practised here before, under this name


async def past_of(store: EventStore, settings: Settings, wishes: Wishes) -> list[Past]:
    """The earlier practice that `planned` needs: empty in a screening, or if the person is not returning."""
    if settings.mode != "practice" or not wishes.returning:
        return []
    return judged(await reports_of(store, settings.home / "sessions", wishes.candidate))


def planned(
    settings: Settings, wishes: Wishes, source: CandidateSource, history: Sequence[Past] = ()
) -> Interview:  # fmt: skip
    """The plan, fixed before the first word; `history` from `past_of`. Raises UserError, PlanError and PromptError."""
    names = packs_for(wishes)
    packs = [load_pack(name) for name in names]
    questions = questions_of(*packs)
    background = read_background(wishes.resume, wishes.job)
    practice = settings.mode == "practice"
    weight = _weights(wishes, questions, background, practice, history)
    claims = claim_questions(background, CLAIMS) if practice and not wishes.questions else []
    minutes = wishes.minutes - sum(q.seconds + 30.0 for q in claims) / 60.0
    chosen = draw(
        questions, " and ".join(f"the pack {p['name']!r}" for p in packs), minutes=minutes, probes=settings.probes,
        ids=wishes.questions, count=wishes.count, seed=wishes.seed, level=wishes.level, difficulty=wishes.difficulty, weights=weight,
    )  # fmt: skip
    asked = [*claims, *chosen]
    return Interview(
        id=new_id(), mode=settings.mode, title=_title(wishes, packs[0]["title"], len(packs)), pack="+".join(p["name"] for p in packs),
        language=packs[0]["language"], candidate=wishes.candidate, source=source, questions=asked,
        hints=list(background.hints), probe_budget=settings.probes,
        minutes=wishes.minutes, seed=wishes.seed, role=wishes.role, level=wishes.level, resume=wishes.resume, job=wishes.job,
        about=_notes(wishes.about), glossary=_glossary(packs, asked),
        returning=practice and wishes.returning,
    )  # fmt: skip


def _notes(about: str) -> str:
    """What may be told of the job. Raises UserError where it is too long to be notes."""
    if len(about) > MOST_NOTES:
        raise UserError(
            f"the notes on the job have more than {MOST_NOTES:,} characters, which is too many: keep what candidates ask about"
        )
    return about.strip()


def _glossary(packs: Sequence[dict[str, Any]], questions: Sequence[PlannedQuestion]) -> dict[str, str]:
    """The terms that stand in these questions, with what the packs' authors say of them."""
    texts = [tokens(q.text) for q in questions]
    terms = {term: meaning for pack in packs for term, meaning in pack.get("glossary", {}).items()}
    return {term: meaning for term, meaning in terms.items() if any(find_phrase(text, term) for text in texts)}


def packs_for(wishes: Wishes) -> list[str]:
    """Names of the packs that match the wishes."""
    if wishes.pack != AUTO:
        return [wishes.pack]
    loaded = {name: load_pack(name) for name in pack_names()}
    by_role = [
        name
        for name, pack in loaded.items()
        if wishes.role and pack.get("role") == wishes.role.lower().replace(" ", "-")
    ]
    by_domain = [name for name, pack in loaded.items() if wishes.domain and wishes.domain in (pack.get("domain"), name)]
    if wishes.domain and not by_domain:
        known = sorted({pack["domain"] for pack in loaded.values() if "domain" in pack})
        raise UserError(f"there are no questions on {wishes.domain!r}; there are {', '.join(known)}")
    if by_role or by_domain:
        return [*by_role, *by_domain, *([] if by_role else ["behavioural"])]
    text = f"{wishes.role} {wishes.job}".strip()
    if not text:
        return ["phone-screen"]
    shares = domains_of(text, {n: questions_of(p) for n, p in loaded.items() if n != "behavioural"})
    near = sorted((n for n, share in shares.items() if share >= NEAR), key=lambda n: -shares[n])[:3]
    return [*near, *([] if any("role" in loaded[n] for n in near) else ["behavioural"])]


def _weights(
    wishes: Wishes, questions: list[PlannedQuestion], background: Background, practice: bool, history: Sequence[Past]
) -> dict[str, float]:  # fmt: skip
    """By id: what the job asks for, and in practice also gaps in the resume first and what was weak before."""
    found: dict[str, float] = {}
    asked, gaps = (
        content_stems(" ".join(background.wanted) + " " + wishes.job),
        content_stems(" ".join(background.gaps)),
    )
    for question in questions:
        about = content_stems(
            " ".join([question.text, question.competency, *(x for p in question.key_points for x in p.terms)])
        )
        found[question.id] = len(about & asked) / 10.0 + (len(about & gaps) if practice else 0.0)
    if practice and wishes.returning:
        for id_, weight in due_weights(history, [(q.id, q.competency) for q in questions], time.time()).items():
            found[id_] = found.get(id_, 0.0) + 3.0 * weight
    return found


def _title(wishes: Wishes, title: str, packs: int) -> str:
    if wishes.role and wishes.pack == AUTO:
        return f"interview for {wishes.role.lower().replace('-', ' ')}"
    return title if packs == 1 else f"{title} interview"
