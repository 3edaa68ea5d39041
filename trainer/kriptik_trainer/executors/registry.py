"""Which executor trains what. A new one is a file in this folder and an entry here."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kriptik_trainer.data import kinds
from kriptik_trainer.data.kinds import Kind
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.libraries import loading
from kriptik_trainer.spec import Spec

TEXT = ("llm", "code")
AUDIO = ("diffusers", "soundfile", "torchaudio")
VISION = ("diffusers", "torchvision", "PIL")


@dataclass(frozen=True)
class Entry:
    """An executor with what it takes: modalities, methods, a pattern of architectures, a kind of data.

    `family` is what install.sh has to add for it, `needs` the modules by which that is seen. `sharded`
    says whether several processes can train it with a shard of the model each.
    """

    target: str
    modalities: tuple[str, ...]
    methods: tuple[str, ...]
    kind: Callable[[Spec], Kind]
    architectures: str = ".*"
    family: str | None = None
    needs: tuple[str, ...] = ()
    sharded: bool = False

    def takes(self, modality: str, method: str) -> bool:
        """Whether it trains this method for this modality."""
        return modality in self.modalities and method in self.methods

    def load(self) -> Any:
        """The executor's class. Raises TrainerError `notInstalled`."""
        missing = [name for name in self.needs if importlib.util.find_spec(name) is None]
        if missing:
            raise TrainerError(
                "notInstalled",
                f"this method needs {', '.join(missing)}, which this interpreter does not have",
                "method",
                f"Run trainer/install.sh --with {self.family}.",
            )
        module, name = self.target.split(":")
        with loading():
            found = importlib.import_module(f"kriptik_trainer.executors.{module}")
        return getattr(found, name)


def _chat(_: Spec) -> Kind:
    return kinds.CHAT


def _preferences(spec: Spec) -> Kind:
    return kinds.JUDGED if spec.options.preference == "kto" else kinds.PREFERENCES


def _rewarded(spec: Spec) -> Kind:
    return kinds.PROMPTS if spec.options.reward == "exact" else kinds.PREFERENCES


def _images(_: Spec) -> Kind:
    return kinds.IMAGES


def _subject(_: Spec) -> Kind:
    return kinds.SUBJECT


def _sounds(_: Spec) -> Kind:
    return kinds.SOUNDS


def _questions(_: Spec) -> Kind:
    return kinds.QUESTIONS


def _seen_preferences(_: Spec) -> Kind:
    return kinds.SEEN_PREFERENCES


def _clips(_: Spec) -> Kind:
    return kinds.CLIPS


EXECUTORS = (
    Entry("sft:SftExecutor", TEXT, ("lora", "full"), _chat, sharded=True),
    Entry("sft:SftExecutor", TEXT, ("qlora",), _chat, family="llm", needs=("bitsandbytes",)),
    Entry("dpo:DpoExecutor", TEXT, ("dpo",), _preferences, sharded=True),
    Entry("rlhf:RlhfExecutor", TEXT, ("rlhf",), _rewarded),
    Entry(
        "diffusion:DiffusionExecutor",
        ("image",),
        ("lora", "full"),
        _images,
        "StableDiffusion(XL)?Pipeline|FluxPipeline",
        "vision",
        VISION,
    ),
    Entry(
        "dreambooth:DreamBoothExecutor",
        ("image",),
        ("dreambooth",),
        _subject,
        "StableDiffusion(XL)?Pipeline|FluxPipeline",
        "vision",
        VISION,
    ),
    Entry(
        "textual_inversion:TextualInversionExecutor",
        ("image",),
        ("textual-inversion",),
        _subject,
        "StableDiffusion(XL)?Pipeline|FluxPipeline",
        "vision",
        VISION,
    ),
    Entry(
        "diffusion:DiffusionExecutor",
        ("video",),
        ("lora", "full"),
        _clips,
        "Wan(ImageToVideo)?Pipeline",
        "vision",
        (*VISION, "av"),
    ),
    Entry(
        "diffusion:DiffusionExecutor",
        ("audio",),
        ("lora", "full"),
        _sounds,
        "AceStepPipeline|StableAudioPipeline",
        "audio",
        AUDIO,
    ),
    Entry(
        "musicgen:MusicgenExecutor",
        ("audio",),
        ("lora", "full"),
        _sounds,
        "MusicgenForConditionalGeneration",
        "audio",
        AUDIO,
    ),
    Entry(
        "speecht5:SpeechT5Executor",
        ("audio",),
        ("voice-clone", "full"),
        _sounds,
        "SpeechT5ForTextToSpeech",
        "audio",
        (*AUDIO, "sentencepiece", "jiwer"),
    ),
    Entry(
        "xtts:XttsExecutor",
        ("audio",),
        ("voice-clone",),
        _sounds,
        "xtts",
        "audio",
        (*AUDIO, "TTS"),
    ),
    Entry(
        "vlm:VlmExecutor",
        ("multimodal",),
        ("lora", "full"),
        _questions,
        ".*ForConditionalGeneration|.*ForImageTextToText|.*ForVision2Seq",
        "vision",
        VISION,
    ),
    Entry(
        "vlm_dpo:VlmDpoExecutor",
        ("multimodal",),
        ("dpo",),
        _seen_preferences,
        ".*ForConditionalGeneration|.*ForImageTextToText|.*ForVision2Seq",
        "vision",
        VISION,
    ),
    Entry(
        "vlm:VlmExecutor",
        ("multimodal",),
        ("qlora",),
        _questions,
        ".*ForConditionalGeneration|.*ForImageTextToText|.*ForVision2Seq",
        "vision --with llm",
        (*VISION, "bitsandbytes"),
    ),
)


def find(spec: Spec, architecture: str) -> Entry:
    """The executor for a spec and its model. Raises TrainerError `unsupportedMethod`."""
    possible = [entry for entry in EXECUTORS if entry.takes(spec.modality, spec.method)]
    for entry in possible:
        if re.fullmatch(entry.architectures, architecture):
            return entry
    if possible:
        known = " or ".join(entry.architectures for entry in possible)
        raise TrainerError(
            "unsupportedModel",
            f"{spec.method} of {spec.modality} models is not there for {architecture or 'this model'}",
            "model.source",
            f"Take a model of the kind {known}.",
        )
    methods = sorted({m for e in EXECUTORS if spec.modality in e.modalities for m in e.methods})
    raise TrainerError(
        "unsupportedMethod",
        f"there is no {spec.method} for {spec.modality} models",
        "method.name",
        f"Take one of {', '.join(methods)}.",
    )


def kind_of(spec: Spec) -> Kind:
    """The kind of data that a spec's method takes; the model does not matter to it."""
    for entry in EXECUTORS:
        if entry.takes(spec.modality, spec.method):
            return entry.kind(spec)
    return find(spec, "").kind(spec)
