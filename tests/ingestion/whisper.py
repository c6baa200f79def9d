"""A Whisper model with random weights: of the real shape, loaded and run like any other."""

from __future__ import annotations

import json
import warnings
from pathlib import Path


def make_model(folder: Path) -> Path:
    """Write a model for CTranslate2; what it hears has no meaning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the converter are not this project's
        _make(folder / "whole")
        from ctranslate2.converters import TransformersConverter

        made = folder / "converted"
        converter = TransformersConverter(str(folder / "whole"), copy_files=["tokenizer.json"])
        converter.convert(str(made))
    return made


def _make(folder: Path) -> None:
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import WhisperConfig, WhisperForConditionalGeneration
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    letters = sorted(ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(letters)}, merges=[]))
    tokens.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    names = ["endoftext", "startoftranscript", *list(LANGUAGES)[:99], "translate", "transcribe"]
    names += ["startoflm", "startofprev", "nospeech", "notimestamps"]
    names += [f"{step * 0.02:.2f}" for step in range(1501)]
    tokens.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in names])
    end, start = (tokens.token_to_id(f"<|{name}|>") for name in names[:2])
    size = {"d_model": 64, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
    layers = dict.fromkeys(("encoder_layers", "decoder_layers"), 1)
    heads = dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2)
    ends = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), end)
    torch.manual_seed(3)
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=tokens.get_vocab_size(),
            decoder_start_token_id=start,
            suppress_tokens=[],
            begin_suppress_tokens=[end],
            **size,
            **layers,
            **heads,
            **ends,
        )
    )
    model.save_pretrained(folder)
    tokens.save(str(folder / "tokenizer.json"))
    told = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 448}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
