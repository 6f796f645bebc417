"""A tiny random VITS on which the real Coqui loading and synthesis code runs. It does not sound like speech."""

from __future__ import annotations

from pathlib import Path


def make_tiny_vits(folder: Path) -> Path:
    """A folder with config.json and model.pth that CoquiVoice loads."""
    import torch
    from TTS.config.shared_configs import BaseAudioConfig
    from TTS.tts.configs.shared_configs import CharactersConfig
    from TTS.tts.configs.vits_config import VitsArgs, VitsConfig
    from TTS.tts.models.vits import Vits

    torch.manual_seed(3)
    args = VitsArgs(
        hidden_channels=16, hidden_channels_ffn_text_encoder=32, num_heads_text_encoder=2,
        num_layers_text_encoder=1, num_layers_posterior_encoder=2, num_layers_flow=2, upsample_initial_channel_decoder=32,
        kernel_size_posterior_encoder=3, out_channels=257,
    )  # fmt: skip
    characters = CharactersConfig(
        characters_class="TTS.tts.models.vits.VitsCharacters", pad="_", eos="", bos="", blank=None,
        characters="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", punctuations="!'(),-.:;? ", phonemes="",
    )  # fmt: skip
    config = VitsConfig(
        model_args=args, audio=BaseAudioConfig(fft_size=512, win_length=512, hop_length=256, sample_rate=22_050, num_mels=80),
        characters=characters, use_phonemes=False, text_cleaner="basic_cleaners", add_blank=False,
    )  # fmt: skip
    model = Vits(config)
    folder.mkdir(parents=True, exist_ok=True)
    config.save_json(str(folder / "config.json"))
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    return folder
