"""Learning from preferences, on an adapter: DPO and ORPO from pairs of a better and a worse answer, KTO
also from answers that are judged one by one."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import set_seed
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer

from kriptik_trainer.data.shapes import Example
from kriptik_trainer.determinism import derived_seed
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.base import CardFacts
from kriptik_trainer.executors.sft import language_card
from kriptik_trainer.hf import Committed, HfExecutor, Rows
from kriptik_trainer.models.language import (
    load_model,
    load_tokenizer,
    lora_config,
    save_output,
)
from kriptik_trainer.scores import likelihood_gap, preference
from kriptik_trainer.spec import Spec
from kriptik_trainer.tokens import Encoded, encode_row, nothing_fits

os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
from trl.experimental.orpo import ORPOConfig, ORPOTrainer  # noqa: E402 - it warns unless told not to


class _DpoTrainer(Committed, DPOTrainer):  # type: ignore[misc]
    """A DPOTrainer whose checkpoints the run commits."""


class _KtoTrainer(Committed, KTOTrainer):  # type: ignore[misc]
    """A KTOTrainer whose checkpoints the run commits."""


class _OrpoTrainer(Committed, ORPOTrainer):  # type: ignore[misc]
    """An ORPOTrainer whose checkpoints the run commits."""


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


def answers_of(examples: Rows) -> list[tuple[str, Example, str, bool]]:
    """(file, row, answer, whether it is a good one) of every answer in the rows."""
    return [
        (file, example, answer, good)
        for file, example in examples
        for answer, good in ((example.chosen, True), (example.rejected, False))
        if answer is not None
    ]


def judged_rows(examples: Rows, seed: int) -> list[dict[str, Any]]:
    """Single answers as TRL takes them. It goes through them in this order, for it compares each with
    another one of its batch, so they are shuffled here, once for all passes."""
    rows = [
        {
            "prompt": list(example.messages or ()),
            "completion": [{"role": "assistant", "content": answer}],
            "label": good,
        }
        for _, example, answer, good in answers_of(examples)
    ]
    random.Random(derived_seed(seed, "order", "judged")).shuffle(rows)
    return rows


class DpoExecutor(HfExecutor):
    """See executors.base.Executor."""

    watched = ("preferenceMargin", "higher")

    def __init__(self, spec: Spec, folder: Path, examples: Rows, held_out: Rows) -> None:
        super().__init__(spec, folder, examples, held_out)
        self.tokenizer: Any = None
        self._answers: list[tuple[Encoded, bool]] = []
        self._held: list[tuple[Encoded, bool]] = []
        rows = [example for _, example in (*examples, *held_out)]
        self._paired = all(None not in (one.chosen, one.rejected) for one in rows)
        if not self._paired:
            self.watched = ("likelihoodGap", "higher")

    def _encoded(self, examples: Rows) -> tuple[Rows, list[tuple[Encoded, bool]]]:
        """The rows of which something of each answer fits, and their answers as conversations in which
        only the answer counts."""
        length = self.spec.hyperparameters.max_length
        kept: Rows = []
        found: list[tuple[Encoded, bool]] = []
        for row in examples:
            answers = []
            for file, example, answer, good in answers_of([row]):
                turns = (*(example.messages or ()), {"role": "assistant", "content": answer})
                one = Example(example.line, turns, None)
                answers.append((encode_row(self.tokenizer, file, one, length), good))
            if all(one.learnable for one, _ in answers):
                kept.append(row)
                found += answers
        if len(kept) < len(examples):
            self.warnings.append(
                f"{len(examples) - len(kept)} of {len(examples)} rows were left out: nothing of an answer "
                f"is within maxLength {length}"
            )
        return kept, found

    def build(self) -> Any:
        """See HfExecutor.build."""
        spec, hyper = self.spec, self.spec.hyperparameters
        self.tokenizer = load_tokenizer(self.folder, self.warnings)
        self.examples, self._answers = self._encoded(self.examples)
        self.held_out, self._held = self._encoded(self.held_out)
        if not self.examples:
            raise nothing_fits(hyper.max_length)
        chosen, rejected = (
            sum(good is is_good for _, good in self._answers) for is_good in (True, False)
        )
        if not chosen or not rejected:
            raise TrainerError(
                "oneSided",
                f"there are {chosen} good answers and {rejected} bad ones",
                "data",
                "Give answers of both kinds.",
            )
        ways: dict[str, tuple[Any, Any, Callable[[], list[dict[str, Any]]], dict[str, Any]]] = {
            "dpo": (_DpoTrainer, DPOConfig, self._pairs, {"loss_type": [spec.options.loss]}),
            "kto": (_KtoTrainer, KTOConfig, self._singles, {}),
            "orpo": (_OrpoTrainer, ORPOConfig, self._pairs, {"remove_unused_columns": False}),
        }
        trainer, config, rows, more = ways[spec.options.preference]
        set_seed(hyper.seed)
        return trainer(
            model=load_model(spec, self.folder),
            args=config(
                **self.arguments(), max_length=hyper.max_length, beta=spec.options.beta, **more
            ),
            train_dataset=Dataset.from_list(rows()),
            processing_class=self.tokenizer,
            peft_config=lora_config(spec.lora),
        )

    def _pairs(self) -> list[dict[str, Any]]:
        return preference_rows(self.examples)

    def _singles(self) -> list[dict[str, Any]]:
        hyper = self.spec.hyperparameters
        if hyper.batch_size < 2:
            raise TrainerError(
                "unsupportedSetting",
                "KTO compares the answers of a batch, and there is one in each",
                "hyperparameters.batchSize",
                "Double batchSize and halve gradientAccumulation, or take dpo or orpo.",
            )
        return judged_rows(self.examples, hyper.seed)

    def figures(self) -> dict[str, Any]:
        """See HfExecutor.figures."""
        tokens = sum(len(one.input_ids) for one, _ in self._answers)
        return {"rows": len(self.examples), "tokens": tokens}

    def evaluate(self) -> dict[str, float]:
        """See Executor.evaluate."""
        if not self._held:
            return {}
        if not self._paired:
            return likelihood_gap(self.model, self._held)
        answers = [one for one, _ in self._held]
        return preference(self.model, list(zip(answers[::2], answers[1::2], strict=True)))

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        return language_card(output, "tokens a pass; good answers are weighed against bad ones")

    def export(self, name: str, folder: Path) -> None:
        """See Executor.export."""
        save_output(name, self.spec, self.model, self.tokenizer, self.folder, folder)
