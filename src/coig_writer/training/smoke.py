"""The smoke model: a tiny Qwen2 and a byte-level BPE, made in seconds and the same every time.

It proves the plumbing on a laptop. It has learned nothing worth reading, and everything made with
it is called a smoke output.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from coig_writer.folder import atomic_folder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

NAME = "smoke"
VOCABULARY = 2000
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def make(out: Path, texts: Iterable[str], seed: int = 0) -> None:
    """Writes tokenizer and model to a folder that ``from_pretrained`` reads.

    Args:
        out: The folder.
        texts: What the tokenizer is fitted on; order matters not.
        seed: Of the weights.
    """
    with atomic_folder(out, "smoke model") as folder:
        tokenizer = fit_tokenizer(texts)
        tokenizer.save_pretrained(folder)
        _model(len(tokenizer), tokenizer, seed).save_pretrained(folder)


def fit_tokenizer(texts: Iterable[str], pieces: int = VOCABULARY) -> PreTrainedTokenizerFast:
    """Fits a byte-level BPE with Qwen2.5's chat template, read from the installed trl package."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=pieces - len(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(sorted(texts), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
    )
    template = resources.files("trl") / "chat_templates" / "qwen2_5.jinja"
    tokenizer.chat_template = template.read_text(encoding="utf-8")
    return tokenizer


def _model(vocabulary: int, tokenizer: PreTrainedTokenizerFast, seed: int) -> Qwen2ForCausalLM:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Qwen2ForCausalLM(config)
