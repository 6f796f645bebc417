"""One switch for the methods of parameter-efficient tuning: the name in the config picks the `peft_config`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuning.config import TrainConfig


def peft_config(config: TrainConfig) -> Any:
    """The PEFT configuration of a method; None for full fine-tuning.

    qlora/lora: Hu et al. 2021, Dettmers et al. 2023; dora: Liu et al. 2024; ia3: Liu et al. 2022; adapter: PEFT's
    LoRA on the feed-forward layers alone, in place of Houlsby et al. 2019 (PEFT has no bottleneck adapter);
    prefix: Li & Liang 2021; prompt: Lester et al. 2021.
    """
    from peft import IA3Config, LoraConfig, PrefixTuningConfig, PromptTuningConfig, TaskType

    task = TaskType.CAUSAL_LM
    targets: Any = config.target_modules if config.target_modules != ["all-linear"] else "all-linear"
    if config.method in ("qlora", "lora", "dora"):
        return LoraConfig(
            r=config.r, lora_alpha=config.alpha, lora_dropout=config.dropout, target_modules=targets,
            use_dora=config.method == "dora", task_type=task,
        )  # fmt: skip
    if config.method == "adapter":
        return LoraConfig(
            r=config.r, lora_alpha=config.alpha, lora_dropout=config.dropout, task_type=task,
            target_modules=r".*\.(gate_proj|up_proj|down_proj|dense_h_to_4h|dense_4h_to_h)",
        )  # fmt: skip
    if config.method == "ia3":  # PEFT knows the right layers of each architecture
        return IA3Config(task_type=task)
    if config.method == "prefix":
        return PrefixTuningConfig(num_virtual_tokens=config.virtual_tokens, task_type=task)
    if config.method == "prompt":
        return PromptTuningConfig(num_virtual_tokens=config.virtual_tokens, task_type=task)
    return None
