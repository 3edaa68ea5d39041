"""How well pictures fit their captions, as a model of pictures and texts such as CLIP sees it.

The score is that of Hessel et al., CLIPScore (2021), with the usual weight of 100: 100 times the cosine
between the embeddings of picture and caption, and 0 where that is negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoProcessor

from kriptik_trainer.data.media import CLIP_SUFFIXES, clip, picture
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.log import log
from kriptik_trainer.models.resolve import resolve
from kriptik_trainer.samples import Sample
from kriptik_trainer.spec import Spec

METRIC = "clipScore"
PROXY = "validationLoss, the loss on held-out rows, is a proxy for a score of likeness"
FRAMES = 8
"""Frames of a clip that are looked at, spread evenly over it."""


def source_of(named: str) -> str:
    """A model source from what a spec names: a folder, a source, or a name on the Hub."""
    if "://" in named:
        return named
    return Path(named).as_uri() if Path(named).is_absolute() else f"hf://{named}"


class Likeness:
    """A model that scores. It leaves the GPU's memory after each look."""

    def __init__(self, named: str, place: torch.device) -> None:
        """Raises TrainerError `scoreModelUnusable` or what resolving a model raises."""
        self.named = named
        self._place = place
        folder = resolve(source_of(named), None, log)
        try:
            self._model: Any = AutoModel.from_pretrained(folder).eval().requires_grad_(False)
            self._processor: Any = AutoProcessor.from_pretrained(folder)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise self._unusable(str(error).splitlines()[0][:200]) from error
        if not hasattr(self._model, "get_image_features"):
            raise self._unusable(f"{type(self._model).__name__} is no model of pictures and texts")
        self._words = int(self._model.config.text_config.max_position_embeddings)

    def _unusable(self, why: str) -> TrainerError:
        return TrainerError(
            "scoreModelUnusable",
            f"{self.named} cannot score pictures: {why}",
            "evaluation.scoreModel",
            "Name a CLIP or SigLIP model, or leave it out.",
        )

    def score(self, images: Sequence[Any], caption: str) -> float:
        """The mean score of pictures against one caption, 0 to 100."""
        given = self._processor(
            text=[caption],
            images=list(images),
            return_tensors="pt",
            padding="max_length",
            truncation=True,
            max_length=self._words,
        ).to(self._place)
        with torch.no_grad():
            seen = self._model(**given)
        alike = torch.cosine_similarity(seen.image_embeds.float(), seen.text_embeds.float(), dim=-1)
        return float((100 * alike).clamp(min=0).mean())

    def of_samples(self, folder: Path, samples: Sequence[Sample]) -> dict[str, float]:
        """The mean score of the samples in a folder against their prompts; {} where none has a prompt."""
        self._model.to(self._place)
        try:
            found = [
                self.score(pictures_of(folder / one.file), one.prompt)
                for one in samples
                if one.prompt
            ]
        finally:
            self._model.to("cpu")
        return {METRIC: sum(found) / len(found)} if found else {}


def pictures_of(path: Path) -> list[Any]:
    """What there is to see in a sample: a picture, or frames of a clip. Raises Unreadable."""
    return clip(path, FRAMES) if path.suffix in CLIP_SUFFIXES else [picture(path)]


def open_likeness(
    spec: Spec, place: torch.device, warnings: list[str]
) -> tuple[Likeness | None, str]:
    """(the model that scores samples or None, what the figures of a run are). A run is not ended because
    its score model is out of reach: it says so, and the proxy is used."""
    given = spec.evaluation
    if given is None or given.score_model is None:
        return None, f"{PROXY}: no evaluation.scoreModel is given"
    if given.samples == 0:
        return None, f"{PROXY}: evaluation.samples is 0"
    try:
        found = Likeness(given.score_model, place)
    except TrainerError as error:
        remark = f"{PROXY}: {error.message}"
        warnings.append(remark)
        return None, remark
    return found, f"{METRIC} is 100 times the cosine of samples and prompts by {found.named}"
