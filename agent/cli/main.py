"""The command `viva`. Exit codes: 0 done, 2 a mistake the user can fix (one line on stderr), 130 stopped by Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import runpy
import sys
from pathlib import Path

from rich.console import Console

from agent.cli.text_mode import InputClosed
from agent.errors import UserError
from agent.settings import load_settings
from agent.signals import Stopped
from memory.records import CandidateSource
from vivavoce.errors import VivavoceError


def main(argv: list[str] | None = None) -> None:
    """Entry point."""
    # Nothing here talks to a cloud. The libraries must be told before they are imported.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("MPLBACKEND", "Agg")
    given = sys.argv[1:] if argv is None else argv
    # `viva tune` has its own subcommands and --help; argparse would take them for ours.
    arguments = _parser().parse_args(["tune"] if given[:1] == ["tune"] else given)
    arguments.rest = given[1:] if given[:1] == ["tune"] else getattr(arguments, "rest", [])
    logging.basicConfig(level=logging.DEBUG if arguments.verbose else logging.ERROR, format="%(name)s: %(message)s")
    try:
        sys.exit(_command(arguments))
    except VivavoceError as error:
        print(f"viva: {error.line}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (KeyboardInterrupt, Stopped, InputClosed):
        print("viva: stopped", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        if error.errno in (28, 122):  # no space, quota
            print("viva: the disk is full; free some space (or set VIVA_HOME) and resume", file=sys.stderr)
            sys.exit(2)
        raise


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="viva", description="A voice interviewer that you host yourself.")
    parser.add_argument("--verbose", action="store_true", help="print what the parts log")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    interview = commands.add_parser("interview", help="an interview: with recordings, typed, or resumed")
    who = interview.add_mutually_exclusive_group()
    _who_answers(who)
    who.add_argument("--resume", metavar="ID", help="take a stopped session up again")
    interview.add_argument(
        "--pack",
        help="question pack: name or YAML file; auto: by role, domain and job (default: phone-screen, or auto)",
    )
    interview.add_argument("--role", default="", help="the role, such as sales, nurse or data engineer")
    interview.add_argument("--domain", default="", help="a subfield, such as data-engineering; see viva pack list")
    interview.add_argument("--level", choices=["junior", "mid", "senior"], default="", help="questions near this level")
    interview.add_argument(
        "--difficulty", type=int, choices=range(1, 6), metavar="1-5", help="questions near this difficulty"
    )
    interview.add_argument("--resume-file", type=Path, metavar="FILE", help="the resume: PDF, DOCX or text")
    interview.add_argument(
        "--about",
        type=Path,
        metavar="FILE",
        help="what may be told of the job when a candidate asks: PDF, DOCX or text",
    )
    interview.add_argument("--job", type=Path, metavar="FILE", help="the job's description: PDF, DOCX or text")
    interview.add_argument("--questions", metavar="ID,ID", default="", help="these questions, in this order")
    interview.add_argument("--count", type=int, help="number of core questions")
    interview.add_argument("--minutes", type=float, default=10.0, help="length to plan for (default 10)")
    interview.add_argument("--name", default="Candidate", help="how the candidate is addressed")
    interview.add_argument("--seed", type=int, default=0, help="another seed plans other questions")
    _common(interview)

    demo = commands.add_parser(
        "demo", help="a whole spoken interview with a simulated candidate, offline, three minutes"
    )
    _common(demo)

    analyse = commands.add_parser("analyse", help="timing and hesitation of a recording")
    analyse.add_argument("file", type=Path)
    analyse.add_argument("--json", action="store_true", help="print only JSON")
    analyse.add_argument("--png", type=Path, help="where to draw the picture (default: beside the file)")
    analyse.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write PNG, HTML, JSON, TextGrid (Praat) and CSV there"
    )
    analyse.add_argument("--stt", help="auto, whisper or moonshine")

    report = commands.add_parser("report", help="write the report of a session again")
    report.add_argument("session")
    report.add_argument("--out", type=Path, help="folder for the report")

    up = commands.add_parser(
        "up", help="everything on this machine: rooms, memory, API, web app, a worker; prints a link"
    )
    up.add_argument(
        "--host", default="127.0.0.1", help="address of this machine for others to reach it by (default: none)"
    )
    up.add_argument("--port", type=int, help="port of the web app (default: 8080, or the next one that is free)")

    commands.add_parser("api", help="the HTTP API and the web app alone")
    worker = commands.add_parser("worker", help="take interviews in LiveKit rooms")
    worker.add_argument("--dev", action="store_true", help="end at once on Ctrl-C instead of finishing the calls")

    coach = commands.add_parser(
        "coach", help="talk about a practice report: what was heard, what to improve, an outline of your own facts"
    )
    coach.add_argument("session")

    again = commands.add_parser("retry", help="try one question of a practice again and compare both answers")
    again.add_argument("session")
    again.add_argument("question", help="its id, as in the report")
    again.add_argument(
        "--follow-up", action="store_true", help="from its last follow-up instead of the question itself"
    )
    _who_answers(again.add_mutually_exclusive_group())
    _common(again)

    rate = commands.add_parser("rate", help="say what you think of an interview and its follow-ups")
    rate.add_argument("session")
    rate.add_argument("--stars", type=int, choices=range(1, 6), help="the questions were: 1 poor to 5 very good")
    rate.add_argument("--up", type=int, action="append", default=[], metavar="TURN", help="a good follow-up")
    rate.add_argument("--down", type=int, action="append", default=[], metavar="TURN", help="a poor one")
    rate.add_argument(
        "--reword", nargs=2, action="append", default=[], metavar=("TURN", "TEXT"), help="how to ask it better"
    )
    rate.add_argument(
        "--teach", choices=["yes", "no"], help="the candidate agrees that the words improve the questions"
    )
    rate.add_argument("--as", dest="by", choices=["candidate", "operator"], default="candidate", help="who says so")

    pack = commands.add_parser("pack", help="question packs: lint, new, preview")
    pack.add_argument("what", choices=["lint", "new", "preview", "list"])
    pack.add_argument(
        "name", nargs="*", help="packs by name, or YAML files (lint without any: all that come with Vivavoce)"
    )

    bench = commands.add_parser("bench", help="a benchmark, from a checkout of the repository", add_help=False)
    bench.add_argument("name", help="follow-ups, latency, footprint ...")
    bench.add_argument("rest", nargs=argparse.REMAINDER)

    commands.add_parser("tune", help="data, training, evaluation and promotion of the model")

    commands.add_parser("doctor", help="which engine each part would use, and why")
    return parser


def _who_answers(group: argparse._MutuallyExclusiveGroup) -> None:
    group.add_argument("--answers", nargs="+", metavar="FILE", help="recordings that are played as the answers")
    group.add_argument("--text", action="store_true", help="type the answers in this terminal")
    group.add_argument("--persona", metavar="NAME", help="a simulated candidate with a voice (sam)")


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mode", choices=["practice", "screen"], help="practice: your own; screen: hiring")
    parser.add_argument("--probes", type=int, help="follow-ups per question, at most")
    parser.add_argument("--stt", help="auto, whisper or moonshine")
    parser.add_argument("--tts", help="auto, coqui or espeak")
    parser.add_argument("--memory", help="auto, sqlite or redis")
    parser.add_argument("--out", type=Path, help="folder for the report (default: in the session's folder)")


def _command(arguments: argparse.Namespace) -> int:
    if arguments.command == "doctor":
        from agent.ops.doctor import run as doctor

        asyncio.run(doctor(load_settings()))
        return 0
    if arguments.command == "up":
        from agent.ops.up import up

        asyncio.run(up(load_settings(), Console(), host=arguments.host, port=arguments.port))
        return 0
    if arguments.command == "api":
        from agent.ops.api import serve

        serve(load_settings())
        return 0
    if arguments.command == "worker":
        from agent.ops.worker import run_worker

        logging.getLogger().setLevel(logging.DEBUG if arguments.verbose else logging.INFO)
        asyncio.run(run_worker(load_settings(), dev=arguments.dev))
        return 0
    if arguments.command == "coach":
        from agent.reporting.coaching import run_coach

        run_coach(load_settings(), arguments.session, Console())
        return 0
    if arguments.command == "rate":
        return asyncio.run(_rate(arguments))
    if arguments.command == "pack":
        from agent.cli.packs import run as packs

        return packs(arguments.what, arguments.name, Console())
    if arguments.command == "tune":
        from agent.cli.tuning import run as tune

        return tune(arguments.rest, Console())
    if arguments.command == "bench":
        return _bench(arguments.name, arguments.rest)
    if arguments.command == "analyse":
        from agent.engines.loading import choose_stt, load_decoder
        from agent.reporting.analyse import check_targets
        from agent.reporting.analyse import run as analyse
        from voice.audio import load

        load(arguments.file)  # report a bad file before loading a model
        check_targets(arguments.file, arguments.png, arguments.out)
        settings = load_settings(stt=arguments.stt)
        analyse(
            arguments.file,
            load_decoder(settings, choose_stt(settings)),
            json_only=arguments.json,
            png=arguments.png,
            out=arguments.out,
        )
        return 0
    console = Console()
    folder = asyncio.run(_session(arguments, console))
    # The last line, unformatted, for people and scripts alike.
    print(f"report: {folder.resolve()}")
    return 0


async def _rate(arguments: argparse.Namespace) -> int:
    from agent.engines.loading import open_store
    from agent.reporting.ratings import Opinion, rate
    from agent.sessions import events_of
    from dialogue.state import fold

    try:
        reworded = {int(turn): text for turn, text in arguments.reword}
    except ValueError as error:
        raise UserError("--reword takes the turn's number and the better wording") from error
    thumbs = {**dict.fromkeys(arguments.up, True), **dict.fromkeys(arguments.down, False)}
    teach = None if arguments.teach is None else arguments.teach == "yes"
    if teach is not None and arguments.by != "candidate":
        raise UserError("only the candidate can agree to --teach; leave out --as operator")
    settings = load_settings()
    store, _ = await open_store(settings)
    try:
        if arguments.stars is None and not thumbs and not reworded and teach is None:
            for turn in fold(await events_of(store, arguments.session)).follow_ups:
                print(f"{turn.number}: {turn.text}")
            print("rate with --stars, --up TURN, --down TURN, --reword TURN TEXT")
            return 0
        await rate(store, settings, arguments.session, arguments.by, Opinion(arguments.stars, thumbs, reworded, teach))
        print("stored; thank you")
        return 0
    finally:
        await store.close()


def _bench(name: str, rest: list[str]) -> int:
    """Run a benchmark. They are not part of the installed product: they need the repository."""
    folder = Path(__file__).resolve().parents[2] / "bench"
    known = sorted(p.stem.replace("_", "-") for p in folder.glob("*.py") if "def main(" in p.read_text("utf-8"))
    if name not in known:
        raise UserError(
            f"there is no benchmark {name!r} here; known: {', '.join(known) or 'none (they need a checkout)'}"
        )
    sys.argv = [f"viva bench {name}", *rest]
    sys.path.insert(0, str(folder.parent))
    runpy.run_module(f"bench.{name.replace('-', '_')}", run_name="__main__")
    return 0


async def _session(arguments: argparse.Namespace, console: Console) -> Path:
    from agent.cli.interview import DEMO, interview, interview_again, report_again, retry
    from agent.planning.documents import read_document
    from agent.planning.planning import Wishes
    from agent.reporting.report_folder import check_place

    if arguments.out is not None:
        check_place(arguments.out)  # before the interview, not after it
    if arguments.command == "report":
        return await report_again(load_settings(), arguments.session, arguments.out)
    settings = load_settings(
        mode=arguments.mode, probes=arguments.probes, stt=arguments.stt, tts=arguments.tts, memory=arguments.memory
    )  # fmt: skip
    if arguments.command == "demo":
        demo = Wishes(**{**DEMO.__dict__, "out": arguments.out})
        return await interview(settings, demo, CandidateSource(kind="simulated", persona="sam"), console)
    if arguments.command == "retry":
        return await retry(
            settings, arguments.session, arguments.question, _source(arguments), console, arguments.out,
            follow_up=arguments.follow_up,
        )  # fmt: skip
    if arguments.resume:
        return await interview_again(settings, arguments.resume, arguments.out, console)
    ids = tuple(part.strip() for part in arguments.questions.split(",") if part.strip())
    guided = arguments.role or arguments.domain or arguments.job
    wishes = Wishes(
        arguments.pack or ("auto" if guided else "phone-screen"), arguments.minutes, ids, arguments.count, arguments.name,
        arguments.seed, arguments.out, arguments.level, arguments.role, arguments.domain, arguments.difficulty,
        read_document(arguments.resume_file), read_document(arguments.job), read_document(arguments.about),
    )  # fmt: skip
    return await interview(settings, wishes, _source(arguments), console)


def _source(arguments: argparse.Namespace) -> CandidateSource:
    from simulation.script import persona_path

    if arguments.answers:
        return CandidateSource(kind="recordings", files=[str(Path(f).resolve()) for f in arguments.answers])
    if arguments.text:
        return CandidateSource(kind="typed")
    if arguments.persona:
        if not persona_path(arguments.persona).is_file():
            raise UserError(f"there is no persona {arguments.persona!r}; try sam")
        return CandidateSource(kind="simulated", persona=arguments.persona)
    raise UserError(
        "who answers? --answers FILE..., --text, --persona sam, or --resume ID; `viva demo` shows a whole one"
    )


if __name__ == "__main__":
    main()
