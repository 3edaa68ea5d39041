"""DPO of models that see: of two answers about a picture, the better one."""

from __future__ import annotations

from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForImageTextToText, set_seed
from trl import DPOConfig, DPOTrainer

from kriptik_trainer.executors.base import CardFacts
from kriptik_trainer.executors.vlm import VlmExecutor, said, shown, with_pictures
from kriptik_trainer.hf import Committed, Rows
from kriptik_trainer.models.language import load_model, lora_config
from kriptik_trainer.scores import at_rest


class _Trainer(Committed, DPOTrainer):  # type: ignore[misc]
    """A DPOTrainer whose checkpoints the run commits."""


def table(examples: Rows) -> Dataset:
    """Rows as TRL takes them."""
    rows = []
    for _, example in examples:
        assert example.messages is not None
        answers = {"chosen": said(example.chosen or ""), "rejected": said(example.rejected or "")}
        prompt = shown(example.messages[-1]["content"])
        rows.append({"images": [str(example.media)], "prompt": prompt, **answers})
    return with_pictures(rows)


class VlmDpoExecutor(VlmExecutor):
    """See executors.base.Executor."""

    watched = ("preferenceMargin", "higher")

    def build(self) -> Any:
        """See HfExecutor.build."""
        spec, hyper = self.spec, self.spec.hyperparameters
        self._open()
        if self.held_out:
            self._held = table(self.held_out)
        set_seed(hyper.seed)
        return _Trainer(
            model=load_model(spec, self.folder, AutoModelForImageTextToText),
            args=DPOConfig(
                **{**self.arguments(), "remove_unused_columns": False},
                # Cutting a row off might cut a picture's marks in two.
                max_length=None,
                beta=spec.options.beta,
                loss_type=[spec.options.loss],
            ),
            train_dataset=table(self.examples),
            processing_class=self.processor,
            peft_config=lora_config(spec.lora),
        )

    def figures(self) -> dict[str, Any]:
        """See HfExecutor.figures. Counted in words of the tokenizer, without the pictures' tokens."""
        count = 0
        for _, example in self.examples:
            assert example.messages is not None
            asked = example.messages[-1]["content"]
            for answer in (example.chosen, example.rejected):
                count += len(self.processor.tokenizer(f"{asked} {answer}")["input_ids"])
        return {"rows": len(self.examples), "tokens": count}

    def evaluate(self) -> dict[str, float]:
        """See Executor.evaluate. How much likelier, by token, the chosen answer is than the rejected one."""
        if self._held is None:
            return {}
        margins = []
        with at_rest(self.model):
            for row in self._held:
                chosen, rejected = self._means(row)
                margins.append(chosen - rejected)
        return {
            "preferenceMargin": sum(margins) / len(margins),
            "preferenceAccuracy": sum(margin > 0 for margin in margins) / len(margins),
        }

    def _means(self, row: dict[str, Any]) -> tuple[float, float]:
        """The mean log-likelihood of a token of the chosen and of the rejected answer."""
        inputs = self.trainer.data_collator([row])
        inputs = {name: value.to(self.model.device) for name, value in inputs.items()}
        counts = inputs.pop("completion_mask")[:, 1:]
        logits = self.model(**inputs).logits[:, :-1].float()
        likely = torch.log_softmax(logits, -1)
        each = likely.gather(-1, inputs["input_ids"][:, 1:, None])[..., 0]
        means = (each * counts).sum(1) / counts.sum(1).clamp(min=1)
        return float(means[0]), float(means[1])

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        facts = super().card(output)
        counted = "tokens of text a pass; good answers are weighed against bad ones"
        return CardFacts(facts.library, facts.pipeline_tag, facts.use, counted)
