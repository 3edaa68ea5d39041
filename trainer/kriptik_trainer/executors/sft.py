"""Supervised fine-tuning of a language model or a model of code: LoRA, QLoRA or full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import set_seed
from trl import SFTConfig, SFTTrainer

from kriptik_trainer.executors.base import CardFacts
from kriptik_trainer.hf import Committed, HfExecutor, Rows
from kriptik_trainer.models.language import (
    load_model,
    load_tokenizer,
    lora_config,
    save_output,
)
from kriptik_trainer.packing import PackedCollator, pack
from kriptik_trainer.scores import perplexity
from kriptik_trainer.spec import Spec
from kriptik_trainer.tokens import Corpus, encode_all, fill_in_middle


class _Trainer(Committed, SFTTrainer):  # type: ignore[misc]
    """An SFTTrainer whose checkpoints the run commits."""


def language_card(output: str, counted: str) -> CardFacts:
    """How a language model is loaded."""
    load = 'AutoModelForCausalLM.from_pretrained("PATH")'
    imports = "from transformers import AutoModelForCausalLM, AutoTokenizer"
    if output == "adapter":
        imports = (
            "from peft import AutoPeftModelForCausalLM\nfrom transformers import AutoTokenizer"
        )
        load = 'AutoPeftModelForCausalLM.from_pretrained("PATH")'
    use = f'{imports}\n\ntokenizer = AutoTokenizer.from_pretrained("PATH")\nmodel = {load}'
    library = "peft" if output == "adapter" else "transformers"
    return CardFacts(library, "text-generation", use, counted)


class SftExecutor(HfExecutor):
    """See executors.base.Executor."""

    def __init__(self, spec: Spec, folder: Path, examples: Rows, held_out: Rows) -> None:
        super().__init__(spec, folder, examples, held_out)
        self.tokenizer: Any = None
        self.corpus: Corpus | None = None
        self._held: Corpus | None = None

    def _encode(self, examples: Rows) -> Corpus:
        return encode_all(self.tokenizer, examples, self.spec.hyperparameters.max_length)

    def build(self) -> Any:
        """See HfExecutor.build."""
        spec, hyper = self.spec, self.spec.hyperparameters
        self.tokenizer = load_tokenizer(self.folder, self.warnings)
        share = spec.options.fill_in_middle
        examples = self.examples
        if share > 0:
            examples = fill_in_middle(self.tokenizer, examples, share, hyper.seed)
        corpus = self._encode(examples)
        self.corpus = corpus
        self.warnings += corpus.warnings(hyper.max_length)
        self._held = self._encode(self.held_out) if self.held_out else None
        arguments = self.arguments()
        collator = None
        if spec.options.packing:
            rows = pack(corpus.rows, hyper.max_length)
            collator = PackedCollator(self.tokenizer.pad_token_id)
            arguments["remove_unused_columns"] = False
        else:
            rows = [{"input_ids": r.input_ids, "labels": r.labels} for r in corpus.rows]
        # LoRA weights are drawn at random: seeded right before, they do not depend on what came earlier.
        set_seed(hyper.seed)
        return _Trainer(
            model=load_model(spec, self.folder),
            args=SFTConfig(
                **arguments, max_length=None, dataset_kwargs={"skip_prepare_dataset": True}
            ),
            data_collator=collator,
            train_dataset=Dataset.from_list(rows),
            processing_class=self.tokenizer,
            peft_config=None if spec.method == "full" else lora_config(spec.lora),
        )

    def figures(self) -> dict[str, Any]:
        """See HfExecutor.figures."""
        assert self.corpus is not None
        return {"rows": len(self.corpus.rows), "tokens": self.corpus.tokens}

    def evaluate(self) -> dict[str, float]:
        """See Executor.evaluate."""
        return {} if self._held is None else perplexity(self.model, self._held.rows)

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        return language_card(output, "tokens a pass; only the answers count in the loss")

    def export(self, name: str, folder: Path) -> None:
        """See Executor.export."""
        save_output(name, self.spec, self.model, self.tokenizer, self.folder, folder, self.whole)
