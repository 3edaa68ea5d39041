"""Models that see: LoRA, QLoRA and full fine-tuning for captions of pictures and for questions about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, Image, List
from peft import PeftModel
from transformers import AutoModelForImageTextToText, AutoProcessor, set_seed
from trl import SFTConfig, SFTTrainer

from kriptik_trainer.answers import agreement
from kriptik_trainer.data.media import decode_all, picture
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.base import CardFacts
from kriptik_trainer.hf import Committed, HfExecutor, Rows
from kriptik_trainer.models.language import (
    load_model,
    lora_config,
    save_adapter,
    save_merged,
)
from kriptik_trainer.scores import at_rest
from kriptik_trainer.spec import Spec

DESCRIBE = "Describe this picture."
"""Asked of a picture that comes with a caption and no question."""
LEAST_WORDS = 8
"""Of the tokenizer, that an answer may have."""


class _Trainer(Committed, SFTTrainer):  # type: ignore[misc]
    """An SFTTrainer whose checkpoints the run commits."""

    def _load_from_checkpoint(self, folder: str, model: Any = None) -> None:
        """Full weights are saved under other names than they have in memory; the usual way of loading
        passes over names that it does not know, and would go on from the base."""
        model = model or self.model
        if isinstance(model, PeftModel):
            super()._load_from_checkpoint(folder, model)
            return
        saved = type(model).from_pretrained(folder, dtype=model.dtype)
        model.load_state_dict(saved.state_dict(), strict=True)


def asked(example: Example) -> tuple[str, str]:
    """(question, answer) of a row."""
    if example.messages is None:
        return DESCRIBE, example.text or ""
    return example.messages[0]["content"], example.messages[-1]["content"]


def shown(question: str) -> list[dict[str, Any]]:
    """A question about a picture as a conversation."""
    content = [{"type": "image", "text": None}, {"type": "text", "text": question}]
    return [{"role": "user", "content": content}]


def said(answer: str) -> list[dict[str, Any]]:
    """An answer as the rest of a conversation."""
    return [{"role": "assistant", "content": [{"type": "text", "text": answer}]}]


def with_pictures(rows: list[dict[str, Any]]) -> Dataset:
    """A data set whose pictures are opened when their turn comes."""
    return Dataset.from_list(rows).cast_column("images", List(Image()))


def table(examples: Rows) -> Dataset:
    """Rows as TRL takes them."""
    rows = []
    for _, example in examples:
        question, answer = asked(example)
        row = {"prompt": shown(question), "completion": said(answer)}
        rows.append({"images": [str(example.media)], **row})
    return with_pictures(rows)


class VlmExecutor(HfExecutor):
    """See executors.base.Executor."""

    def __init__(self, spec: Spec, folder: Path, examples: Rows, held_out: Rows) -> None:
        super().__init__(spec, folder, examples, held_out)
        self.processor: Any = None
        self._held: Any = None

    def _readable(self, rows: Rows) -> Rows:
        good = {id(e) for e, _ in decode_all(rows, _check, self.warnings)}
        return [row for row in rows if id(row[1]) in good]

    def _open(self) -> None:
        """The processor, and rows without pictures that cannot be read."""
        self.processor = AutoProcessor.from_pretrained(self.folder)
        if not getattr(self.processor, "chat_template", None):
            raise TrainerError(
                "processorUnusable",
                "the model's processor has no chat template",
                str(self.folder),
                "Take an instruct version of the model.",
            )
        self.examples = self._readable(self.examples)
        if self.held_out:
            self.held_out = self._readable(self.held_out)

    def build(self) -> Any:
        """See HfExecutor.build."""
        spec, hyper = self.spec, self.spec.hyperparameters
        self._open()
        if self.held_out:
            self._held = table(self.held_out)
        set_seed(hyper.seed)
        return _Trainer(
            model=load_model(spec, self.folder, AutoModelForImageTextToText),
            args=SFTConfig(
                **{**self.arguments(), "remove_unused_columns": False},
                max_length=None,
                completion_only_loss=True,
            ),
            train_dataset=table(self.examples),
            processing_class=self.processor,
            peft_config=None if spec.method == "full" else lora_config(spec.lora),
        )

    def figures(self) -> dict[str, Any]:
        """See HfExecutor.figures. Counted in words of the tokenizer, without the pictures' tokens."""
        tokenizer = self.processor.tokenizer
        texts = [" ".join(asked(example)) for _, example in self.examples]
        return {"rows": len(texts), "tokens": sum(len(tokenizer(t)["input_ids"]) for t in texts)}

    def evaluate(self) -> dict[str, float]:
        """See Executor.evaluate."""
        if self._held is None:
            return {}
        total, count = 0.0, 0
        with at_rest(self.model):
            for row in self._held:
                inputs = self.trainer.data_collator([row])
                inputs = {name: value.to(self.model.device) for name, value in inputs.items()}
                tokens = int((inputs["labels"][:, 1:] != -100).sum())
                total += float(self.model(**inputs).loss) * tokens
                count += tokens
            pairs = [(self.answer(example), asked(example)[1]) for _, example in self.held_out]
        mean = total / max(1, count)
        perplexity = float(torch.tensor(min(mean, 80.0)).exp())
        return {"perplexity": perplexity, "loss": mean, **agreement(pairs)}

    def answer(self, example: Example) -> str:
        """What the model answers, word by likeliest word, up to twice the length of the right answer."""
        assert example.media is not None
        question, expected = asked(example)
        text = self.processor.apply_chat_template(
            shown(question), tokenize=False, add_generation_prompt=True
        )
        # The template has put the marks of a beginning in already.
        inputs = self.processor(
            text=text,
            images=[picture(example.media)],
            return_tensors="pt",
            add_special_tokens=False,
        ).to(self.model.device)
        words = len(self.processor.tokenizer(expected)["input_ids"])
        made = self.model.generate(
            **inputs, max_new_tokens=max(LEAST_WORDS, 2 * words), do_sample=False, use_cache=True
        )
        new = made[0, inputs["input_ids"].shape[1] :]
        return str(self.processor.tokenizer.decode(new, skip_special_tokens=True))

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        load = 'AutoModelForImageTextToText.from_pretrained("PATH")'
        if output == "adapter":
            load = (
                f'AutoModelForImageTextToText.from_pretrained("{self.spec.model.id}")\n'
                'model.load_adapter("PATH")'
            )
        use = (
            "from transformers import AutoModelForImageTextToText, AutoProcessor\n\n"
            f'processor = AutoProcessor.from_pretrained("PATH")\nmodel = {load}'
        )
        library = "peft" if output == "adapter" else "transformers"
        counted = "tokens of text a pass; only the answers count in the loss"
        return CardFacts(library, "image-text-to-text", use, counted)

    def export(self, name: str, folder: Path) -> None:
        """See Executor.export."""
        if name == "adapter":
            save_adapter(self.model, self.spec.model.public_name, folder)
        else:
            loader = AutoModelForImageTextToText
            save_merged(self.spec, self.model, self.folder, folder, loader)
        self.processor.save_pretrained(folder)


def _check(example: Example) -> bool:
    assert example.media is not None
    picture(example.media)
    return True
