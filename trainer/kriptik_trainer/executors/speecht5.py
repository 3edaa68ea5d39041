"""Voice clone with SpeechT5, whose published weights are free for all use (MIT).

SpeechT5 speaks in the voice that a vector of it describes. No model that would compute such a vector from a
recording is needed: the vector is trained along with adapters (or all weights), on recordings of one speaker.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from torchaudio.functional import griffinlim
from transformers import AutoProcessor, SpeechT5ForTextToSpeech, SpeechT5HifiGan

from kriptik_trainer.data.media import Unreadable
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.data.sounds import sound
from kriptik_trainer.executors.base import CardFacts
from kriptik_trainer.executors.looped import lora_targets
from kriptik_trainer.executors.voice import Row, VoiceExecutor
from kriptik_trainer.log import log
from kriptik_trainer.models.language import save_adapter, save_merged, unusable
from kriptik_trainer.models.resolve import resolve
from kriptik_trainer.scores import at_rest

TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj")
SPEAKER_FILE = "speaker.safetensors"
SPEAKER = "speaker_embeddings"
VOCODER = "vocoder"
"""Folder of the model's folder in which its vocoder lies."""
SHORTEST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
WITHOUT_VOCODER = (
    "samples were made without a vocoder, by the method of Griffin and Lim: they sound like a robot. "
    "method.options.vocoder names one, like hf://microsoft/speecht5_hifigan"
)


class Voice(torch.nn.Module):
    """SpeechT5 with a trained vector of the speaker (1 x d)."""

    def __init__(self, model: Any, width: int) -> None:
        super().__init__()
        self.model = model
        # Only its direction counts: the model brings it to length 1.
        self.speaker = torch.nn.Parameter(torch.randn(1, width))

    def forward(self, **row: torch.Tensor) -> torch.Tensor:
        """The model's loss of a batch."""
        given = self.speaker.expand(len(row["input_ids"]), -1)
        found: torch.Tensor = self.model(**row, speaker_embeddings=given, use_cache=False).loss
        return found


