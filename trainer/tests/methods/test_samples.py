"""What is made at every look: readable files, listed with prompt and seed, and scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from transformers import CLIPModel, CLIPProcessor

from kriptik_trainer.data.media import clip, picture
from kriptik_trainer.likeness import FRAMES, Likeness, open_likeness, pictures_of
from kriptik_trainer.manifest import verify
from kriptik_trainer.samples import listed
from kriptik_trainer.spec import parse_spec
from kriptik_trainer.store import path_of
from support.clips import CLIPS
from support.inprocess import Attempt, resume_of, run_attempt
from support.pictures import PICTURES, drawn
from support.schema import PROTOCOL, check
from support.scorers import clip_model
from support.specs import changed

PICTURE = next(case for case in PICTURES if case.name == "LoRA, SD 1.5")
CLIP = next(case for case in CLIPS if case.name == "LoRA, Wan 2.1")


def scored(spec: dict[str, Any], model: str, samples: int = 2) -> dict[str, Any]:
    """Four steps with looks at 0, 2 and 4."""
    return changed(
        spec,
        hyperparameters__maxSteps=4,
        evaluation__everySteps=2,
        evaluation__samples=samples,
        evaluation__scoreModel=model,
        outputs=["adapter"],
    )


def again(model: Path, folder: Path) -> float:
    """The scores of a folder of samples, reckoned with the plain library."""
    plain, processor = CLIPModel.from_pretrained(model), CLIPProcessor.from_pretrained(model)
    found = []
    for sample in listed(folder):
        images = pictures_of(folder / sample.file)
        given = processor(
            text=[sample.prompt] * len(images),
            images=images,
            return_tensors="pt",
            padding="max_length",
            max_length=24,
            truncation=True,
        )
        with torch.no_grad():
            seen = plain(**given)
        cosines = (seen.image_embeds * seen.text_embeds).sum(-1)
        found.append(float((100 * cosines).clamp(min=0).mean()))
    return sum(found) / len(found)


def folders(attempt: Attempt) -> dict[int, Path]:
    """The folders of samples that the status lists, verified."""
    found = {one["step"]: path_of(one["uri"]) for one in attempt.status["samples"]}
    for folder in found.values():
        assert verify(folder)
    return found


def test_pictures_are_stored_listed_and_scored_from_the_base_on(tmp_path: Path) -> None:
    model = clip_model(tmp_path)
    spec = scored(PICTURE.spec(tmp_path, PICTURE.model(tmp_path)), str(model))
    stopped = run_attempt(spec, stop_after=3)
    resumed = run_attempt(changed(spec, attempt="kriptik-test-2", resume=resume_of(stopped)))

    check("status", resumed.status)
    measured = resumed.status["evaluation"]
    assert (measured["metric"], measured["better"]) == ("clipScore", "higher")
    assert str(model) in measured["remark"]
    assert set(measured["base"]) == {"clipScore", "validationLoss"}
    every = folders(resumed)
    assert sorted(every) == [0, 2, 4], "a resume keeps the samples of the attempt before"
    for step, folder in every.items():
        made = listed(folder)
        assert [one.file for one in made] == ["sample-0.png", "sample-1.png"]
        assert all(one.prompt.endswith("bar") for one in made)
        assert len({one.seed for one in made}) == 2
        for one in made:
            with Image.open(folder / one.file) as image:
                image.verify()
            assert picture(folder / one.file).size == (32, 32)
        told = next(one["values"] for one in measured["history"] if one["step"] == step)
        assert told["clipScore"] == pytest.approx(again(model, folder), abs=1e-4)
    first, last = (listed(every[step]) for step in (0, 4))
    assert first == last, "the same prompts and seeds at every look"
    before, after = ((every[step] / "sample-0.png").read_bytes() for step in (0, 4))
    assert before != after, "training must show in what is made"
    card = (path_of(resumed.status["artifacts"][0]["uri"]) / "README.md").read_text()
    assert measured["remark"] in card


def test_clips_are_scored_by_their_frames(tmp_path: Path) -> None:
    model = clip_model(tmp_path)
    spec = scored(CLIP.spec(tmp_path, CLIP.model(tmp_path)), model.as_uri(), samples=1)
    attempt = run_attempt(changed(spec, hyperparameters__maxSteps=2))

    every = folders(attempt)
    for step, folder in every.items():
        frames = clip(folder / "sample-0.mp4", FRAMES)
        assert len(frames) == FRAMES
        assert {frame.size for frame in frames} == {(32, 32)}
        told = attempt.status["evaluation"]["history"]
        values = next(one["values"] for one in told if one["step"] == step)
        assert values["clipScore"] == pytest.approx(again(model, folder), abs=1e-4)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "no evaluation.scoreModel is given"),
        ({"scoreModel": "/no/such/folder"}, "does not exist"),
        ({"scoreModel": "nobody/no-such-model"}, "could not be fetched"),
        ({"scoreModel": "any/model", "samples": 0}, "evaluation.samples is 0"),
    ],
    ids=["none named", "not there", "no hub", "nothing to score"],
)
def test_without_a_score_the_proxy_is_named(given: dict[str, Any], why: str) -> None:
    example = json.loads((PROTOCOL / "examples" / "spec.json").read_text())
    found, remark = open_likeness(
        parse_spec({**example, "evaluation": given}), torch.device("cpu"), []
    )

    assert found is None
    assert "validationLoss" in remark
    assert why in remark


def test_a_run_whose_score_model_is_away_goes_on_and_says_so(tmp_path: Path) -> None:
    spec = scored(PICTURE.spec(tmp_path, PICTURE.model(tmp_path)), "/no/such/folder")
    attempt = run_attempt(changed(spec, hyperparameters__maxSteps=1, evaluation__samples=1))

    measured = attempt.status["evaluation"]
    assert (measured["metric"], measured["better"]) == ("validationLoss", "lower")
    assert "proxy" in measured["remark"]
    assert measured["remark"] in attempt.status["warnings"]


def test_a_model_that_cannot_see_does_not_score(tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(Exception, match="cannot score pictures"):
        Likeness(str(tiny), torch.device("cpu"))


def test_a_score_is_a_hundred_times_the_cosine_and_never_below_zero(tmp_path: Path) -> None:
    likeness = Likeness(str(clip_model(tmp_path)), torch.device("cpu"))
    bar = drawn("red", 3, (32, 32))
    found = [likeness.score([bar], f"a {colour} bar") for colour in ("red", "green", "blue")]

    assert found[0] == pytest.approx(likeness.score([bar, bar], "a red bar"))
    assert len(set(found)) > 1
    assert all(0 <= value <= 100 for value in found)
    assert likeness.score([bar], "a long caption " * 50) >= 0, "longer captions are cut"
