"""What a model makes while it learns: files to look at or listen to, listed with prompt and seed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from kriptik_trainer.determinism import derived_seed

LIST = "samples.json"


@dataclass(frozen=True)
class Sample:
    """A file of a folder of samples, what it was made from, and the seed of the noise it began with."""

    file: str
    prompt: str
    seed: int


def sample_seed(seed: int, index: int) -> int:
    """The seed of a run's sample, the same at every look; short enough to be typed."""
    return derived_seed(seed, "sample", index) & 0xFFFFFFFF


def note(folder: Path, sample: Sample) -> None:
    """Adds a sample to the list of its folder."""
    every = [*listed(folder), sample]
    text = json.dumps([asdict(one) for one in every], indent=2, ensure_ascii=False)
    (folder / LIST).write_text(f"{text}\n", "utf-8")


def listed(folder: Path) -> list[Sample]:
    """The samples of a folder, in the order in which they were made."""
    path = folder / LIST
    if not path.is_file():
        return []
    return [Sample(**one) for one in json.loads(path.read_text("utf-8"))]
