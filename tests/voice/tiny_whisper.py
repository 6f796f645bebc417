"""A tiny Whisper, built and converted to CTranslate2, on which the real loading and decoding code runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SAYS = {440.0: " hello world.", 880.0: " um good bye."}  # Hz of a tone, and the text the model is taught for it


def tone(hertz: float, seconds: float = 2.0) -> npt.NDArray[np.float32]:
    """A 16 kHz tone."""
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * 16_000)) / 16_000)).astype(np.float32)


def make_tiny_whisper(folder: Path) -> Path:
    """A folder that faster-whisper loads: a model trained from random weights on two tones, so its words are known."""
    import torch
    from ctranslate2.converters import TransformersConverter
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        GenerationConfig,
        PreTrainedTokenizerFast,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
    )

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>"]
    special += ["<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    special += [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
    size = tokenizer.get_vocab_size()
    ids = {t: tokenizer.token_to_id(t) for t in special}

    torch.manual_seed(7)
    config = WhisperConfig(
        vocab_size=size, d_model=32, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=64, decoder_ffn_dim=64, num_mel_bins=80, max_source_positions=1500, max_target_positions=448,
        bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|endoftext|>"], pad_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"], suppress_tokens=[], begin_suppress_tokens=[ids["<|endoftext|>"]],
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        eos_token_id=ids["<|endoftext|>"], pad_token_id=ids["<|endoftext|>"], bos_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"], no_timestamps_token_id=ids["<|notimestamps|>"],
        alignment_heads=[[0, 0], [1, 1]], is_multilingual=False,
    )  # fmt: skip
    _teach(model, tokenizer, WhisperFeatureExtractor(feature_size=80))
    source = folder / "transformers"
    model.save_pretrained(source)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|endoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>"
    ).save_pretrained(source)
    tokenizer.save(str(source / "tokenizer.json"))
    WhisperFeatureExtractor(feature_size=80).save_pretrained(source)
    target = folder / "ct2"
    TransformersConverter(str(source), copy_files=["tokenizer.json", "preprocessor_config.json"]).convert(
        str(target), force=True
    )
    found = json.loads((target / "config.json").read_text())
    found.setdefault("suppress_ids", [])
    (target / "config.json").write_text(json.dumps(found))
    return target


def _teach(model: Any, tokenizer: Any, extractor: Any) -> None:
    """Overfit the two tones: useless as a model, but real words with real timestamps come out."""
    import torch

    features = torch.tensor(np.stack([extractor(tone(h), sampling_rate=16_000).input_features[0] for h in SAYS]))
    rows = [tokenizer.encode(f"<|startoftranscript|><|0.00|>{text}<|2.00|><|endoftext|>").ids for text in SAYS.values()]
    longest = max(map(len, rows))
    end = tokenizer.token_to_id("<|endoftext|>")
    ids = torch.tensor([row + [end] * (longest - len(row)) for row in rows])
    optimiser = torch.optim.Adam(model.parameters(), lr=4e-3)
    model.train()
    for _ in range(400):
        logits = model(input_features=features, decoder_input_ids=ids[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if loss.item() < 0.002:
            break
    model.eval()
