"""Tiny Hugging Face models with random weights, made on the spot."""

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertModel,
    PreTrainedTokenizerFast,
)

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "reset", "your", "password", "##s", "login"]


def _config(layers: int = 1) -> BertConfig:
    return BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        num_labels=1,
    )


def _save(model: torch.nn.Module, folder: Path) -> str:
    tokenizer = Tokenizer(WordPiece({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=32,
    ).save_pretrained(folder)
    model.save_pretrained(folder)
    return str(folder)


def masked_language_model(folder: Path) -> str:
    torch.manual_seed(0)
    return _save(BertForMaskedLM(_config()), folder)


def plain_encoder(folder: Path, layers: int = 1) -> str:
    torch.manual_seed(0)
    return _save(BertModel(_config(layers)), folder)


def cross_encoder(folder: Path) -> str:
    torch.manual_seed(0)
    return _save(BertForSequenceClassification(_config()), folder)
