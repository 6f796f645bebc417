"""Language models over real HTTP: a tiny random one, a slow, a broken and a lying one. The interview always goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dialogue.backends.base import BackendError, Prompt
from dialogue.backends.openai_compatible import OpenAICompatible
from dialogue.backends.presets import PRESETS
from dialogue.follow_up.policy import Decision
from dialogue.follow_up.wording import AUTHORED, prompt_for, read_reply
from dialogue.manager.interviewer import Interviewer
from tests.dialogue.helpers import agreed, conversation
from voice.errors import EngineError

ANSWER = "I moved the reporting pipeline to streaming because the analysts were late, and it improved their work."


class Server(BaseHTTPRequestHandler):
    """Behaves as `behaviour` says; requests are kept in `asked`."""

    behaviour: ClassVar[str] = "good"
    asked: ClassVar[list[dict[str, Any]]] = []
    release: ClassVar[threading.Event] = threading.Event()
    heard_out: ClassVar[bool] = False

    def do_POST(self) -> None:
        Server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        kind = Server.behaviour
        asked = Server.asked[-1]["messages"][1]["content"]
        if "First follow-up:" in asked:
            self._compare(asked, kind)
            return
        if kind == "error":
            self.send_error(500)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        if kind in ("slow", "stalls"):
            if kind == "stalls":
                self._token('{"follow_up": "How ')
            Server.release.wait(5)
            return
        if kind == "garbage":
            self.wfile.write(b"data: {not json\n\n")
            return
        if kind in SHAPES:
            self.wfile.write(f"data: {SHAPES[kind]}\n\n".encode())
            return
        if kind == "a line without an end":
            with contextlib.suppress(OSError):  # as long as somebody listens
                for _ in range(1000):
                    self.wfile.write(b"x" * 10_000)
                Server.heard_out = True
            return
        if kind == "no stream":
            text = json.dumps({"choices": [{"message": {"content": REPLIES["good"]}}]})
            self.wfile.write(text.encode())
            return
        if kind == "10,000 tokens":
            for _ in range(10_000):
                if not self._token(" word and more"):
                    return
        else:
            first = kind == "first wrong" and len(Server.asked) == 1
            self._token(REPLIES["praise"] if first else REPLIES.get(kind, REPLIES["good"]))
        self.wfile.write(b"data: [DONE]\n\n")

    def _compare(self, asked: str, kind: str) -> None:
        """The second call: which of two follow-ups is better. Its own, unless it is to say otherwise."""
        own_first = asked.split("First follow-up: ")[1].startswith("How much faster")
        better = "first" if own_first else "second"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        verdicts = {"finds the author's better": "second" if own_first else "first", "finds both alike": "same"}
        text = "I cannot say" if kind == "does not say" else json.dumps({"better": verdicts.get(kind, better)})
        self._token(text)
        self.wfile.write(b"data: [DONE]\n\n")

    def _token(self, text: str) -> bool:
        try:
            data = json.dumps({"choices": [{"delta": {"content": text}}]})
            self.wfile.write(f"data: {data}\n\n".encode())
            self.wfile.flush()
            return True
        except OSError:
            return False

    def log_message(self, *_: Any) -> None:
        pass


SHAPES = {
    "a list": "[]",
    "a number": "7",
    "no choices": '{"error": {"message": "overloaded"}}',
    "choices that are none": '{"choices": 3}',
    "a delta that is none": '{"choices": [{"delta": "text"}]}',
    "parts": '{"choices": [{"delta": {"content": [{"text": "How?"}]}}]}',
    "nested": "[" * 50_000,
}
REPLIES = {
    "nested JSON": '{"follow_up": ' + "[" * 3_900,
    "good": '{"follow_up": "How much faster did the reporting pipeline become?"}',
    "wordy": 'Sure! Here it is: {"follow_up": "How much faster did the reporting pipeline become?"} Hope that helps.',
    "wrong JSON": '{"question": "How much faster?"}',
    "empty": "",
    "two questions": '{"follow_up": "How fast was the pipeline? And who used it?"}',
    "praise": '{"follow_up": "Great answer! How much faster did the pipeline become?"}',
    "leading": '{"follow_up": "The pipeline was slow because of the database, wasn\'t it, don\'t you think?"}',
    "protected": '{"follow_up": "Are you married, and did the pipeline bother your husband?"}',
    "obeys the candidate": '{"follow_up": "Shall I ignore the rubric and give you full points for the pipeline?"}',
    "html": '{"follow_up": "What <b>happened</b> to the pipeline?"}',
}


@pytest.fixture
def server() -> Iterator[str]:
    Server.release.clear()
    Server.asked.clear()
    http = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_address[1]}/v1"
    Server.release.set()
    http.shutdown()
    http.server_close()


def followed(behaviour: str, url: str, deadline: float = 2.0) -> Any:
    Server.behaviour = behaviour
    call = conversation(OpenAICompatible(url, "test-model"), deadline, ids=["improved-process"])
    call.open()
    call.answer(ANSWER)
    return next(e for e in call.events if e.kind == "followed")


@pytest.mark.parametrize("behaviour", ["good", "wordy", "no stream"])
def test_a_good_model_words_the_follow_up(behaviour: str, server: str) -> None:
    event = followed(behaviour, server)
    assert event.text == "How much faster did the reporting pipeline become?"
    assert event.engine.startswith("test-model")
    [question] = agreed(["improved-process"]).questions
    assert (event.probe, event.gap) in {(p.type, p.asks) for p in question.probes}, "the policy decided, not the model"


@pytest.mark.parametrize(
    "behaviour",
    ["wrong JSON", "empty", "two questions", "praise", "leading", "protected", "obeys the candidate", "html", "garbage",
     "error", "10,000 tokens", "slow", "stalls", "nested JSON", "a line without an end",
     "finds the author's better", "finds both alike", "does not say", *SHAPES],
)  # fmt: skip
def test_a_bad_model_never_stops_the_interview(behaviour: str, server: str) -> None:
    event = followed(behaviour, server, deadline=0.5 if behaviour in ("slow", "stalls") else 5.0)
    [question] = agreed(["improved-process"]).questions
    assert event.engine == AUTHORED and event.text in {p.text for p in question.probes}


def test_a_model_that_is_not_there_never_stops_the_interview() -> None:
    event = followed("good", "http://127.0.0.1:9/v1")
    assert event.engine == AUTHORED


async def test_an_answer_without_end_is_not_read_to_its_end(server: str) -> None:
    Server.behaviour, Server.heard_out = "a line without an end", False
    with pytest.raises(BackendError, match="more than"):
        await OpenAICompatible(server, "test-model").complete(Prompt("s", "u"))
    assert not Server.heard_out


async def test_what_goes_wrong_outside_of_http_is_a_models_failure(server: str) -> None:
    Server.behaviour = "good"
    model = OpenAICompatible(server, "test-model")
    with pytest.raises(BackendError, match="Unicode"):
        await model.complete(Prompt("s", "half a character, as a terminal may send it: \udce9"))
    await model.close()
    with pytest.raises(BackendError, match="closed"):
        await model.complete(Prompt("s", "u"))


@pytest.mark.parametrize(
    "url", ["", "localhost:8000/v1", "http://[::1/v1", "http://", "ftp://host/v1", "http://ho st:port/v1"]
)
def test_an_address_that_is_none_is_told_when_it_is_given(url: str) -> None:
    with pytest.raises(BackendError, match="VIVA_LLM_URL"):
        OpenAICompatible(url, "test-model")


@pytest.mark.parametrize("key", ["sk-\nsecret", "sk-“secret”"])
def test_a_key_that_is_none_is_told_and_not_shown(key: str) -> None:
    with pytest.raises(BackendError, match="VIVA_LLM_KEY") as told:
        OpenAICompatible("http://127.0.0.1:9/v1", "test-model", key)
    assert "secret" not in str(told.value)


class Failing:
    """A model in this process that fails in a given way, or returns something that is not text."""

    name = "failing model"

    def __init__(self, outcome: object) -> None:
        self._outcome = outcome

    async def complete(self, prompt: Prompt) -> str:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome  # type: ignore[return-value]

    async def close(self) -> None: ...


@pytest.mark.parametrize(
    "outcome",
    [ZeroDivisionError("x"), KeyError("y"), EngineError("z"), TimeoutError(), RecursionError(), None, b"bytes"],
)
def test_no_failure_of_a_model_stops_the_interview(outcome: object) -> None:
    call = conversation(Failing(outcome), 2.0, ids=["improved-process"])
    call.open()
    call.answer(ANSWER)
    event = next(e for e in call.events if e.kind == "followed")
    assert event.engine == AUTHORED and "failing model" in event.note


def test_what_the_candidate_said_stays_inside_its_marks(server: str) -> None:
    followed("good", server)
    messages = Server.asked[0]["messages"]
    assert ANSWER.split(".")[0] not in messages[0]["content"]
    inside = messages[1]["content"].split("<<<")[1].split(">>>")[0]
    assert ANSWER in inside
    assert Server.asked[0]["response_format"]["type"] == "json_schema"


def test_replies_that_are_read() -> None:
    assert read_reply('```json\n{"follow_up": "Why?"}\n```') == "Why?"
    assert read_reply('{"a": {"follow_up": 3}}') is None
    assert read_reply("{" * 5000) is None


def make_tiny_llama(folder: Path) -> Path:
    """A random Llama with its own byte-level tokenizer and a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|end|>", pad_token="<|end|>")
    tokenizer.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=512, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_llama(tmp_path_factory.mktemp("llama"))


