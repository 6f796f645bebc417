"""A tiny random model, made on the spot: for tests, CI and a first look. It knows nothing until it is trained."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

END = "<|im_end|>"
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)  # ChatML, like Qwen's: a reply ends with the end token


def make_tiny(
    folder: Path, texts: Iterable[str], *, shape: str = "qwen3", seed: int = 0, hidden: int = 128, layers: int = 2,
    vocabulary: int = 1200, chat: bool = True,
) -> Path:  # fmt: skip
    """A random Qwen3, Llama or Falcon with its own byte-level BPE learnt from `texts`. Returns the folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    specials = [END, "<|im_start|>", "<|pad|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=specials, initial_alphabet=alphabet)
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=END, pad_token="<|pad|>")
    if chat:
        tokenizer.chat_template = TEMPLATE
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(_config(shape, len(tokenizer), hidden, layers, tokenizer))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _config(shape: str, size: int, hidden: int, layers: int, tokenizer: object) -> object:
    from transformers import FalconConfig, LlamaConfig, Qwen3Config

    common = {
        "initializer_range": 0.1, "vocab_size": size, "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": 4,
        "eos_token_id": getattr(tokenizer, "eos_token_id", None), "pad_token_id": getattr(tokenizer, "pad_token_id", None),
        "bos_token_id": None,
    }  # fmt: skip
    if shape == "falcon":
        return FalconConfig(**common, alibi=True, bias=True, multi_query=False, max_position_embeddings=2048)
    wide = {**common, "intermediate_size": 3 * hidden, "num_key_value_heads": 2, "max_position_embeddings": 2048}
    if shape == "llama":
        return LlamaConfig(**wide)
    return Qwen3Config(**wide, head_dim=hidden // 4, tie_word_embeddings=True)
