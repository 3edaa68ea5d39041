"""Direct preference optimization: learns from pairs of a better and a worse answer, on an adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import set_seed
from trl import DPOConfig, DPOTrainer

from kriptik_trainer.data.shapes import Example
from kriptik_trainer.executors.base import CardFacts
from kriptik_trainer.executors.sft import language_card
from kriptik_trainer.hf import Committed, HfExecutor, Rows
from kriptik_trainer.models.language import (
    load_model,
    load_tokenizer,
    lora_config,
    save_output,
)
from kriptik_trainer.scores import preference
from kriptik_trainer.spec import Spec
from kriptik_trainer.tokens import Encoded, encode_all


class _Trainer(Committed, DPOTrainer):  # type: ignore[misc]
    """A DPOTrainer whose checkpoints the run commits."""


def preference_rows(examples: Rows) -> list[dict[str, Any]]:
    """Rows as TRL takes them: prompt and both answers as messages."""
    return [
        {
            "prompt": list(example.messages or ()),
            "chosen": [{"role": "assistant", "content": example.chosen}],
            "rejected": [{"role": "assistant", "content": example.rejected}],
        }
        for _, example in examples
    ]


def encoded_pairs(tokenizer: Any, examples: Rows, length: int) -> list[tuple[Encoded, Encoded]]:
    """(chosen, rejected) of each row as conversations, in which only the answer counts."""

    def answered(example: Example, answer: str | None) -> Example:
        turns = (*(example.messages or ()), {"role": "assistant", "content": answer or ""})
        return Example(example.line, turns, None)

    return [
        (
            encode_all(tokenizer, [(file, answered(one, one.chosen))], length).rows[0],
            encode_all(tokenizer, [(file, answered(one, one.rejected))], length).rows[0],
        )
        for file, one in examples
    ]


class DpoExecutor(HfExecutor):
    """See executors.base.Executor."""

    watched = ("preferenceMargin", "higher")

    def __init__(self, spec: Spec, folder: Path, examples: Rows, held_out: Rows) -> None:
        super().__init__(spec, folder, examples, held_out)
        self.tokenizer: Any = None
        self._pairs: list[tuple[Encoded, Encoded]] = []
        self._held: list[tuple[Encoded, Encoded]] = []

    def build(self) -> Any:
        """See HfExecutor.build."""
        spec, hyper = self.spec, self.spec.hyperparameters
        self.tokenizer = load_tokenizer(self.folder, self.warnings)
        self._pairs = encoded_pairs(self.tokenizer, self.examples, hyper.max_length)
        self._held = encoded_pairs(self.tokenizer, self.held_out, hyper.max_length)
        set_seed(hyper.seed)
        return _Trainer(
            model=load_model(spec, self.folder),
            args=DPOConfig(
                **self.arguments(),
                max_length=hyper.max_length,
                beta=spec.options.beta,
                loss_type=[spec.options.loss],
            ),
            train_dataset=Dataset.from_list(preference_rows(self.examples)),
            processing_class=self.tokenizer,
            peft_config=lora_config(spec.lora),
        )

    def figures(self) -> dict[str, Any]:
        """See HfExecutor.figures."""
        tokens = sum(len(one.input_ids) for pair in self._pairs for one in pair)
        return {"rows": len(self._pairs), "tokens": tokens}

    def evaluate(self) -> dict[str, float]:
        """See Executor.evaluate."""
        return preference(self.model, self._held) if self._held else {}

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        return language_card(
            output, "tokens a pass; chosen answers are weighed against rejected ones"
        )

    def export(self, name: str, folder: Path) -> None:
        """See Executor.export."""
        save_output(name, self.spec, self.model, self.tokenizer, self.folder, folder)
