"""`viva pack`: check a question pack, start a new one, see how it will sound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent.errors import UserError
from dialogue.plan.generic import slug
from dialogue.plan.pack_lint import lint
from dialogue.plan.plan import questions_of
from prompts.loader import load_pack, pack_lines, pack_names

TEMPLATE = """\
# {title}: a question pack. Check it with `viva pack lint {file}`, hear it with `viva interview --text --pack {file}`.
# key_points.says: a sentence that is true of an answer which makes the point. anchors: what an answer at that level does,
# for the person who rates. patience: seconds of thinking before the interviewer helps. probes: six or more follow-ups, each
# one question, with what it asks for and what people say who have answered it already.
name: {name}
title: {title}
language: en
description: What this pack is for, in one sentence.
questions:
  - id: first-question
    competency: what it shows
    kind: behavioural            # behavioural, technical, situational or motivation
    level: junior                # from which level on it is fair to ask: junior, mid or senior
    difficulty: 2                # 1 easy to 5 hard
    seconds: 75                  # a full answer
    patience: 9
    text: "Tell me about a day on which your work went quite otherwise than planned."
    short: "Which day went otherwise than planned?"
    key_points:
      - {{name: the plan, says: "They say what had been planned for that day."}}
      - {{name: the surprise, says: "They tell what came in the way of the plan."}}
      - {{name: the first step, says: "They say what they did first when it happened."}}
      - {{name: how it ended, says: "They tell how the day ended."}}
    anchors:
      1: Stays general; no day is told.
      3: Tells a day with what was done.
      5: Says what was decided and why, how it ended, and what is done otherwise since.
    probes:
      - type: why
        text: "Why did you begin with that step?"
        asks: "the reason for the first step"
        answered_by: ["I rang them first because everything else hung on the delivery."]
      - type: result
        text: "How did the day end for the others?"
        asks: "how others fared that day"
        answered_by: ["The whole team was home by eight."]
      - type: learned
        text: "What do you prepare since that day?"
        asks: "what they prepare since then"
        answered_by: ["Now I keep a second van on call."]
      - type: depth
        text: "How did you go about the hour after it?"
        asks: "how the first hour went, step by step"
        answered_by: ["I rang the depot, then the two customers, then I moved the shift."]
      - type: evidence
        text: "How late did it get in the end?"
        asks: "the delay in hours or days"
        answered_by: ["We were two hours behind at noon."]
      - type: trade_off
        text: "Which piece of work did you leave undone?"
        asks: "what was given up that day"
        answered_by: ["The stocktaking had to wait until Monday."]
"""


def run(what: str, names: Sequence[str], console: Console) -> int:
    """Exit code: 0, or 1 if the linter has remarks. Raises UserError and PromptError."""
    if what == "list":
        return _list(console)
    if what == "new":
        return _new(names, console)
    if what == "preview":
        return _preview(names, console)
    return _lint(names or pack_names(), console)


def _lint(names: Sequence[str], console: Console) -> int:
    count = 0
    for name in names:
        pack = load_pack(name)
        path, lines = pack_lines(name)
        remarks = lint(questions_of(pack))
        for remark in remarks:
            print(f"{path}:{lines.get(remark.question, 1)}: {remark.question}: {remark.text}")
        count += len(remarks)
        if not remarks:
            console.print(f"{pack['name']}: {len(pack['questions'])} questions, nothing to remark", highlight=False)
    return 1 if count else 0


def _new(names: Sequence[str], console: Console) -> int:
    if len(names) != 1:
        raise UserError("give the new pack one name: viva pack new night-shift")
    path = Path(names[0] if names[0].endswith((".yaml", ".yml")) else f"{names[0]}.yaml")
    name = slug(path.stem)
    if not name:
        raise UserError(f"{names[0]!r} holds no letter to make a name of; try: viva pack new night-shift")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.format(name=name, title=name.replace("-", " "), file=path))
    except FileExistsError as error:
        raise UserError(f"{path} is there already; choose another name") from error
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); choose another place") from error
    console.print(
        f"{path} holds one question as an example; edit it, then: viva pack lint {path}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _preview(names: Sequence[str], console: Console) -> int:
    if not names:
        raise UserError(f"which pack? one of {', '.join(pack_names())}, or a file")
    for name in names:
        pack = load_pack(name)
        console.print(f"\n[bold]{pack['title']}[/bold]: {pack.get('description', '')}", highlight=False)
        for q in questions_of(pack):
            console.print(f"\n[magenta]{q.text}[/magenta]", highlight=False)
            console.print(
                f"  {q.id} · {q.competency} · {q.kind} · {q.level} · difficulty {q.difficulty} · {q.seconds} s, patience {q.patience:g} s",
                style="dim", highlight=False,
            )  # fmt: skip
            console.print(f"  listens for: {'; '.join(p.name for p in q.key_points)}", highlight=False)
            for probe in q.probes:
                console.print(f"  {probe.type.replace('_', ' ')}: {probe.text}", highlight=False)
    return 0


def _list(console: Console) -> int:
    table = Table("pack", "questions", "about")
    for name in pack_names():
        pack = load_pack(name)
        table.add_row(name, str(len(pack["questions"])), pack.get("description", pack["title"]))
    console.print(table)
    return 0
