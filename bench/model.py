"""How fast and how large the model is that words the follow-ups: real shapes, random weights, on a GPU.

    viva bench model [--shape llama-2-7b --shape qwen3-4b] [--device cuda]

Speed and memory do not depend on what the weights say, so they are random and nothing is downloaded; quality is measured
elsewhere (viva tune eval). Per shape: memory in bf16 and NF4, time to the first and to twenty tokens at batch 1 and 16 (eager,
and static cache with torch.compile, whose reduce-overhead mode replays CUDA graphs), vLLM where it is installed, and the speed
and memory of QLoRA training. In the same table the figures of paper 1 (1.2 s, 4.8 GB) and the floor: the bytes of the weights
over the bandwidth measured in the same run. Writes docs/results/model.md on a GPU; `--shape tiny --device cpu` tries the code.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from agent.errors import UserError
from tuning.evaluate.evaluate import markdown_table

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
PROMPT, NEW = 512, 20  # tokens
RUNS = 5
HEADS = ["shape", "weights", "how", "batch", "memory", "first token", "20 tokens", "floor for 20 tokens"]


@dataclass(frozen=True)
class Shape:
    """`kind`: llama or qwen3; the rest as in the model's config."""

    kind: str
    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    head: int
    tied: bool = False


SHAPES = {
    "llama-2-7b": Shape("llama", 4096, 11008, 32, 32, 32, 32000, 128),
    "qwen3-4b": Shape("qwen3", 2560, 9728, 36, 32, 8, 151936, 128, tied=True),
    "tiny": Shape("qwen3", 64, 128, 2, 4, 2, 512, 16, tied=True),
}


def config_of(shape: Shape) -> Any:
    from transformers import LlamaConfig, Qwen3Config

    common = {
        "hidden_size": shape.hidden, "intermediate_size": shape.inner, "num_hidden_layers": shape.layers, "vocab_size": shape.vocabulary,
        "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads, "head_dim": shape.head,
        "max_position_embeddings": 4096, "tie_word_embeddings": shape.tied,
    }  # fmt: skip
    return LlamaConfig(**common) if shape.kind == "llama" else Qwen3Config(**common)


