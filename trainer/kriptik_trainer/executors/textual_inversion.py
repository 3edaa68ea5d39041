"""Textual inversion: learns the vector of one new word; all weights of the model stay as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.base import CardFacts
from kriptik_trainer.executors.diffusion import DiffusionExecutor, stacked
from kriptik_trainer.families.base import Tensors

FILE = "learned_embeds.safetensors"
TEMPLATES = (
    "a photo of {}",
    "a picture of {}",
    "a close-up of {}",
    "a bright photo of {}",
    "a cropped photo of {}",
    "a good photo of {}",
)


class Word(torch.nn.Module):
    """The vector of the new word, put in wherever the tokenizer gave its id."""

    def __init__(self, encoder: Any, id: int, start: int) -> None:
        super().__init__()
        weight = encoder.get_input_embeddings().weight
        self.id = id
        self.vector = torch.nn.Parameter(weight[start].detach().float().clone())
        # T5 looks words up in a second module, which has the weight of the first.
        for module in encoder.modules():
            if isinstance(module, torch.nn.Embedding) and module.weight is weight:
                module.register_forward_hook(self._put_in)

    def _put_in(self, _: Any, given: Any, found: torch.Tensor) -> torch.Tensor:
        return torch.where((given[0] == self.id)[..., None], self.vector.to(found.dtype), found)


class TextualInversionExecutor(DiffusionExecutor):
    """See executors.base.Executor."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.words: dict[str, Word] = {}

    def needed(self) -> tuple[str, ...]:
        """See DiffusionExecutor.needed. Gradients flow through the text encoders."""
        return (self.family.network_name, "text_encoder", "text_encoder_2")

    def captioned(self, example: Example) -> Example:
        """Every picture shows what the word means."""
        return replace(example, text=TEMPLATES[0].format(self.spec.options.token))

    def _add_word(self, tokenizer: Any, encoder: Any) -> Word:
        options = self.spec.options
        if tokenizer.add_tokens(options.token) != 1:
            raise TrainerError(
                "tokenKnown",
                f"the model knows the word {options.token!r} already",
                "method.options.token",
                "Take a word that is none, like <my-subject>.",
            )
        id = tokenizer.convert_tokens_to_ids(options.token)
        encoder.resize_token_embeddings(len(tokenizer))
        start = tokenizer(options.initializer or "photo", add_special_tokens=False)["input_ids"][0]
        return Word(encoder, id, start)

    def _adapt(self) -> None:
        pipeline = self.family.pipeline
        first, second = self.family.encoders  # type: ignore[attr-defined]
        self.words = {first: self._add_word(pipeline.tokenizer, pipeline.text_encoder)}
        if getattr(pipeline, "text_encoder_2", None) is not None:
            self.words[second] = self._add_word(pipeline.tokenizer_2, pipeline.text_encoder_2)
        self._freeze()
        if self.spec.hyperparameters.gradient_checkpointing:
            self.network.enable_gradient_checkpointing()

    def build(self) -> None:
        """See LoopedExecutor.build. Pictures are encoded once, the caption anew for each step."""
        super().build()
        self.module = torch.nn.ModuleDict(self.words)

    def trainable(self) -> dict[str, torch.nn.Parameter]:
        """See loop.Task."""
        return {name: word.vector for name, word in self.words.items()}

    def _told(self, batch: Tensors, caption: str) -> Tensors:
        said = self.family.condition([caption])  # type: ignore[attr-defined]
        count = len(batch["mean"])
        return {**batch, **{n: v.expand(count, *v.shape[1:]) for n, v in said.items()}}

    def loss(self, rows: list[int]) -> torch.Tensor:
        """See loop.Task."""
        batch = stacked([self._rows[index] for index in rows], self.place)
        template = TEMPLATES[int(torch.randint(0, len(TEMPLATES), ()))]
        told = self._told(batch, template.format(self.spec.options.token))
        return self.family.losses(self.network, told).mean()

    def held_out_loss(self, batch: Tensors) -> torch.Tensor:
        """See DiffusionExecutor.held_out_loss."""
        told = self._told(batch, TEMPLATES[0].format(self.spec.options.token))
        return self.family.losses(self.network, told)

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        token = self.spec.options.token
        use = (
            "from diffusers import DiffusionPipeline\n\n"
            f'pipeline = DiffusionPipeline.from_pretrained("{self.spec.model.id}")\n'
        )
        if len(self.words) == 1:
            use += f'pipeline.load_textual_inversion("PATH/{FILE}", token="{token}")'
        else:
            use = f"from safetensors.torch import load_file\n{use}"
            use += f'words = load_file("PATH/{FILE}")'
            for name, number in zip(self.words, ("", "_2"), strict=True):
                use += (
                    f'\npipeline.load_textual_inversion(words["{name}"], token="{token}", '
                    f"text_encoder=pipeline.text_encoder{number}, tokenizer=pipeline.tokenizer{number})"
                )
        return replace(super().card(output), use=use)

    def export(self, name: str, folder: Path) -> None:
        """See Executor.export. One encoder's vector is named by the word, two by their encoders."""
        vectors = {key: word.vector.detach().cpu().contiguous() for key, word in self.words.items()}
        if len(vectors) == 1:
            vectors = dict.fromkeys([self.spec.options.token], *vectors.values())
        save_file(vectors, folder / FILE)
