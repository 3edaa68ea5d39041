"""Voice clone with XTTS: LoRA on its language model of speech, from recordings of one speaker.

The parts of coqui-tts that load data and loop are not used: they draw rows at random and recurse
without end over files that cannot be read.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import save_file

from kriptik_trainer.data.media import Unreadable
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.data.sounds import sound
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.base import CardFacts
from kriptik_trainer.executors.looped import lora_targets
from kriptik_trainer.executors.voice import Row, VoiceExecutor
from kriptik_trainer.models.language import unusable
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


class XttsExecutor(VoiceExecutor):
    """See executors.base.Executor."""

    def open(self) -> None:
        """See VoiceExecutor.open."""
        missing = [name for name in REQUIRED if not (self.folder / name).is_file()]
        if missing:
            raise TrainerError(
                "modelIncomplete",
                f"the model folder has no {', '.join(missing)}",
                str(self.folder),
                "Name a folder with all files of XTTS, the ones for training included.",
            )
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
        self.xtts: Any = model
        # One length for all, so that a batch's slices fit together.
        self._slice = 0

    @property
    def rate(self) -> int:
        """Samples a second of what the model hears."""
        return int(self.xtts.config.audio.sample_rate)

    def encode(self, example: Example) -> Row:
        """See VoiceExecutor.encode."""
        assert example.media is not None
        # One that is too long would lose the end of what is said in it.
        limits: dict[str, Any] = {"shortest": SHORTEST_SECONDS, "longest": LONGEST_SECONDS}
        samples = sound(example.media, self.rate, LONGEST_SECONDS, **limits)
        words = self.xtts.tokenizer.encode(example.text or "", self.spec.options.language)
        if 1 in words or not words:
            raise Unreadable(f"its text {example.text!r} has letters that the model does not know")
        fine = int(self.xtts.config.audio.dvae_sample_rate)
        with torch.no_grad():
            heard = sound(example.media, fine, LONGEST_SECONDS).to(self.place)
            codes = self._codes.get_codebook_indices(self._mel(heard))
        return {"text": torch.tensor(words), "sound": samples[0], "codes": codes[0].cpu()}

    def adapt(self) -> None:
        """See VoiceExecutor.adapt."""
        shortest = min(len(row["sound"]) for row in self.every_row)
        self._slice = min(int(CONDITION_SECONDS * self.rate), shortest * 2 // 3)
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

    def loss_of(self, rows: list[Row]) -> torch.Tensor:
        """See VoiceExecutor.loss_of."""
        lengths = torch.tensor([len(row["sound"]) for row in rows], device=self.place)
        starts = (torch.rand(len(rows)) * (lengths.cpu() - self._slice)).long()
        slices = torch.stack(
            [row["sound"][at : at + self._slice] for row, at in zip(rows, starts, strict=True)]
        )
        with torch.no_grad():
            mels = self._style(slices.to(self.place))[:, None]
        of_text, of_speech, _ = self.module(
            self.padded(rows, "text", 0),
            torch.tensor([len(row["text"]) for row in rows], device=self.place),
            self.padded(rows, "codes", 0),
            lengths,
            cond_mels=mels,
            cond_idxs=torch.stack([starts, starts + self._slice], 1).to(self.place),
        )
        found: torch.Tensor = TEXT_WEIGHT * of_text + of_speech
        return found

    def speak(self, text: str, like: Example) -> tuple[torch.Tensor, int]:
        """See VoiceExecutor.speak."""
        gpt = self.xtts.gpt
        with at_rest(self.xtts):
            gpt.init_gpt_for_inference(kv_cache=self.xtts.args.kv_cache)
            latents, speaker = self.xtts.get_conditioning_latents([str(like.media)])
            made = self.xtts.inference(text, self.spec.options.language, latents, speaker)
            # What was added to speak would be taken for a part to train.
            del gpt.gpt_inference
            del gpt.gpt.wte
        return torch.as_tensor(made["wav"]), int(self.xtts.config.audio.output_sample_rate)

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
        notes = (*self.notes(), NOTE)
        return CardFacts("coqui", "text-to-speech", use, "tokens: speech is learned", notes)

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
