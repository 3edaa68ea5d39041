"""Random numbers as a function of the seed and the place in the run."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager


def derived_seed(*parts: int | str) -> int:
    """A seed of 63 bits that depends on all parts and on nothing else."""
    text = "/".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


def seed_all(*parts: int | str) -> None:
    """Seeds every generator that training draws from."""
    import numpy  # noqa: PLC0415 - heavy
    import torch  # noqa: PLC0415

    seed = derived_seed(*parts)
    random.seed(seed)
    numpy.random.seed(seed & 0xFFFFFFFF)
    torch.manual_seed(seed)


@contextmanager
def random_numbers_kept() -> Iterator[None]:
    """Whatever is drawn inside, training goes on as if nothing had been."""
    import numpy  # noqa: PLC0415 - heavy
    import torch  # noqa: PLC0415

    plain, array = random.getstate(), numpy.random.get_state()
    cpu = torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        yield
    finally:
        random.setstate(plain)
        numpy.random.set_state(array)
        torch.set_rng_state(cpu)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)


def held_out(count: int, share: float, limit: int, seed: int) -> frozenset[int]:
    """The indices of rows to hold out: the same ones for the same seed, whatever the order of work."""
    wanted = min(limit, max(1, round(count * share)), max(0, count - 1))
    order = sorted(range(count), key=lambda index: derived_seed(seed, "held-out", index))
    return frozenset(order[:wanted])