def build(shape: Shape, device: str) -> Any:
    """The model in bf16 with random weights, created on the device it will run on."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device(device):
        model: Any = AutoModelForCausalLM.from_config(config_of(shape), dtype=torch.bfloat16)
    return model.eval()


def to_nf4(model: Any) -> Any:
    """Every linear layer but the head in NF4 with double quantization, layer by layer, as QLoRA stores a base model."""
    import bitsandbytes as bnb
    import torch

    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if not isinstance(child, torch.nn.Linear) or child is model.lm_head:
                continue
            small = bnb.nn.Linear4bit(
                child.in_features, child.out_features, child.bias is not None, compute_dtype=torch.bfloat16,
                compress_statistics=True, quant_type="nf4",
            )  # fmt: skip
            weight = child.weight.data
            small.weight = bnb.nn.Params4bit(
                weight.cpu(), requires_grad=False, compress_statistics=True, quant_type="nf4", module=small
            )
            setattr(parent, name, small.to(weight.device))
            del child, weight
    gc.collect()
    return model


def weight_bytes(model: Any) -> int:
    """Bytes read for each token: all weights, a tied head counted once."""
    return sum(p.numel() * p.element_size() for p in model.parameters())


def allocated(device: str, model: Any) -> int:
    import torch

    return int(torch.cuda.max_memory_allocated()) if device == "cuda" else weight_bytes(model)


def bandwidth(device: str) -> float:
    """Bytes per second, from copying a large tensor (reads and writes counted)."""
    import torch

    size = 2**30 if device == "cuda" else 2**26
    a = torch.empty(size, dtype=torch.uint8, device=device)
    b = torch.empty_like(a)
    seconds = timed(lambda: b.copy_(a), device, 10)
    return 2 * size / seconds


def timed(work: Callable[[], Any], device: str, runs: int = RUNS) -> float:
    """Median seconds per run, after two warm-up runs."""
    import torch

    def once() -> float:
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    for _ in range(2):
        once()
    return median(once() for _ in range(runs))


def speed(model: Any, batch: int, device: str, *, compiled: bool) -> tuple[float, float]:
    """Seconds to the first token and to all NEW tokens, greedy, from a prompt of PROMPT tokens."""
    import torch

    ids = torch.randint(3, model.config.vocab_size, (batch, PROMPT), device=device)
    options: dict[str, Any] = {
        "do_sample": False,
        "pad_token_id": 0,
        "eos_token_id": None,
        "attention_mask": torch.ones_like(ids),
    }
    if compiled:
        options["cache_implementation"] = "static"
        if device == "cuda":
            from transformers import CompileConfig

            options["compile_config"] = CompileConfig(mode="reduce-overhead", fullgraph=False)

    def generate(n: int) -> Callable[[], Any]:
        return lambda: model.generate(ids, max_new_tokens=n, min_new_tokens=n, **options)

    with torch.inference_mode():
        return timed(generate(1), device), timed(generate(NEW), device)


def training(model: Any, device: str, *, batch: int = 1, length: int = 512, rank: int = 8) -> tuple[float, int]:
    """QLoRA: tokens per second and peak bytes; LoRA on all linear layers, gradient checkpointing, AdamW."""
    import torch
    from peft import LoraConfig, get_peft_model

    model.gradient_checkpointing_enable()
    model.enable_input_require_grads()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    tuned: Any = get_peft_model(
        model, LoraConfig(r=rank, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    tuned.train()
    optimizer = torch.optim.AdamW([p for p in tuned.parameters() if p.requires_grad], lr=1e-4)
    ids = torch.randint(3, model.config.vocab_size, (batch, length), device=device)

    def step() -> None:
        tuned(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds = timed(step, device)
    return batch * length / seconds, allocated(device, model)


def vllm_speed(shape: Shape, batch: int) -> tuple[float, float] | None:
    """The same with vLLM and dummy weights; None if it is not installed."""
    if importlib.util.find_spec("vllm") is None:
        return None
    from vllm import LLM, SamplingParams, TokensPrompt

    with tempfile.TemporaryDirectory() as folder:
        config_of(shape).save_pretrained(folder)
        engine = LLM(folder, load_format="dummy", skip_tokenizer_init=True, dtype="bfloat16", max_model_len=2048, gpu_memory_utilization=0.6, enable_prefix_caching=False)  # fmt: skip
        prompts = [TokensPrompt(prompt_token_ids=[7 + i] * PROMPT) for i in range(batch)]

        def generate(n: int) -> Callable[[], Any]:
            wanted = SamplingParams(max_tokens=n, min_tokens=n, temperature=0.0, ignore_eos=True, detokenize=False)
            return lambda: engine.generate(prompts, wanted, use_tqdm=False)

        return timed(generate(1), "cuda"), timed(generate(NEW), "cuda")


def measure(name: str, device: str, console: Console) -> tuple[list[list[str]], list[str]]:
    """Rows of the table and a line on training, for one shape."""
    import torch

    shape, rows = SHAPES[name], []
    rate = bandwidth(device)
    for weights in ("bf16", "NF4"):
        if device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        model = build(shape, device)
        if weights == "NF4":
            model = to_nf4(model)
            if device == "cuda":
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
        floor = NEW * weight_bytes(model) / (rate / 2)  # reads only: half of what a copy moves
        for batch in (1, 16):
            for compiled in (False, True):
                console.print(f"{name}, {weights}, batch {batch}, {'compiled' if compiled else 'eager'} …", style="dim")
                try:
                    first, whole = speed(model, batch, device, compiled=compiled)
                except (RuntimeError, ValueError, NotImplementedError) as error:
                    console.print(f"  not measured: {str(error).splitlines()[0][:150]}", style="yellow")
                    continue
                how = "static cache, torch.compile" if compiled else "eager"
                memory = f"{allocated(device, model) / 1e9:.2f} GB"
                rows.append([name, weights, how, str(batch), memory, f"{1000 * first:.1f} ms", f"{1000 * whole:.1f} ms", f"{1000 * floor:.1f} ms"])  # fmt: skip
        if weights == "NF4":
            tokens, peak = training(model, device)
            line = f"{name}, QLoRA training (r 8, all linear layers, 1 x 512 tokens, checkpointing): {tokens:,.0f} tokens/s, {peak / 1e9:.2f} GB"
        del model
        gc.collect()
    for batch in (1, 16) if device == "cuda" else ():
        found = vllm_speed(shape, batch)
        if found:
            first, whole = found
            rows.append(
                [name, "bf16", "vLLM", str(batch), "–", f"{1000 * first:.1f} ms", f"{1000 * whole:.1f} ms", "–"]
            )
    return rows, [line]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="viva bench model", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--shape", action="append", choices=SHAPES)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    arguments = parser.parse_args(argv)
    console = Console()
    try:
        import torch
    except ImportError as error:
        raise UserError("this benchmark needs torch; pip install 'vivavoce[tune]'") from error
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "there is no CUDA GPU here; run it where one is, or try the code with --shape tiny --device cpu"
        )
    torch.manual_seed(0)
    rows: list[list[str]] = []
    lines: list[str] = []
    for name in arguments.shape or ["llama-2-7b", "qwen3-4b"]:
        found, more = measure(name, arguments.device, console)
        rows += found
        lines += more
    rows.append(["paper 1 (LLaMA-2-7B)", "4 bit", "as reported", "1", "4.80 GB", "–", "1200 ms", "–"])
    table = Table(title="random weights, real shapes")
    for head in HEADS:
        table.add_column(head)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for line in lines:
        console.print(line)
    if arguments.device == "cuda":
        chip = torch.cuda.get_device_name(0)
        body = markdown_table(HEADS, rows)
        head = f"# The model's speed and size\n\n`viva bench model`, {datetime.now(UTC):%Y-%m-%d}, {chip}, torch {torch.__version__}. Random weights.\n\n"
        (RESULTS / "model.md").write_text(
            head + body + "\n\n" + "\n".join(f"- {line}" for line in lines) + "\n", "utf-8"
        )


if __name__ == "__main__":
    main()