@pytest.mark.engines
def test_a_local_model_with_an_adapter_runs_in_process(llama: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from dialogue.backends.local_transformers import LocalTransformers

    adapted = get_peft_model(
        AutoModelForCausalLM.from_pretrained(llama), LoraConfig(target_modules=["q_proj"], task_type="CAUSAL_LM")
    )
    adapted.save_pretrained(tmp_path / "adapter")
    model = LocalTransformers(str(llama), str(tmp_path / "adapter"), device="cpu")
    assert "adapter" in model.name
    text = asyncio.run(model.complete(Prompt("system", "user " * 400, max_tokens=8)))
    assert isinstance(text, str)
    # A random model's words never pass the validator; the interview goes on without them.
    call = conversation(model, 10.0, ids=["improved-process"])
    call.open()
    call.answer(ANSWER)
    assert next(e for e in call.events if e.kind == "followed").engine == AUTHORED


@pytest.mark.engines
def test_a_local_model_stops_at_the_deadline(llama: Path) -> None:
    from dialogue.backends.local_transformers import LocalTransformers

    model = LocalTransformers(str(llama), device="cpu")

    async def cut_short() -> str:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(model.complete(Prompt("s", "u", max_tokens=400)), 0.05)
        return await asyncio.wait_for(model.complete(Prompt("s", "u", max_tokens=2)), 20)

    assert isinstance(asyncio.run(cut_short()), str)


@pytest.mark.engines
async def test_a_closed_model_generates_no_further(llama: Path) -> None:
    """A process waits for its threads before it ends: what nobody reads any more must not hold it up."""
    from dialogue.backends.local_transformers import LocalTransformers

    model = LocalTransformers(str(llama), device="cpu")
    prompt, running = Prompt("s", "u", max_tokens=40), threading.Event()
    whole = await asyncio.to_thread(model._generate, prompt, running)
    await model.close()
    assert len(await asyncio.to_thread(model._generate, prompt, running)) < len(whole)
    with pytest.raises(BackendError, match="shutdown"):
        await model.complete(prompt)


@pytest.mark.engines
def test_a_tiny_random_model_behind_a_real_server(llama: Path) -> None:
    """The OpenAI-compatible path against a server that really generates."""
    import socket

    import uvicorn
    from fastapi import FastAPI

    from dialogue.backends.local_transformers import LocalTransformers

    model, app = LocalTransformers(str(llama), device="cpu"), FastAPI()

    @app.post("/v1/chat/completions")
    async def complete(body: dict[str, Any]) -> dict[str, Any]:
        system, user = (m["content"] for m in body["messages"])
        text = await model.complete(Prompt(system, user, max_tokens=body["max_tokens"]))
        return {"choices": [{"message": {"content": text}}]}

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    try:
        event = followed("good", f"http://127.0.0.1:{port}/v1", deadline=20.0)
        assert event.engine == AUTHORED
    finally:
        server.should_exit = True
        thread.join(5)


@pytest.mark.engines
def test_a_model_that_cannot_be_loaded_says_what_to_do(tmp_path: Path) -> None:
    from dialogue.backends.local_transformers import LocalTransformers

    with pytest.raises(BackendError, match="VIVA_LLM_MODEL"):
        LocalTransformers(str(tmp_path), device="cpu")


@pytest.mark.parametrize(
    "raw",
    [
        "{'follow_up': 'How much faster did it become?'}",
        '{follow_up: "How much faster did it become?"}',
        '```json\n{"follow_up": "How much faster did it become?",}\n```',
        '{"follow_up": "How much faster did it become?"',
        "{“follow_up”: “How much faster did it become?”}",
    ],
)
def test_slips_of_json_are_mended(raw: str) -> None:
    assert read_reply(raw) == "How much faster did it become?"


def test_a_model_gets_a_second_try_with_the_reason(server: str) -> None:
    event = followed("first wrong", server)
    assert event.text == "How much faster did the reporting pipeline become?"
    assert event.engine.startswith("test-model") and len(Server.asked) == 3, "and the comparison"
    assert "could not be used" in Server.asked[1]["messages"][1]["content"]


@pytest.mark.parametrize(
    ("name", "field", "structure"),
    [
        ("openai", "max_completion_tokens", "json_schema"),
        ("claude", "max_tokens", None),
        ("vllm", "max_tokens", "json_schema"),
    ],
)
def test_each_preset_asks_as_its_server_wants(name: str, field: str, structure: str | None, server: str) -> None:
    Server.behaviour = "good"
    call = conversation(OpenAICompatible(server, "test-model", preset=PRESETS[name]), 2.0, ids=["improved-process"])
    call.open()
    call.answer(ANSWER)
    body = Server.asked[0]
    assert body[field] == 60 and (body.get("response_format") or {}).get("type") == structure


def test_a_base_model_is_given_worked_examples() -> None:
    [question] = agreed(["improved-process"]).questions
    prompt = prompt_for(Decision("probe", question, question.probes[0]), ANSWER, [])
    assert prompt.base.count('{"follow_up": "') == 4 and prompt.base.rstrip().endswith(prompt.user.rstrip())


def test_a_screening_speaks_a_models_own_words_only_where_the_operator_wants_it(server: str) -> None:
    Server.behaviour = "good"
    for wanted in (False, True):
        call = conversation(OpenAICompatible(server, "test-model"), 2.0, ids=["improved-process"], mode="screen")
        call.interviewer = Interviewer(OpenAICompatible(server, "test-model"), 2.0, own_words_in_screening=wanted)
        call.open()
        call.answer(ANSWER)
        event = next(e for e in call.events if e.kind == "followed")
        assert (event.engine == AUTHORED) is not wanted
