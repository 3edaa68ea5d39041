"""Tokenizers and models as they are published: without a template, without marks, with few places."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.models.language import load_tokenizer, refuse_longer
from kriptik_trainer.tokens import encode

WORDS = ("<s>", "</s>", "<unk>", "a", "#", "user", "assistant", "yes")
CHAT = Example(1, ({"role": "user", "content": "a"}, {"role": "assistant", "content": "yes"}), None)


def saved(folder: Path, begins: bool, **marks: str) -> Path:
    """A tokenizer without a chat template, that begins each text with <s> or not."""
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    if begins:
        made.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", 0)]
        )
    PreTrainedTokenizerFast(tokenizer_object=made, **marks).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("begins", [True, False])
def test_a_plain_template_begins_as_the_model_knows_texts_to_begin(
    tmp_path: Path, begins: bool
) -> None:
    folder = saved(tmp_path, begins, bos_token="<s>", eos_token="</s>")
    tokenizer = load_tokenizer(folder, [])
    ids = encode(tokenizer, CHAT, 64).input_ids
    assert (ids[0] == 0, ids.count(0)) == (begins, int(begins))


def test_padding_may_be_any_mark_and_without_one_the_tokenizer_is_refused(tmp_path: Path) -> None:
    unknown = saved(tmp_path / "unknown", False, unk_token="<unk>")
    assert load_tokenizer(unknown, []).pad_token_id == WORDS.index("<unk>")
    with pytest.raises(TrainerError) as caught:
        load_tokenizer(saved(tmp_path / "none", False), [])
    assert caught.value.code == "tokenizerUnusable"
    assert "padding" in caught.value.message


@pytest.mark.parametrize(
    ("name", "places", "length", "refused"),
    [
        ("wpe", 128, 128, False),
        ("wpe", 128, 129, True),
        ("embed_positions", 130, 129, True),
        ("embed_tokens", 128, 129, False),
    ],
    ids=["as long as it may be", "too long", "with places for padding", "turned positions"],
)
def test_rows_are_no_longer_than_learned_positions(
    name: str, places: int, length: int, refused: bool
) -> None:
    model = torch.nn.Module()
    model.add_module(name, torch.nn.Embedding(places, 4))
    model.config = SimpleNamespace(max_position_embeddings=128)
    if not refused:
        refuse_longer(model, length)
        return
    with pytest.raises(TrainerError) as caught:
        refuse_longer(model, length)
    assert (caught.value.code, caught.value.where) == (
        "unsupportedSetting",
        "hyperparameters.maxLength",
    )
