"""The order of rows, the rows held out, and the packing of rows: functions of their input alone."""

from __future__ import annotations

import random

import torch

from kriptik_trainer.determinism import derived_seed, held_out, random_numbers_kept, seed_all
from kriptik_trainer.order import Order, batches
from kriptik_trainer.packing import PackedCollator, pack
from kriptik_trainer.tokens import IGNORED, Encoded


def test_a_pass_holds_every_row_once_and_no_batch_mixes_shapes() -> None:
    keys = ["wide", "tall", "wide", "tall", "wide", "wide", "tall"]
    found = batches(keys, 2, seed=7, epoch=3)

    assert sorted(row for batch in found for row in batch) == list(range(7))
    assert all(len({keys[row] for row in batch}) == 1 for batch in found)
    assert found == batches(keys, 2, seed=7, epoch=3)
    assert found != batches(keys, 2, seed=7, epoch=4)


def test_a_position_is_found_without_the_ones_before() -> None:
    keys = [0] * 5
    in_order = [batch for epoch in range(3) for batch in batches(keys, 2, 1, epoch)]

    order = Order(keys, 2, 1)
    assert len(order) == 3
    assert [order.at(position) for position in range(9)] == in_order
    assert [order.at(position) for position in (8, 0, 4)] == [in_order[at] for at in (8, 0, 4)]


def test_rows_are_held_out_by_the_seed_and_one_is_always_left() -> None:
    assert held_out(100, 0.1, 64, 7) == held_out(100, 0.1, 64, 7)
    assert held_out(100, 0.1, 64, 7) != held_out(100, 0.1, 64, 8)
    assert len(held_out(100, 0.1, 64, 7)) == 10
    assert len(held_out(1000, 0.5, 64, 7)) == 64
    assert len(held_out(1, 0.5, 64, 7)) == 0


def test_seeds_differ_by_every_part() -> None:
    seeds = [derived_seed(1, "a", 2), derived_seed(1, "a", 3), derived_seed(1, "b", 2)]
    assert len({*seeds, derived_seed(12, "a"), derived_seed(1, "2a")}) == 5


def test_what_is_drawn_in_between_does_not_matter() -> None:
    seed_all(5)
    undisturbed = (torch.rand(3).tolist(), random.random())
    seed_all(5)
    with random_numbers_kept():
        torch.rand(7)
        random.random()
    assert (torch.rand(3).tolist(), random.random()) == undisturbed


def rows(*lengths: int) -> list[Encoded]:
    return [
        Encoded([10 * n + i for i in range(n)], [10 * n + i for i in range(n)], n) for n in lengths
    ]


def test_packing_fills_sequences_and_begins_positions_anew() -> None:
    packed = pack(rows(5, 3, 4, 2), 8)

    assert [len(one["input_ids"]) for one in packed] == [8, 6]
    assert packed[0]["position_ids"] == [0, 1, 2, 3, 4, 0, 1, 2]
    assert [i for i, label in enumerate(packed[0]["labels"]) if label == IGNORED] == [0, 5]


def test_padding_of_packed_rows_counts_for_nothing() -> None:
    batch = PackedCollator(99)(pack(rows(5, 3, 4, 2), 8))

    assert batch["input_ids"].shape == (2, 8)
    assert batch["input_ids"][1, 6:].tolist() == [99, 99]
    assert batch["labels"][1, 6:].tolist() == [IGNORED] * 2
    assert batch["position_ids"][1, 6:].tolist() == [0, 1]
