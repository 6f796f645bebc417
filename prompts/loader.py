"""Read and check hand-written files. An error names the file and the line, and says what is expected there."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from prompts.user_text import NotText, read_text
from vivavoce.errors import VivavoceError

FOLDER = Path(__file__).parent
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader is ten times as fast on a large pack


class PromptError(VivavoceError):
    """A pack, phrase list or template that cannot be used: file, line, and what to change."""


def load_pack(name_or_path: str) -> dict[str, Any]:
    """A question pack by name (prompts/packs) or path, checked against schemas/pack.schema.json."""
    path = _find(name_or_path, "packs")
    return dict(_load_pack(path, path.stat().st_mtime_ns))


@functools.lru_cache(maxsize=64)
def _load_pack(path: Path, changed: int) -> dict[str, Any]:
    """Cached until the file changes: `changed` is its modification time."""
    data, lines = _read_yaml(path)
    _check(data, lines, path, "pack.schema.json")
    seen: dict[str, int] = {}
    for i, question in enumerate(data["questions"]):
        if question["id"] in seen:
            where = lines.get(("questions", i, "id"), 0)
            raise PromptError(f"{path}:{where}: question id {question['id']!r} is used twice; give this one another")
        seen[question["id"]] = i
    return dict(data)


def pack_lines(name_or_path: str) -> tuple[Path, dict[str, int]]:
    """The file of a pack, and the line where each question begins."""
    path = _find(name_or_path, "packs")
    data, lines = _read_yaml(path)
    return path, {q["id"]: lines[("questions", i, "id")] for i, q in enumerate(data["questions"])}


@functools.cache
def load_phrases(language: str = "en") -> dict[str, Any]:
    """The interviewer's fixed sentences and the phrases it recognises, checked against schemas/phrases.schema.json."""
    path = _find(language, "phrases")
    data, lines = _read_yaml(path)
    _check(data, lines, path, "phrases.schema.json")
    return dict(data)


@functools.cache
def load_neutral_probes(language: str = "en") -> list[dict[str, Any]]:
    """Follow-ups that fit any answer of a kind, checked against schemas/probes.schema.json."""
    path = FOLDER / "probes" / f"{language}.yaml"
    data, lines = _read_yaml(path)
    _check(data, lines, path, "probes.schema.json")
    return list(data["probes"])


@functools.cache
def load_private(language: str = "en") -> dict[str, Any]:
    """Words that point to private matters (`kinds`), and which of them work has too; checked against private.schema.json."""
    path = FOLDER / "private" / f"{language}.yaml"
    data, lines = _read_yaml(path)
    _check(data, lines, path, "private.schema.json")
    return dict(data)


@functools.cache
def load_examples(name: str) -> list[dict[str, str]]:
    """Worked examples from prompts/examples, for few-shot prompts."""
    data, _ = _read_yaml(FOLDER / "examples" / f"{name}.yaml")
    return [dict(entry) for entry in data]


@functools.cache
def load_schema(name: str) -> dict[str, Any]:
    """A JSON Schema from prompts/schemas."""
    schema: dict[str, Any] = json.loads((FOLDER / "schemas" / name).read_text("utf-8"))
    return schema


def render(template: str, **values: Any) -> str:
    """Render a template from prompts/templates. A missing value is an error."""
    return _environment().get_template(template).render(**values)


@functools.cache
def prompt_version(task: str) -> str:
    """Identifies a prompt in logs and on adapters: eight digits of the hash of its templates and its schema.

    `task`: follow_up or feedback.
    """
    parts = sorted([*(FOLDER / "templates").glob(f"{task}_*.j2"), FOLDER / "schemas" / f"{task}.schema.json"])
    digest = hashlib.sha256(b"\n".join(path.read_bytes() for path in parts))
    return digest.hexdigest()[:8]


def languages() -> list[str]:
    """Languages with phrases."""
    return sorted(path.stem for path in (FOLDER / "phrases").glob("*.yaml"))


def pack_names() -> list[str]:
    """Packs shipped with Vivavoce."""
    return sorted(path.stem for path in (FOLDER / "packs").glob("*.yaml"))


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html.j2", "html")),
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _find(name: str, kind: str) -> Path:
    shipped = FOLDER / kind / f"{name}.yaml"
    if shipped.is_file():
        return shipped
    path = Path(name)
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in (FOLDER / kind).glob("*.yaml")))
        raise PromptError(f"{name}: no such file, and no pack of that name ({known}); check the path")
    return path


def _read_yaml(path: Path) -> tuple[Any, dict[tuple[str | int, ...], int]]:
    try:
        loader = _Loader(read_text(path))
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise PromptError(f"{path}:{line}: not valid YAML ({error.problem}); check indentation and quotes") from error
    except (yaml.YAMLError, NotText, OSError) as error:
        raise PromptError(f"{path}:1: cannot be read ({error}); save it as UTF-8 text") from error
    if node is None:
        raise PromptError(f"{path}:1: is empty; see prompts/packs/phone-screen.yaml for an example")
    lines: dict[tuple[str | int, ...], int] = {}
    _note_lines(node, (), lines)
    return data, lines


def _note_lines(node: yaml.Node, where: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> None:
    lines[where] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _note_lines(value, (*where, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            _note_lines(value, (*where, i), lines)


def _check(data: Any, lines: dict[tuple[str | int, ...], int], path: Path, schema: str) -> None:
    validator = jsonschema.Draft202012Validator(load_schema(schema))
    # In YAML the anchors' levels are numbers; JSON Schema knows only strings as property names.
    error = jsonschema.exceptions.best_match(validator.iter_errors(_text_keys(data)))
    if error is None:
        return
    where: tuple[str | int, ...] = tuple(error.absolute_path)
    while where and where not in lines:
        where = where[:-1]
    spot = ".".join(map(str, error.absolute_path)) or "the file"
    what = error.message[:200]
    if error.validator == "minItems":
        what = f"has {len(error.instance)}, and needs {error.validator_value} or more"
    raise PromptError(f"{path}:{lines.get(where, 1)}: {spot}: {what}")


def _text_keys(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(key): _text_keys(value) for key, value in data.items()}
    return [_text_keys(value) for value in data] if isinstance(data, list) else data
