"""An adapter as it is served: merged into the base for one-model servers, or kept separate for vLLM's --enable-lora."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

from dialogue.backends.base import BackendError
from dialogue.backends.local_transformers import check_adapter
from tuning.errors import TuneError


def merge(base: str, adapter: Path, out: Path, *, dtype: str = "bfloat16") -> Path:
    """The base in `dtype` with the adapter merged in; never into 4-bit weights, which would round the gain away.

    Raises TuneError if base and adapter do not fit, or the method has nothing to merge (prefix, prompt tuning).
    """
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        check_adapter(str(adapter), base)
        model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=getattr(torch, dtype))
        tuned: Any = PeftModel.from_pretrained(model, str(adapter))
    except BackendError as error:
        raise TuneError(str(error)) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise TuneError(f"{base} and {adapter} cannot be put together ({str(error).splitlines()[0][:200]})") from error
    if not hasattr(tuned, "merge_and_unload"):
        raise TuneError("this method adds virtual tokens and has nothing to merge; serve it in process")
    merged = tuned.merge_and_unload(safe_merge=True)
    out.mkdir(parents=True, exist_ok=True)
    merged.save_pretrained(out)
    AutoTokenizer.from_pretrained(str(adapter)).save_pretrained(out)
    if (adapter / "README.md").is_file():
        shutil.copy(adapter / "README.md", out / "README.md")
    return out


def serving_commands(base: str, adapter: Path, merged: Path | None, *, rank: int, name: str = "follow-ups") -> str:
    """What to type to serve it, and the settings that point Vivavoce to the server."""
    lines = [
        "# vLLM, adapter by name (several at once, prefix cache and structured output are on by default):",
        f"vllm serve {shlex.quote(base)} --enable-lora --lora-modules {name}={shlex.quote(str(adapter))} --max-lora-rank {max(rank, 8)}",
        f"export VIVA_LLM=vllm VIVA_LLM_MODEL={name}",
        "",
        "# in this process:",
        f"export VIVA_LLM=transformers VIVA_LLM_MODEL={shlex.quote(base)} VIVA_LLM_ADAPTER={shlex.quote(str(adapter))}",
    ]
    if merged:
        lines += [
            "",
            "# llama.cpp, from the merged folder:",
            f"python llama.cpp/convert_hf_to_gguf.py {shlex.quote(str(merged))} --outfile {name}.gguf --outtype bf16",
            f"llama.cpp/build/bin/llama-quantize {name}.gguf {name}.q4.gguf Q4_K_M",
            f"llama.cpp/build/bin/llama-server -m {name}.q4.gguf",
            f"export VIVA_LLM=llamacpp VIVA_LLM_MODEL={name}",
        ]
    return "\n".join(lines)
