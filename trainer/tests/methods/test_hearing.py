"""Scores of sounds: computed for real, with models that are tiny and random."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest
import soundfile
import torch

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.hearing import (
    RATE,
    Listener,
    distance_of_samples,
    listener,
    spectral_distance,
    words,
)
from kriptik_trainer.samples import Sample
from support.inprocess import run_attempt
from support.opened import opened
from support.sounds import SOUNDS
from support.specs import changed
from support.speech import SPEECH, speecht5, whisper
from support.tiny import build_model

CPU = torch.device("cpu")


def tone(pitch: float, loudness: float = 0.3, seconds: float = 1.0) -> torch.Tensor:
    time = torch.arange(int(RATE * seconds)) / RATE
    return loudness * torch.sin(2 * torch.pi * pitch * time)


def test_words_are_compared_as_they_are_said() -> None:
    assert words("Hello,  THERE! It's “fine”.") == "hello there it's fine"


def test_a_sound_is_no_distance_from_itself_however_loud_and_whenever_it_starts() -> None:
    assert spectral_distance(tone(440), tone(440)) == 0
    assert spectral_distance(tone(440), tone(440, loudness=0.03)) < 0.1
    later = tone(440, seconds=1.5)[RATE // 2 + 7 :]
    assert spectral_distance(tone(440), later) < 0.1
    assert spectral_distance(tone(440), tone(470)) > 0.3


def test_noise_is_near_other_noise_and_far_from_a_tone() -> None:
    torch.manual_seed(1)
    noise = torch.randn(4 * RATE)
    assert spectral_distance(noise, torch.randn(4 * RATE)) < 1.5
    assert spectral_distance(tone(440), noise) > 20


def test_samples_are_compared_with_the_recordings_of_their_captions(tmp_path: Path) -> None:
    for name, samples in (("made", tone(440)), ("like", tone(440)), ("other", tone(2000))):
        soundfile.write(tmp_path / f"{name}.wav", samples.numpy(), RATE)
    soundfile.write(tmp_path / "silent.wav", numpy.zeros(RATE), RATE)
    made, silent = Sample("made.wav", "a tone", 1), Sample("silent.wav", "a tone", 2)
    like, other = tmp_path / "like.wav", tmp_path / "other.wav"

    near = distance_of_samples(tmp_path, [made], [like])["spectralDistance"]
    far = distance_of_samples(tmp_path, [made, made], [like, other])["spectralDistance"]
    assert near == 0
    assert far > 5
    assert distance_of_samples(tmp_path, [silent], [like])["spectralDistance"] > 5
    assert distance_of_samples(tmp_path, [made], [None]) == {}


@pytest.mark.parametrize("name", ["LoRA, MusicGen", "LoRA, Stable Audio"])
def test_music_is_compared_before_and_after(tmp_path: Path, name: str) -> None:
    case = next(case for case in SOUNDS if case.name == name)
    spec = changed(case.spec(tmp_path, case.model(tmp_path)), hyperparameters__maxSteps=1)
    measured = run_attempt(spec).status["evaluation"]
    assert measured["base"]["spectralDistance"] > 0
    assert measured["latest"]["spectralDistance"] > 0


class Parrot:
    """Hears what it is told to."""

    def __init__(self, *said: str) -> None:
        self.said = list(said)
        self.model = torch.nn.Linear(1, 1)
        self.device = CPU

    def __call__(self, given: object) -> dict[str, str]:
        return {"text": self.said.pop(0)}


@pytest.mark.parametrize(
    ("heard", "rate"),
    [
        (("Hello there.", "again"), 0.0),
        (("hello where", "again"), 1 / 3),
        (("hello", "again"), 1 / 3),
        (("well hello there", "again and"), 2 / 3),
    ],
)
def test_word_errors_are_those_of_all_samples_together(
    tmp_path: Path, heard: tuple[str, ...], rate: float
) -> None:
    ear = Listener(whisper(tmp_path).as_uri(), CPU)
    ear._hear = Parrot(*heard)
    for index in range(2):
        soundfile.write(tmp_path / f"{index}.wav", tone(300).numpy(), RATE)
    given = [Sample("0.wav", "Hello there!", 1), Sample("1.wav", "again", 2)]
    assert ear.of_samples(tmp_path, given)["wordErrorRate"] == pytest.approx(rate)


def test_a_silent_sample_misses_every_word(tmp_path: Path) -> None:
    ear = Listener(whisper(tmp_path).as_uri(), CPU)
    soundfile.write(tmp_path / "0.wav", numpy.zeros(RATE), RATE)
    assert ear.of_samples(tmp_path, [Sample("0.wav", "hello there", 1)]) == {"wordErrorRate": 1.0}


def test_a_voice_is_listened_to_by_the_named_model_before_and_after(tmp_path: Path) -> None:
    case = SPEECH[0]
    spec = changed(
        case.spec(tmp_path, speecht5(tmp_path)),
        evaluation__scoreModel=whisper(tmp_path).as_uri(),
        evaluation__samples=2,
        hyperparameters__maxSteps=2,
    )
    status = run_attempt(spec).status

    measured = status["evaluation"]
    assert {"validationLoss", "wordErrorRate"} == set(measured["base"]) == set(measured["latest"])
    assert measured["base"]["wordErrorRate"] > 0
    assert measured["remark"] is None
    card = (tmp_path / "store" / "artifacts" / "merged" / "README.md").read_text()
    assert "wordErrorRate is that of `file://" in card


def test_without_a_listener_the_proxy_is_told(tmp_path: Path) -> None:
    case = SPEECH[0]
    spec = changed(case.spec(tmp_path, speecht5(tmp_path)), hyperparameters__maxSteps=1)
    measured = run_attempt(spec).status["evaluation"]
    assert set(measured["latest"]) == {"validationLoss"}
    assert "a proxy" in measured["remark"]
    assert "a proxy" in (tmp_path / "store" / "artifacts" / "merged" / "README.md").read_text()


def test_a_listener_that_cannot_be_fetched_is_warned_of_and_one_that_cannot_listen_refused(
    tmp_path: Path,
) -> None:
    warnings: list[str] = []
    assert listener("hf://nobody/nothing", CPU, warnings) is None
    assert "no word error rate is measured" in warnings[0]
    with pytest.raises(TrainerError, match="cannot listen") as caught:
        listener(build_model(tmp_path / "words").as_uri(), CPU, [])
    assert caught.value.where == "evaluation.scoreModel"


def test_music_of_two_channels_is_refused_by_name(tmp_path: Path) -> None:
    case = next(one for one in SOUNDS if one.name == "LoRA, MusicGen")
    model = case.model(tmp_path)
    config = json.loads((model / "config.json").read_text())
    config["decoder"]["audio_channels"] = 2
    (model / "config.json").write_text(json.dumps(config))
    with pytest.raises(TrainerError, match="two channels") as caught:
        opened(case, tmp_path, model)
    assert (caught.value.code, caught.value.where) == ("unsupportedModel", "model.source")
