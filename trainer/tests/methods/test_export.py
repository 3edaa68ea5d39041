"""What comes out can be loaded with the plain libraries and answers as the trained model does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from kriptik_trainer.compare import compare
from kriptik_trainer.store import path_of
from support.inprocess import Attempt, run_attempt
from support.specs import changed, spec_json


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Attempt:
    from support.rows import write_data  # noqa: PLC0415

    root = tmp_path_factory.mktemp("export")
    spec = spec_json(root, tiny, write_data(root / "data.jsonl"))
    return run_attempt(changed(spec, hyperparameters__learningRate="0.02"))


def folder_of(attempt: Attempt, name: str) -> Path:
    return path_of({a["name"]: a["uri"] for a in attempt.status["artifacts"]}[name])


def test_merged_and_adapter_agree(trained: Attempt, tiny: Path) -> None:
    tokens = torch.tensor([[5, 6, 7, 8]])
    base = AutoModelForCausalLM.from_pretrained(tiny)
    with torch.no_grad():
        plain = base(tokens).logits
        merged = AutoModelForCausalLM.from_pretrained(folder_of(trained, "merged"))(tokens).logits
        adapted = PeftModel.from_pretrained(base, folder_of(trained, "adapter"))(tokens).logits

    torch.testing.assert_close(merged, adapted, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(merged, plain, atol=1e-3), "training must have changed the answers"


def test_tokenizer_comes_along(trained: Attempt, tiny: Path) -> None:
    original = AutoTokenizer.from_pretrained(tiny)
    exported = AutoTokenizer.from_pretrained(folder_of(trained, "merged"))

    assert exported.chat_template == original.chat_template
    assert exported("freeze")["input_ids"] == original("freeze")["input_ids"]


def test_model_card_tells_where_it_comes_from(trained: Attempt) -> None:
    card = (folder_of(trained, "merged") / "README.md").read_text()

    for fact in (
        'base_model: "test/tiny"',
        'license: "apache-2.0"',
        "> Answer as our help desk.",
        "12 rows, SHA-256 `",
        "LoRA, rank 4, alpha 8",
        "6.00 USD an hour",
        "`sha256:00`",
        "loss at the last step",
    ):
        assert fact in card
    assert "library_name: peft" in (folder_of(trained, "adapter") / "README.md").read_text()


def test_compare_answers_side_by_side(trained: Attempt, tiny: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": "what is a freeze?", "expected": "it saves"}\n')
    report = compare(
        tiny.as_uri(), folder_of(trained, "adapter").as_uri(), ["how do I resume?"], prompts, 8
    )

    assert [one["prompt"] for one in report["results"]] == ["how do I resume?", "what is a freeze?"]
    assert [one["expected"] for one in report["results"]] == [None, "it saves"]
    assert report["results"][0]["base"] != report["results"][0]["tuned"]
