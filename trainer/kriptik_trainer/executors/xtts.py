"""Voice clone with XTTS: LoRA on its language model of speech, from recordings of one speaker.

The parts of coqui-tts that load data and loop are not used: they draw rows at random and recurse
without end over files that cannot be read.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import save_file
from torch.nn.functional import pad

from kriptik_trainer import consent
from kriptik_trainer.data.media import Unreadable, decode_all
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.data.sounds import sound, write_sound
from kriptik_trainer.determinism import derived_seed, seed_all
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.base import CardFacts
from kriptik_trainer.executors.looped import LoopedExecutor, lora_targets
from kriptik_trainer.models.language import unusable
from kriptik_trainer.samples import Sample, note, sample_seed
from kriptik_trainer.scores import at_rest

TARGETS = ("c_attn",)
TEXT_WEIGHT = 0.01
"""Share of the text's loss beside that of the speech, as in the published recipe."""
LONGEST_SECONDS = 11.6
SHORTEST_SECONDS = 0.5
CONDITION_SECONDS = 3.0
REQUIRED = ("config.json", "model.pth", "vocab.json", "dvae.pth", "mel_stats.pth")
NOTE = (
    "The published XTTS weights are under the Coqui Public Model License, which allows no commercial use. "
    "SpeechT5 (MIT) is an alternative under a permissive licence."
)
Row = dict[str, torch.Tensor]