class SpeechT5Executor(VoiceExecutor):
    """See executors.base.Executor."""

    def open(self) -> None:
        """See VoiceExecutor.open."""
        try:
            self.processor: Any = AutoProcessor.from_pretrained(self.folder)
            model = SpeechT5ForTextToSpeech.from_pretrained(self.folder, dtype=torch.float32)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise unusable(error, self.folder, "a SpeechT5 model") from error
        self.model: Any = model.to(self.place).eval().requires_grad_(False)
        self.vocoder: Any = self._open_vocoder()
        if self.vocoder is None:
            self.warnings.append(WITHOUT_VOCODER)

    def _open_vocoder(self) -> Any:
        named, folder = self.spec.options.vocoder, self.folder / VOCODER
        if named is not None:
            folder = resolve(named, None, log)
        elif not folder.is_dir():
            return None
        try:
            vocoder = SpeechT5HifiGan.from_pretrained(folder, dtype=torch.float32)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise unusable(error, folder, "a vocoder of SpeechT5") from error
        return vocoder.to(self.place).eval().requires_grad_(False)

    @property
    def rate(self) -> int:
        """Samples a second of what the model speaks."""
        return int(self.processor.feature_extractor.sampling_rate)

    def encode(self, example: Example) -> Row:
        """See VoiceExecutor.encode."""
        assert example.media is not None
        ids = self.processor.tokenizer(example.text or "")["input_ids"]
        most = int(self.model.config.max_text_positions)
        if not 1 < len(ids) <= most:
            raise Unreadable(
                f"its text has {len(ids)} letters and marks; 1 to {most} can be spoken"
            )
        # One that is too long would lose the end of what is said in it.
        limits: dict[str, Any] = {"shortest": SHORTEST_SECONDS, "longest": LONGEST_SECONDS}
        samples = sound(example.media, self.rate, LONGEST_SECONDS, **limits)
        heard = self.processor.feature_extractor(
            audio_target=samples[0].numpy(), sampling_rate=self.rate, return_tensors="pt"
        )["input_values"][0]
        # The model speaks a few frames at a time; what does not fill such a step is cut off.
        at_once = int(self.model.config.reduction_factor)
        return {"ids": torch.tensor(ids), "heard": heard[: len(heard) // at_once * at_once]}

    def adapt(self) -> None:
        """See VoiceExecutor.adapt."""
        width = int(self.model.config.speaker_embedding_dim)
        if self.spec.method == "full":
            self.model.requires_grad_(True)
        else:
            lora = self.spec.lora
            config = LoraConfig(
                r=lora.r,
                lora_alpha=int(lora.alpha),
                lora_dropout=lora.dropout,
                target_modules=lora_targets(self.spec, TARGETS),
            )
            self.model = get_peft_model(self.model, config)
        if self.spec.hyperparameters.gradient_checkpointing:
            self.model.gradient_checkpointing_enable()
        self.module = Voice(self.model, width).to(self.place)
        self.module.train()
        for part in self.module.modules():
            # Few rows make poor statistics, and these would be state beside the weights.
            if isinstance(part, torch.nn.BatchNorm1d):
                part.eval()

    def loss_of(self, rows: list[Row]) -> torch.Tensor:
        """See VoiceExecutor.loss_of. The model's own: distance of the spectrograms, where to stop, and
        that speech follows the text."""
        ids = self.padded(rows, "ids", float(self.model.config.pad_token_id))
        lengths = torch.tensor([len(row["ids"]) for row in rows], device=self.place)
        found: torch.Tensor = self.module(
            input_ids=ids,
            attention_mask=(
                torch.arange(ids.shape[1], device=self.place) < lengths[:, None]
            ).long(),
            labels=self.padded(rows, "heard", -100.0),
        )
        return found

    def speak(self, text: str, like: Example) -> tuple[torch.Tensor, int]:
        """See VoiceExecutor.speak. The voice is in the weights; `like` is not needed."""
        ids = self.processor.tokenizer(text, return_tensors="pt")["input_ids"].to(self.place)
        with at_rest(self.module):
            spectrogram = self.model.generate_speech(ids, self.module.speaker)
            if self.vocoder is not None:
                made = self.vocoder(spectrogram)
            else:
                made = self._by_griffin_lim(spectrogram)
        return made, self.rate

    def _by_griffin_lim(self, spectrogram: torch.Tensor) -> torch.Tensor:
        """Samples of a spectrogram (frames x bands, log10 of amplitudes)."""
        facts = self.processor.feature_extractor
        bands = torch.as_tensor(facts.mel_filters, dtype=torch.float32, device=self.place)
        amplitudes = (10**spectrogram @ torch.linalg.pinv(bands)).clamp_min(0).T
        # A sound has to be longer than the frames that it is put together from.
        short = max(0, facts.n_fft // facts.sample_stride + 1 - amplitudes.shape[1])
        made: torch.Tensor = griffinlim(
            torch.nn.functional.pad(amplitudes, (0, short))[None],
            window=torch.as_tensor(facts.window, dtype=torch.float32, device=self.place),
            n_fft=facts.n_fft,
            hop_length=facts.sample_stride,
            win_length=facts.sample_size,
            power=1.0,
            n_iter=32,
            momentum=0.99,
            length=None,
            rand_init=False,
        )[0]
        return made / made.abs().max().clamp_min(1.0)

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        load = 'SpeechT5ForTextToSpeech.from_pretrained("PATH")'
        if output == "adapter":
            load = (
                "PeftModel.from_pretrained(\n    SpeechT5ForTextToSpeech.from_pretrained("
                f'"{self.spec.model.id}"), "PATH"\n)'
            )
        use = (
            "from peft import PeftModel\nfrom safetensors.torch import load_file\n"
            "from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Processor\n\n"
            f'model = {load}\nprocessor = SpeechT5Processor.from_pretrained("PATH")\n'
            f'speaker = load_file("PATH/{SPEAKER_FILE}")["{SPEAKER}"]\n'
            'vocoder = SpeechT5HifiGan.from_pretrained("microsoft/speecht5_hifigan")\n'
            'ids = processor(text="Hello.", return_tensors="pt")["input_ids"]\n'
            "samples = model.generate_speech(ids, speaker, vocoder=vocoder)  # 16 kHz"
        )
        counted = "tokens: speech is learned"
        notes = (*self.notes(), "The published SpeechT5 weights are under the MIT licence.")
        return CardFacts("transformers", "text-to-speech", use, counted, notes)

    def export(self, name: str, folder: Path) -> None:
        """See Executor.export. Each output has the vector of the speaker."""
        if name == "adapter":
            save_adapter(self.model, self.spec.model.public_name, folder)
        else:
            save_merged(self.spec, self.model, self.folder, folder)
        if self.vocoder is not None and name == "merged":
            self.vocoder.save_pretrained(folder / VOCODER)
        self.processor.save_pretrained(folder)
        speaker = self.module.speaker.detach().cpu().contiguous()
        save_file({SPEAKER: speaker}, folder / SPEAKER_FILE)
