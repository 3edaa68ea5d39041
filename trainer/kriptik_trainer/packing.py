"""Several short rows in one sequence, each blind to the others, so that little of a batch is padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kriptik_trainer.tokens import IGNORED, Encoded

Packed = dict[str, list[int]]


def pack(rows: Sequence[Encoded], length: int) -> list[Packed]:
    """Rows packed into sequences of at most `length` tokens: longest first, into the fullest that fits.

    Positions begin at 0 with each row; that is how attention tells the rows apart. The first token of a
    row never counts in the loss, or the row before it would be asked to foresee it.
    """
    bins: list[list[Encoded]] = []
    room: list[int] = []
    for row in sorted(rows, key=lambda row: -len(row.input_ids)):
        size = len(row.input_ids)
        fitting = [index for index, left in enumerate(room) if left >= size]
        if fitting:
            best = min(fitting, key=lambda index: room[index])
            bins[best].append(row)
            room[best] -= size
        else:
            bins.append([row])
            room.append(length - size)
    return [
        {
            "input_ids": [token for row in one for token in row.input_ids],
            "labels": [label for row in one for label in (IGNORED, *row.labels[1:])],
            "position_ids": [place for row in one for place in range(len(row.input_ids))],
        }
        for one in bins
    ]


@dataclass(frozen=True)
class PackedCollator:
    """Pads packed sequences; the padding is one more row of its own, which nothing looks at."""

    pad_token_id: int

    def __call__(self, rows: Sequence[Packed]) -> dict[str, Any]:
        import torch  # noqa: PLC0415 - heavy

        longest = max(len(row["input_ids"]) for row in rows)

        def padded(name: str, fill: int) -> Any:
            filled = [row[name] + [fill] * (longest - len(row[name])) for row in rows]
            return torch.tensor(filled)

        positions = [
            row["position_ids"] + list(range(longest - len(row["position_ids"]))) for row in rows
        ]
        return {
            "input_ids": padded("input_ids", self.pad_token_id),
            "labels": padded("labels", IGNORED),
            "position_ids": torch.tensor(positions),
        }
