"""What executors of voices have in common: the consent, held-out recordings, and a listener."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import pad

from kriptik_trainer import consent
from kriptik_trainer.data.media import decode_all
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.data.sounds import write_sound
from kriptik_trainer.determinism import seed_all
from kriptik_trainer.executors.looped import LoopedExecutor
from kriptik_trainer.hearing import WORD_ERRORS, Listener, listener
from kriptik_trainer.samples import Sample, listed, note, sample_seed
from kriptik_trainer.scores import at_rest

Row = dict[str, torch.Tensor]
PROXY = (
    "validationLoss is the training loss on held-out recordings: a proxy. How clearly the voice speaks was "
    "not measured; evaluation.scoreModel names a model of speech recognition for that."
)


class VoiceExecutor(LoopedExecutor):
    """See executors.base.Executor. A model gives `open`, `encode`, `adapt`, `loss_of`, `speak` and the
    rest; nothing is opened before the consent is there."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.consent = consent.check(self.spec.consent)
        asked = None if self.spec.evaluation is None else self.spec.evaluation.score_model
        self.listener: Listener | None = listener(asked, self.place, self.warnings)
        self.remark = None if self.listener else PROXY
        if self.listener is not None:
            self.watched = (WORD_ERRORS, "lower")
        self._rows: list[Row] = []
        self._held: list[tuple[Example, Row]] = []
        self.open()

    def open(self) -> None:
        """Loads the model."""
        raise NotImplementedError

    def encode(self, example: Example) -> Row:
        """A row as tensors. Raises Unreadable."""
        raise NotImplementedError

    def adapt(self) -> None:
        """Makes what is to be trained trainable; sets `module`."""
        raise NotImplementedError

    def loss_of(self, rows: list[Row]) -> torch.Tensor:
        """The mean loss of some rows."""
        raise NotImplementedError

    def speak(self, text: str, like: Example) -> tuple[torch.Tensor, int]:
        """(samples, samples a second) of a text, in the voice of a held-out recording."""
        raise NotImplementedError

    def build(self) -> None:
        """See LoopedExecutor.build."""
        self._rows = [row for _, row in decode_all(self.examples, self.encode, self.warnings)]
        if self.held_out:
            self._held = decode_all(self.held_out, self.encode, self.warnings)
        seed_all(self.spec.hyperparameters.seed, "adapter")
        self.adapt()

    @property
    def every_row(self) -> list[Row]:
        """Rows to train on and held-out ones."""
        return [*self._rows, *(row for _, row in self._held)]

    def padded(self, rows: list[Row], name: str, filler: float) -> torch.Tensor:
        """A field of some rows as a batch, each filled up to the longest."""
        longest = max(len(row[name]) for row in rows)
        filled = [
            pad(
                row[name],
                (0, 0) * (row[name].dim() - 1) + (0, longest - len(row[name])),
                value=filler,
            )
            for row in rows
        ]
        return torch.stack(filled).to(self.place)

    def keys(self) -> Sequence[Hashable]:
        """See loop.Task. Rows of all lengths share batches; they are padded."""
        return [0] * len(self._rows)

    def loss(self, rows: list[int]) -> torch.Tensor:
        """See loop.Task."""
        return self.loss_of([self._rows[index] for index in rows])

    def evaluate(self) -> dict[str, float]:
        """See Executor.evaluate. The training loss on held-out recordings, a stated proxy."""
        found = []
        with at_rest(self.module):
            for index, (_, row) in enumerate(self._held):
                seed_all(self.spec.hyperparameters.seed, "held-out", index)
                found.append(float(self.loss_of([row])))
        return {"validationLoss": sum(found) / len(found)} if found else {}

    def sample(self, folder: Path, count: int) -> None:
        """See Executor.sample. Speaks held-out texts."""
        for index, (example, _) in enumerate(self._held[:count]):
            text = self.spec.options.sample_prompt or example.text or ""
            seed = sample_seed(self.spec.hyperparameters.seed, index)
            torch.manual_seed(seed)
            samples, rate = self.speak(text, example)
            write_sound(samples, rate, folder / f"sample-{index}.wav")
            note(folder, Sample(f"sample-{index}.wav", text, seed))

    def score(self, folder: Path) -> dict[str, float]:
        """See Executor.score. The word error rate, as the listener hears it."""
        return {} if self.listener is None else self.listener.of_samples(folder, listed(folder))

    def notes(self) -> tuple[str, ...]:
        """What a card has to say of the voice and of what was measured."""
        given = self.consent
        said = (
            f"Voice of {given.speaker}, who consented in these words: “{given.statement}” "
            f"(recording with SHA-256 `{given.sha256}`)."
        )
        if self.listener is None:
            return said, PROXY
        return said, f"{WORD_ERRORS} is that of `{self.listener.named}` listening to the samples."
