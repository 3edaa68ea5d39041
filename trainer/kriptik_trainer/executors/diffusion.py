"""LoRA and full fine-tuning of diffusion models: pictures, clips and music."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline
from peft import LoraConfig, get_peft_model_state_dict

from kriptik_trainer.adapters import add_adapter, merge_adapters, save_adapter
from kriptik_trainer.data.media import Rows, decode_all
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.determinism import seed_all
from kriptik_trainer.executors.base import CardFacts
from kriptik_trainer.executors.looped import LoopedExecutor, lora_targets
from kriptik_trainer.families.ace import AceStep
from kriptik_trainer.families.base import Family, Tensors
from kriptik_trainer.families.flux import Flux
from kriptik_trainer.families.stable_audio import StableAudio
from kriptik_trainer.families.stable_diffusion import StableDiffusion
from kriptik_trainer.families.wan import Wan
from kriptik_trainer.families.wan_image import WanImage
from kriptik_trainer.hearing import distance_of_samples
from kriptik_trainer.likeness import METRIC, Likeness, open_likeness
from kriptik_trainer.models.architecture import architecture
from kriptik_trainer.models.language import unusable
from kriptik_trainer.samples import Sample, listed, note, sample_seed
from kriptik_trainer.scores import at_rest

FAMILIES: dict[str, Any] = {
    "StableDiffusionPipeline": StableDiffusion,
    "StableDiffusionXLPipeline": StableDiffusion,
    "FluxPipeline": Flux,
    "WanPipeline": Wan,
    "WanImageToVideoPipeline": WanImage,
    "AceStepPipeline": AceStep,
    "StableAudioPipeline": StableAudio,
}
NOTES = {
    "StableAudioPipeline": "The published Stable Audio weights are under the Stability AI Community "
    "License, which asks for a paid licence above a yearly revenue of one million dollars."
}
SEEN = ("image", "video")
DRAWS = 4
"""Noise levels at which each held-out row is looked at."""


def stacked(rows: list[Tensors], place: torch.device) -> Tensors:
    """Rows of one shape as a batch."""
    return {name: torch.stack([row[name] for row in rows]).to(place) for name in rows[0]}


def shape_key(row: Tensors) -> Hashable:
    """Rows with equal keys can share a batch."""
    return tuple((name, tuple(value.shape)) for name, value in sorted(row.items()))


class DiffusionExecutor(LoopedExecutor):
    """See executors.base.Executor. Rows are encoded once, before training."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.family: Family = self._open()
        self._rows: list[Tensors] = []
        self._keys: list[Hashable] = []
        self._held: list[tuple[Example, Tensors]] = []
        self._likeness: Likeness | None = None

    def _open(self) -> Any:
        kind = FAMILIES[architecture(self.folder)]
        # What a filter would black out is not for training to decide.
        wide = "XL" in architecture(self.folder)
        more = {"safety_checker": None} if kind is StableDiffusion and not wide else {}
        try:
            pipeline = DiffusionPipeline.from_pretrained(
                self.folder, torch_dtype=self.frozen_type, **more
            )
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise unusable(error, self.folder, "a pipeline of diffusers") from error
        pipeline.set_progress_bar_config(disable=True)
        return kind(pipeline.to(self.place), self.spec.options)

    @property
    def network(self) -> Any:
        """The part of the pipeline that is trained."""
        return getattr(self.family.pipeline, self.family.network_name)

    def needed(self) -> tuple[str, ...]:
        """The parts of the pipeline that training goes through; the others leave the GPU's memory."""
        return (self.family.network_name,)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All parts of the pipeline side by side, to make something with it."""
        self.family.pipeline.to(self.place)
        try:
            yield
        finally:
            self._set_aside()

    def _set_aside(self) -> None:
        for name, part in self.family.pipeline.components.items():
            if isinstance(part, torch.nn.Module) and name not in self.needed():
                part.to("cpu")
        if self.place.type == "cuda":
            torch.cuda.empty_cache()

    def _freeze(self) -> None:
        for part in self.family.pipeline.components.values():
            if isinstance(part, torch.nn.Module):
                part.requires_grad_(False).eval()

    def _adapt(self) -> None:
        """Makes what is to be trained trainable."""
        if self.spec.method == "full":
            kept = self.spec.hyperparameters.weight_precision == "bf16"
            network = self.network if kept else self.network.float()
            network.requires_grad_(True)
        else:
            lora = self.spec.lora
            config = LoraConfig(
                r=lora.r,
                lora_alpha=int(lora.alpha),
                lora_dropout=lora.dropout,
                target_modules=lora_targets(self.spec, self.family.targets),
            )
            add_adapter(self.network, config)
            for parameter in self.network.parameters():
                if parameter.requires_grad:
                    parameter.data = parameter.data.float()
        if self.spec.hyperparameters.gradient_checkpointing:
            self.network.enable_gradient_checkpointing()
        self.network.train()

    def encoded(self, rows: Rows) -> list[tuple[Example, Tensors]]:
        """Rows with their tensors, kept outside the GPU's memory."""

        def encode(example: Example) -> Tensors:
            found = self.family.encode(self.captioned(example))
            return {name: value.cpu() for name, value in found.items()}

        return decode_all(rows, encode, self.warnings)

    def captioned(self, example: Example) -> Example:
        """A row with the caption to train on."""
        return example

    def build(self) -> None:
        """See LoopedExecutor.build."""
        self._freeze()
        self._rows = [row for _, row in self.encoded(self.examples)]
        self._keys = [shape_key(row) for row in self._rows]
        self._held = self.encoded(self.held_out) if self.held_out else []
        # LoRA weights are drawn at random: seeded right before, they do not depend on what came earlier.
        seed_all(self.spec.hyperparameters.seed, "adapter")
        self._adapt()
        self.compute_as_trained(self.network)
        self.module = self.network
        self._set_aside()
        if self.held_out and self.spec.modality in SEEN:
            self._likeness, self.remark = open_likeness(self.spec, self.place, self.warnings)
            if self._likeness is not None:
                self.watched = (METRIC, "higher")

    def keys(self) -> Sequence[Hashable]:
        """See loop.Task."""
        return self._keys

    def loss(self, rows: list[int]) -> torch.Tensor:
        """See loop.Task."""
        batch = stacked([self._rows[index] for index in rows], self.place)
        return self.family.losses(self.module, batch).mean()

    def evaluate(self) -> dict[str, float]:
        """See Executor.evaluate. The training loss on held-out rows at noise drawn once for all:
        without a model that scores samples a stated proxy."""
        found = []
        with at_rest(self.module):
            for index, (_, row) in enumerate(self._held):
                batch = stacked([row] * DRAWS, self.place)
                seed_all(self.spec.hyperparameters.seed, "held-out", index)
                found.append(float(self.held_out_loss(batch).mean()))
        return {"validationLoss": sum(found) / len(found)} if found else {}

    def held_out_loss(self, batch: Tensors) -> torch.Tensor:
        """The loss of each row of a batch of held-out ones."""
        return self.family.losses(self.module, batch)

    def sample(self, folder: Path, count: int) -> None:
        """See Executor.sample."""
        options = self.spec.options
        prompts = [self.captioned(example) for example, _ in self._held] or [Example(0, None, "")]
        if options.sample_prompt is not None:
            prompts = [replace(one, text=options.sample_prompt) for one in prompts]
        with self.whole(), at_rest(self.network), self._mixed():
            for index in range(count):
                seed = sample_seed(self.spec.hyperparameters.seed, index)
                generator = torch.Generator(self.place).manual_seed(seed)
                prompt = prompts[index % len(prompts)]
                path = self.family.sample(prompt, folder, f"sample-{index}", generator)
                note(folder, Sample(path.name, prompt.text or "", seed))

    def _mixed(self) -> torch.autocast:
        """For pipelines that take all of their parts to be of the type of the one that is trained whole."""
        mixed = self.spec.method == "full" and self.frozen_type is torch.bfloat16
        return torch.autocast(self.place.type, torch.bfloat16, enabled=mixed)

    def score(self, folder: Path) -> dict[str, float]:
        """See Executor.score."""
        if self.spec.modality == "audio" and self.spec.options.sample_prompt is None:
            like = [example.media for example, _ in self._held]
            return distance_of_samples(folder, listed(folder), like)
        if self._likeness is None:
            return {}
        return self._likeness.of_samples(folder, listed(folder))

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        name = type(self.family.pipeline).__name__
        imports = "from diffusers import DiffusionPipeline\n"
        loading = 'DiffusionPipeline.from_pretrained("PATH")'
        if output == "adapter":
            loading = f'DiffusionPipeline.from_pretrained("{self.spec.model.id}")\n'
            if hasattr(self.family.pipeline, "load_lora_weights"):
                loading += 'pipeline.load_lora_weights("PATH")'
            else:
                imports += "from peft import PeftModel\n"
                loading += (
                    'tuned = PeftModel.from_pretrained(pipeline.transformer, "PATH")\n'
                    "pipeline.transformer = tuned.merge_and_unload()"
                )
        notes = (NOTES[name],) if name in NOTES else ()
        return CardFacts(
            "diffusers",
            self.family.pipeline_tag,
            f"{imports}\npipeline = {loading}",
            "tokens: captions are not learned",
            notes,
        )

    def export(self, name: str, folder: Path) -> None:
        """See Executor.export."""
        pipeline = self.family.pipeline
        plain = not hasattr(pipeline, "load_lora_weights")
        if name == "adapter" and plain:
            save_adapter(self.network, self.spec.model.public_name, folder)
            return
        if name == "adapter":
            name = self.family.network_name
            type(pipeline).save_lora_weights(
                folder,
                **{
                    f"{name}_lora_layers": self._adapter(),
                    f"{name}_lora_adapter_metadata": self._adapter_facts(),
                },
            )
            return
        if self.spec.method != "full" and plain:
            merge_adapters(self.network)
        elif self.spec.method != "full":
            pipeline.fuse_lora()
            pipeline.unload_lora_weights()
        pipeline.save_pretrained(folder)

    def _adapter_facts(self) -> dict[str, Any]:
        """Rank and alpha, without which a loader would guess the scale. Loaders of pipelines leave new
        layers in the mode of training, so a dropout named here would go on in use."""
        facts: dict[str, Any] = self.network.peft_config["default"].to_dict()
        targets = sorted(facts["target_modules"])
        return {**facts, "target_modules": targets, "lora_dropout": 0.0, "inference_mode": True}

    def _adapter(self) -> dict[str, torch.Tensor]:
        state: dict[str, torch.Tensor] = get_peft_model_state_dict(self.network)
        return {name: value.contiguous() for name, value in state.items()}