class XttsExecutor(LoopedExecutor):
    """See executors.base.Executor."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.consent = consent.check(self.spec.consent)
        missing = [name for name in REQUIRED if not (self.folder / name).is_file()]
        if missing:
            raise TrainerError(
                "modelIncomplete",
                f"the model folder has no {', '.join(missing)}",
                str(self.folder),
                "Name a folder with all files of XTTS, the ones for training included.",
            )
        self.xtts: Any = self._open()
        self._rows: list[Row] = []
        self._held: list[tuple[Example, Row]] = []
        self._slice = 0

    def _open(self) -> Any:
        # Otherwise the library asks for its licence on the terminal; the card tells it.
        os.environ.setdefault("COQUI_TOS_AGREED", "1")
        from TTS.tts.configs.xtts_config import XttsConfig  # noqa: PLC0415 - ten seconds
        from TTS.tts.layers.tortoise.arch_utils import TorchMelSpectrogram  # noqa: PLC0415
        from TTS.tts.layers.xtts.dvae import DiscreteVAE  # noqa: PLC0415
        from TTS.tts.models import xtts as library  # noqa: PLC0415

        def load_audio(path: Any, rate: int) -> torch.Tensor:
            samples: torch.Tensor = sound(Path(path), rate, 600).clip(-1, 1)
            return samples

        # The library's own way of reading sound needs FFmpeg on the machine.
        library.load_audio = load_audio
        try:
            config = XttsConfig()
            config.load_json(str(self.folder / "config.json"))
            model = library.Xtts(config)
            model.load_checkpoint(config, checkpoint_dir=str(self.folder), eval=False)
            statistics = str(self.folder / "mel_stats.pth")
            model.mel_stats = torch.load(statistics, weights_only=True)
            self._codes = DiscreteVAE(
                channels=80,
                normalization=None,
                positional_dims=1,
                num_tokens=config.model_args.gpt_num_audio_tokens - 2,
                codebook_dim=512,
                hidden_dim=512,
                num_resnet_blocks=3,
                kernel_size=3,
                num_layers=2,
                use_transposed_convs=False,
            )
            codes = torch.load(self.folder / "dvae.pth", map_location="cpu", weights_only=True)
            self._codes.load_state_dict(codes, strict=False)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
            raise unusable(error, self.folder, "an XTTS model") from error
        audio, fine = config.audio, config.model_args.gpt_use_perceiver_resampler
        self._style = TorchMelSpectrogram(
            filter_length=2048 if fine else 4096,
            hop_length=256 if fine else 1024,
            win_length=1024 if fine else 4096,
            normalize=False,
            sampling_rate=audio.sample_rate,
            mel_fmin=0,
            mel_fmax=8000,
            n_mel_channels=80,
            mel_norm_file=statistics,
        )
        self._mel = TorchMelSpectrogram(
            mel_norm_file=statistics, sampling_rate=audio.dvae_sample_rate
        )
        for part in (model, self._codes, self._style, self._mel):
            part.to(self.place)
            part.eval()
            part.requires_grad_(False)
        return model

    @property
    def rate(self) -> int:
        """Samples a second of what the model hears."""
        return int(self.xtts.config.audio.sample_rate)

    def _encode(self, example: Example) -> Row:
        assert example.media is not None
        # One that is too long would lose the end of what is said in it.
        limits = {"shortest": SHORTEST_SECONDS, "longest": LONGEST_SECONDS}
        samples = sound(example.media, self.rate, LONGEST_SECONDS, **limits)
        words = self.xtts.tokenizer.encode(example.text or "", self.spec.options.language)
        if 1 in words or not words:
            raise Unreadable(f"its text {example.text!r} has letters that the model does not know")
        fine = int(self.xtts.config.audio.dvae_sample_rate)
        with torch.no_grad():
            heard = sound(example.media, fine, LONGEST_SECONDS).to(self.place)
            codes = self._codes.get_codebook_indices(self._mel(heard))
        return {"text": torch.tensor(words), "sound": samples[0], "codes": codes[0].cpu()}

    def build(self) -> None:
        """See LoopedExecutor.build."""
        self._rows = [row for _, row in decode_all(self.examples, self._encode, self.warnings)]
        if self.held_out:
            self._held = decode_all(self.held_out, self._encode, self.warnings)
        every = [*self._rows, *(row for _, row in self._held)]
        # One length for all, so that a batch's slices fit together.
        shortest = min(len(row["sound"]) for row in every)
        self._slice = min(int(CONDITION_SECONDS * self.rate), shortest * 2 // 3)
        seed_all(self.spec.hyperparameters.seed, "adapter")
        lora = self.spec.lora
        config = LoraConfig(
            r=lora.r,
            lora_alpha=int(lora.alpha),
            lora_dropout=lora.dropout,
            target_modules=lora_targets(self.spec, TARGETS),
            fan_in_fan_out=True,
        )
        inject_adapter_in_model(config, self.xtts.gpt.gpt)
        self.module = self.xtts.gpt
        self.module.train()

    def keys(self) -> Sequence[Hashable]:
        """See loop.Task. Rows of all lengths share batches; they are padded."""
        return [0] * len(self._rows)

    def _loss(self, rows: list[Row]) -> torch.Tensor:
        def padded(name: str) -> torch.Tensor:
            longest = max(len(row[name]) for row in rows)
            filled = [pad(row[name], (0, longest - len(row[name]))) for row in rows]
            return torch.stack(filled).to(self.place)

        lengths = torch.tensor([len(row["sound"]) for row in rows], device=self.place)
        starts = (torch.rand(len(rows)) * (lengths.cpu() - self._slice)).long()
        slices = torch.stack(
            [row["sound"][at : at + self._slice] for row, at in zip(rows, starts, strict=True)]
        )
        with torch.no_grad():
            mels = self._style(slices.to(self.place))[:, None]
        of_text, of_speech, _ = self.module(
            padded("text"),
            torch.tensor([len(row["text"]) for row in rows], device=self.place),
            padded("codes"),
            lengths,
            cond_mels=mels,
            cond_idxs=torch.stack([starts, starts + self._slice], 1).to(self.place),
        )
        found: torch.Tensor = TEXT_WEIGHT * of_text + of_speech
        return found

    def loss(self, rows: list[int]) -> torch.Tensor:
        """See loop.Task."""
        return self._loss([self._rows[index] for index in rows])

    def evaluate(self) -> dict[str, float]:
        """See Executor.evaluate. The training loss on held-out recordings: a stated proxy, since neither
        likeness nor clearness is measured without a model for it."""
        found = []
        with at_rest(self.module):
            for index, (_, row) in enumerate(self._held):
                seed_all(self.spec.hyperparameters.seed, "held-out", index)
                found.append(float(self._loss([row])))
        return {"validationLoss": sum(found) / len(found)} if found else {}

    def sample(self, folder: Path, count: int) -> None:
        """See Executor.sample. Speaks a held-out text with a held-out recording as reference."""
        gpt, options = self.xtts.gpt, self.spec.options
        for index in range(min(count, len(self._held))):
            example, _ = self._held[index]
            text = options.sample_prompt or example.text or ""
            seed = sample_seed(self.spec.hyperparameters.seed, index)
            torch.manual_seed(seed)
            with at_rest(self.xtts):
                gpt.init_gpt_for_inference(kv_cache=self.xtts.args.kv_cache)
                latents, speaker = self.xtts.get_conditioning_latents([str(example.media)])
                made = self.xtts.inference(text, options.language, latents, speaker)
                # What was added to speak would be taken for a part to train.
                del gpt.gpt_inference
                del gpt.gpt.wte
            rate = int(self.xtts.config.audio.output_sample_rate)
            write_sound(torch.as_tensor(made["wav"]), rate, folder / f"sample-{index}.wav")
            note(folder, Sample(f"sample-{index}.wav", text, seed))

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        use = (
            "from TTS.tts.configs.xtts_config import XttsConfig\n"
            "from TTS.tts.models.xtts import Xtts\n\n"
            'config = XttsConfig()\nconfig.load_json("PATH/config.json")\n'
            'model = Xtts(config)\nmodel.load_checkpoint(config, checkpoint_dir="PATH")'
        )
        if output == "adapter":
            use = (
                "# adapter.safetensors goes onto gpt.gpt with peft; the merged weights load alone."
            )
        given = self.consent
        said = (
            f"Voice of {given.speaker}, who consented in these words: “{given.statement}” "
            f"(recording with SHA-256 `{given.sha256}`)."
        )
        return CardFacts("coqui", "text-to-speech", use, "tokens: speech is learned", (said, NOTE))

    def export(self, name: str, folder: Path) -> None:
        """See Executor.export. `merged` is a whole XTTS folder."""
        lora = self.spec.lora
        if name == "adapter":
            state = {n: p.detach().cpu().contiguous() for n, p in self.trainable().items()}
            save_file(state, folder / "adapter.safetensors")
            facts = {"r": lora.r, "alpha": lora.alpha, "base": self.spec.model.id}
            (folder / "adapter.json").write_text(json.dumps(facts, indent=2) + "\n")
            return
        for layer in self.xtts.modules():
            if isinstance(layer, BaseTunerLayer):
                layer.merge()
        state = {
            key.replace(".base_layer.", "."): value
            for key, value in self.xtts.state_dict().items()
            if ".lora_" not in key
        }
        torch.save({"model": state}, folder / "model.pth")
        for path in self.folder.iterdir():
            if path.is_file() and path.name not in ("model.pth", "README.md", "MANIFEST.json"):
                shutil.copyfile(path, folder / path.name)
