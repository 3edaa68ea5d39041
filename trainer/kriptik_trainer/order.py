"""The order of rows as a function of the seed and the pass, so that a place in it is all a resume needs."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Hashable, Sequence

from kriptik_trainer.determinism import derived_seed


def batches(keys: Sequence[Hashable], size: int, seed: int, epoch: int) -> list[list[int]]:
    """The batches of a pass: rows of one key (a shape) together, all shuffled, none left out.

    A key's last batch is smaller where its rows do not divide evenly.
    """
    draw = random.Random(derived_seed(seed, "order", epoch))
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        groups[key].append(index)
    found: list[list[int]] = []
    for rows in groups.values():
        draw.shuffle(rows)
        found += [rows[at : at + size] for at in range(0, len(rows), size)]
    draw.shuffle(found)
    return found


class Order:
    """The batches of a run, found by their position alone. Keeps the pass that was asked for last, for
    shuffling all rows anew costs a millisecond for a few thousand of them."""

    def __init__(self, keys: Sequence[Hashable], size: int, seed: int) -> None:
        self._keys, self._size, self._seed = keys, size, seed
        self._epoch = 0
        self._pass = batches(keys, size, seed, 0)

    def __len__(self) -> int:
        """Batches of a pass."""
        return len(self._pass)

    def at(self, position: int) -> list[int]:
        """The batch at a position of the run, counted in micro-batches over all passes."""
        epoch, place = divmod(position, len(self))
        if epoch != self._epoch:
            # Every pass has as many batches.
            self._pass, self._epoch = batches(self._keys, self._size, self._seed, epoch), epoch
        return self._pass[place]
