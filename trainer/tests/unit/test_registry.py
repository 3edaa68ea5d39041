"""Which executor a spec gets, and what is said where there is none; and the consent to a voice."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy
import pytest
import soundfile

from kriptik_trainer import consent
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.registry import EXECUTORS, Entry, find
from kriptik_trainer.options import Consent
from kriptik_trainer.spec import METHODS, MODALITIES, Spec, parse_spec
from support.schema import PROTOCOL, SCHEMA

EXAMPLE = json.loads((PROTOCOL / "examples" / "spec.json").read_text())


def spec(modality: str, method: str, **more: Any) -> Spec:
    given = {**EXAMPLE, "modality": modality, "method": {"name": method}, "outputs": [], **more}
    return parse_spec(given)


@pytest.mark.parametrize(
    ("modality", "method", "architecture", "target"),
    [
        ("llm", "lora", "Qwen2ForCausalLM", "sft:SftExecutor"),
        ("code", "qlora", "Qwen2ForCausalLM", "sft:SftExecutor"),
        ("image", "lora", "StableDiffusionXLPipeline", "diffusion:DiffusionExecutor"),
        ("image", "dreambooth", "StableDiffusionPipeline", "dreambooth:DreamBoothExecutor"),
        ("audio", "lora", "AceStepPipeline", "diffusion:DiffusionExecutor"),
        ("audio", "lora", "StableAudioPipeline", "diffusion:DiffusionExecutor"),
        ("audio", "lora", "MusicgenForConditionalGeneration", "musicgen:MusicgenExecutor"),
        ("audio", "full", "SpeechT5ForTextToSpeech", "speecht5:SpeechT5Executor"),
        ("multimodal", "lora", "Qwen2VLForConditionalGeneration", "vlm:VlmExecutor"),
    ],
)
def test_a_spec_and_a_model_name_an_executor(
    modality: str, method: str, architecture: str, target: str
) -> None:
    assert find(spec(modality, method), architecture).target == target


@pytest.mark.parametrize(
    ("modality", "method", "architecture", "code", "remedy"),
    [
        ("video", "dpo", "WanPipeline", "unsupportedMethod", "full, lora"),
        ("image", "lora", "WanPipeline", "unsupportedModel", "StableDiffusion"),
    ],
)
def test_what_is_not_there_is_told(
    modality: str, method: str, architecture: str, code: str, remedy: str
) -> None:
    with pytest.raises(TrainerError) as caught:
        find(spec(modality, method), architecture)
    assert caught.value.code == code
    assert remedy in str(caught.value.remedy)


def test_a_missing_package_names_the_family_to_install() -> None:
    entry = Entry("sft:SftExecutor", ("llm",), ("lora",), EXECUTORS[0].kind, ".*", "llm", ("nope",))
    with pytest.raises(TrainerError) as caught:
        entry.load()
    assert caught.value.code == "notInstalled"
    assert "install.sh --with llm" in str(caught.value.remedy)


def test_every_entry_can_be_reached_and_written_in_a_spec() -> None:
    assert {m for entry in EXECUTORS for m in entry.methods} == set(METHODS)
    assert {m for entry in EXECUTORS for m in entry.modalities} == set(MODALITIES)
    fields = SCHEMA["$defs"]["spec"]["properties"]
    assert fields["method"]["properties"]["name"]["enum"] == list(METHODS)
    assert all(re.compile(entry.architectures) for entry in EXECUTORS)


def test_a_voice_is_not_cloned_without_consent() -> None:
    with pytest.raises(TrainerError) as caught:
        spec("audio", "voice-clone")
    assert caught.value.where == "consent"


def test_nor_by_another_method_that_learns_it(tmp_path: Path) -> None:
    given = spec("audio", "full", consent=None)
    executor = find(given, "SpeechT5ForTextToSpeech").load()
    with pytest.raises(TrainerError, match="recorded consent"):
        executor(given, tmp_path, [], [])


def recorded(root: Path, loudness: float, seconds: float = 3) -> Consent:
    path = root / "consent.wav"
    time = numpy.arange(int(16_000 * seconds)) / 16_000
    soundfile.write(path, loudness * numpy.sin(440 * time), 16_000)
    return Consent("Ada", "I agree.", path, hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_recorded_consent_is_taken(tmp_path: Path) -> None:
    assert consent.check(recorded(tmp_path, 0.3)).speaker == "Ada"


@pytest.mark.parametrize(
    ("loudness", "seconds", "change", "problem"),
    [
        (0.0, 3, None, "silent"),
        (0.3, 1, None, "shorter"),
        (0.3, 3, b"changed", "SHA-256"),
        (0.3, 3, b"", "not there"),
    ],
)
def test_a_consent_that_is_none_is_refused(
    tmp_path: Path, loudness: float, seconds: float, change: bytes | None, problem: str
) -> None:
    given = recorded(tmp_path, loudness, seconds)
    if change == b"":
        given.recording.unlink()
    elif change is not None:
        given.recording.write_bytes(change)
    with pytest.raises(TrainerError, match=problem):
        consent.check(given)
