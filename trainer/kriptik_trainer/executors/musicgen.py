"""MusicGen: short pieces of music from a caption; LoRA on the decoder of audio tokens."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch.nn.functional import cross_entropy
from transformers import AutoProcessor, MusicgenForConditionalGeneration

from kriptik_trainer.data.media import decode_all
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.data.sounds import sound, write_sound
from kriptik_trainer.determinism import seed_all
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.base import CardFacts
from kriptik_trainer.executors.looped import LoopedExecutor, lora_targets
from kriptik_trainer.hearing import distance_of_samples
from kriptik_trainer.models.language import save_adapter, save_merged, unusable
from kriptik_trainer.samples import Sample, listed, note, sample_seed
from kriptik_trainer.scores import at_rest

TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj")
Row = dict[str, torch.Tensor]


def delayed(codes: torch.Tensor, start: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(inputs, targets) of codes (codebooks x n), each codebook a step later than the one before.

    So the model foresees a later codebook of a moment with the earlier ones in sight. What is before
    a codebook begins is `start`, and does not count in the loss (-100).
    """
    books, length = codes.shape
    shifted = torch.full((books, length + books), start, dtype=torch.long)
    targets = torch.full((books, length + books), -100, dtype=torch.long)
    for book in range(books):
        shifted[book, book + 1 : book + 1 + length] = codes[book][: length + books - book - 1]
        targets[book, book : book + length] = codes[book]
    return shifted, targets


class MusicgenExecutor(LoopedExecutor):
    """See executors.base.Executor."""

    watched = ("perplexity", "lower")

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        try:
            self.processor = AutoProcessor.from_pretrained(self.folder)
            model = MusicgenForConditionalGeneration.from_pretrained(
                self.folder, dtype=self.frozen_type
            )
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise unusable(error, self.folder, "a MusicGen model") from error
        if model.config.decoder.audio_channels != 1:
            raise TrainerError(
                "unsupportedModel",
                "MusicGen models of two channels are not trained",
                "model.source",
                "Take the one of one channel: its name is the same without `stereo`.",
            )
        self.model: Any = model.to(self.place).eval().requires_grad_(False)
        self._rows: list[Row] = []
        self._held: list[tuple[Example, Row]] = []

    @property
    def start(self) -> int:
        """The code that stands for nothing yet."""
        return int(self.model.config.decoder.bos_token_id or self.model.config.decoder.pad_token_id)

    def _encode(self, example: Example) -> Row:
        assert example.media is not None
        rate = int(self.model.config.audio_encoder.sampling_rate)
        samples = sound(example.media, rate, self.spec.options.seconds)
        with torch.no_grad():
            heard = self.model.audio_encoder.encode(samples[None].to(self.place, self.frozen_type))
        inputs, targets = delayed(heard.audio_codes[0, 0].cpu(), self.start)
        words = self.processor.tokenizer(example.text or "", return_tensors="pt")
        return {"inputs": inputs, "targets": targets, "words": words["input_ids"][0]}

    def build(self) -> None:
        """See LoopedExecutor.build."""
        self._rows = [row for _, row in decode_all(self.examples, self._encode, self.warnings)]
        if self.held_out:
            self._held = decode_all(self.held_out, self._encode, self.warnings)
        self.compute_as_trained(self.model)
        seed_all(self.spec.hyperparameters.seed, "adapter")
        if self.spec.method == "full":
            kept = self.spec.hyperparameters.weight_precision == "bf16"
            decoder = self.model.decoder if kept else self.model.decoder.float()
            decoder.requires_grad_(True)
        else:
            lora = self.spec.lora
            names = "|".join(
                target.replace(".", r"\.") for target in lora_targets(self.spec, TARGETS)
            )
            config = LoraConfig(
                r=lora.r,
                lora_alpha=int(lora.alpha),
                lora_dropout=lora.dropout,
                target_modules=rf"decoder\..*\.({names})",
            )
            self.model = get_peft_model(self.model, config)
            for parameter in self.model.parameters():
                if parameter.requires_grad:
                    parameter.data = parameter.data.float()
        self.module = self.model
        self.model.train()

    def keys(self) -> Sequence[Hashable]:
        """See loop.Task."""
        return [(row["inputs"].shape, row["words"].shape) for row in self._rows]

    def _loss(self, rows: list[Row]) -> torch.Tensor:
        def stacked(name: str) -> torch.Tensor:
            return torch.stack([row[name] for row in rows]).to(self.place)

        inputs, targets = stacked("inputs"), stacked("targets")
        books = inputs.shape[1]
        logits = self.module(
            input_ids=stacked("words"), decoder_input_ids=inputs.flatten(0, 1)
        ).logits
        found: torch.Tensor = cross_entropy(
            logits.flatten(0, 1).float(), targets.reshape(-1, books, targets.shape[-1]).flatten()
        )
        return found

    def loss(self, rows: list[int]) -> torch.Tensor:
        """See loop.Task."""
        return self._loss([self._rows[index] for index in rows])

    def evaluate(self) -> dict[str, float]:
        """See Executor.evaluate. Perplexity of the held-out pieces' audio tokens."""
        if not self._held:
            return {}
        with at_rest(self.model):
            found = [float(self._loss([row])) for _, row in self._held]
        mean = sum(found) / len(found)
        return {"perplexity": float(torch.tensor(mean).exp()), "loss": mean}

    def sample(self, folder: Path, count: int) -> None:
        """See Executor.sample."""
        config = self.model.config.audio_encoder
        length = max(4, round(self.spec.options.seconds * config.frame_rate))
        with at_rest(self.model):
            for index in range(count):
                text = self._held[index % len(self._held)][0].text if self._held else ""
                words = self.processor.tokenizer(text or "music", return_tensors="pt").to(
                    self.place
                )
                seed = sample_seed(self.spec.hyperparameters.seed, index)
                torch.manual_seed(seed)
                made = self.model.generate(**words, max_new_tokens=length, do_sample=True)
                write_sound(made[0], int(config.sampling_rate), folder / f"sample-{index}.wav")
                note(folder, Sample(f"sample-{index}.wav", text or "music", seed))

    def score(self, folder: Path) -> dict[str, float]:
        """See Executor.score."""
        like = [example.media for example, _ in self._held]
        return distance_of_samples(folder, listed(folder), like)

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        load = 'MusicgenForConditionalGeneration.from_pretrained("PATH")'
        if output == "adapter":
            load = (
                "PeftModel.from_pretrained(\n    MusicgenForConditionalGeneration.from_pretrained("
                f'"{self.spec.model.id}"), "PATH"\n)'
            )
        use = (
            "from peft import PeftModel\nfrom transformers import MusicgenForConditionalGeneration\n\n"
            f"model = {load}"
        )
        notes = ("The published MusicGen weights may not be used commercially (CC BY-NC 4.0).",)
        return CardFacts(
            "transformers", "text-to-audio", use, "tokens: captions are not learned", notes
        )

    def export(self, name: str, folder: Path) -> None:
        """See Executor.export."""
        if name == "adapter":
            save_adapter(self.model, self.spec.model.public_name, folder)
        else:
            save_merged(self.spec, self.model, self.folder, folder)
        self.processor.save_pretrained(folder)
