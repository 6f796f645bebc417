"""A causal language model in this process: transformers, with a PEFT adapter, in 4 bits on CUDA.

Loaded once per process and used by one thread at a time. A caller that has waited long enough cancels, and a stopping
criterion ends generation at the next token, because a thread cannot be cancelled.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dialogue.backends.base import BackendError, Prompt, one_line


class LocalTransformers:
    """`model`: a name or folder; `adapter`: a folder saved by PEFT; `device`: cpu, cuda or auto.

    `constrain`: hold the reply to the prompt's JSON Schema (xgrammar, if installed); `label`: the adapter's name
    and version in the log; `tuned`: the model itself was tuned, so a base model needs no worked examples.
    """

    def __init__(
        self, model: str, adapter: str | None = None, device: str = "auto", four_bit: bool | None = None,
        *, constrain: bool = True, tuned: bool = False, label: str = "",
    ) -> None:  # fmt: skip
        try:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer
        except ImportError as error:
            raise BackendError(f"transformers is not installed ({error}); pip install 'vivavoce[llm]'") from error
        self._torch: Any = torch
        cuda = torch.cuda.is_available() and device != "cpu"
        options: dict[str, Any] = {"dtype": torch.bfloat16 if cuda else torch.float32}
        if cuda:
            options["device_map"] = {"": 0}
            if four_bit is not False:
                options["quantization_config"] = nf4(torch.bfloat16)
        self._tuned = tuned or bool(adapter)
        self._grammars: dict[str, Any] = {}
        self._grammar_compiler: Any = None
        if adapter:
            check_adapter(adapter, model)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(adapter if _has_tokenizer(adapter) else model)
            self._model: Any = AutoModelForCausalLM.from_pretrained(model, **options)
            if adapter:
                from peft import PeftModel

                self._model = PeftModel.from_pretrained(self._model, adapter)
        except Exception as error:  # a folder that is not a model fails in every possible way
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise BackendError(
                f"the model {model!r}{f' with adapter {adapter!r}' if adapter else ''} cannot be loaded ({reason}); "
                "give VIVA_LLM_MODEL a folder with the model, or a name that can be downloaded"
            ) from error
        self._model.eval()
        self.name = f"{Path(model).name}{f' + {label or Path(adapter).name}' if adapter else ''} in process"
        self.constrain = constrain and _can_constrain()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="llm")
        self._closed = threading.Event()

    async def complete(self, prompt: Prompt) -> str:
        stop = threading.Event()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._generate, prompt, stop)
        except asyncio.CancelledError:
            stop.set()
            raise
        except Exception as error:
            raise BackendError(f"{self.name}: {one_line(error)}") from error

    async def close(self) -> None:
        """Stop any generation in progress: a process waits for its threads before it exits."""
        self._closed.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _generate(self, prompt: Prompt, stop: threading.Event) -> str:
        ids = self._encode(prompt).to(self._model.device)
        limit = int(getattr(self._model.config, "max_position_embeddings", 0) or 1 << 20) - prompt.max_tokens
        ids = ids[:, -max(limit, 1) :]  # the newest words matter most
        torch = self._torch

        def stopped(input_ids: Any, scores: Any, **_: Any) -> Any:
            over = stop.is_set() or self._closed.is_set()
            return torch.full((input_ids.shape[0],), over, dtype=torch.bool, device=input_ids.device)

        with torch.inference_mode():
            out = self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=prompt.max_tokens,
                do_sample=False,
                stopping_criteria=[stopped],
                logits_processor=self._grammar(prompt.schema),
                pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
            )
        return str(self._tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True))

    def _grammar(self, schema: dict[str, Any] | None) -> list[Any] | None:
        """A logits processor that admits only JSON of the schema; it is stateful, so each reply gets its own."""
        if not schema or not self.constrain:
            return None
        import xgrammar
        from xgrammar.contrib.hf import LogitsProcessor

        if self._grammar_compiler is None:
            size = int(self._model.config.vocab_size)
            info = xgrammar.TokenizerInfo.from_huggingface(self._tokenizer, vocab_size=size)
            self._grammar_compiler = xgrammar.GrammarCompiler(info)
        key = str(schema.get("title"))
        if key not in self._grammars:
            self._grammars[key] = self._grammar_compiler.compile_json_schema(
                json.dumps(schema), any_whitespace=False
            )  # otherwise a weak model spends its tokens on whitespace
        return [LogitsProcessor(self._grammars[key])]

    def _encode(self, prompt: Prompt) -> Any:
        if self._tokenizer.chat_template:
            text = self._tokenizer.apply_chat_template(prompt.messages, add_generation_prompt=True, tokenize=False)
            return self._tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
        text = prompt.plain if self._tuned else prompt.base or prompt.plain
        return self._tokenizer(text, return_tensors="pt")["input_ids"]


def check_adapter(adapter: str, model: str) -> None:
    """Raises BackendError if this is not an adapter, or was trained on a base other than `model`."""
    base = base_of_adapter(adapter)
    if base and Path(base).name != Path(model).name:
        raise BackendError(
            f"the adapter {adapter} was trained on {Path(base).name}, not on {Path(model).name}; "
            f"set VIVA_LLM_MODEL to its base, or train an adapter for {Path(model).name}"
        )


def base_of_adapter(adapter: str) -> str:
    """The model an adapter was trained on, "" if it does not say. Raises BackendError if this is not an adapter."""
    try:
        config = json.loads((Path(adapter) / "adapter_config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BackendError(
            f"{adapter} is no adapter (no readable adapter_config.json); give the folder that `viva tune train` wrote"
        ) from error
    return str(config.get("base_model_name_or_path") or "")


def _can_constrain() -> bool:
    return importlib.util.find_spec("xgrammar") is not None


def _has_tokenizer(adapter: str | None) -> bool:
    return bool(adapter) and (Path(adapter or "") / "tokenizer_config.json").is_file()


def nf4(dtype: Any) -> Any:
    """NF4 with double quantization, as QLoRA stores a base; computed in `dtype`."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
