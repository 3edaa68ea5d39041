"""One of two processes that train cases of the method tests together, one case after the other.

    python -m support.pair RANK PORT,PORT... OUT CASE...

PORTS are three free ones for each case. Each case is trained to its end, and once more with a stop and a
resume in between, as a run does it. OUT is a folder that both share; the first process leaves
`result.json` there.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from kriptik_trainer.attempt import train_attempt
from kriptik_trainer.follow import Follower
from kriptik_trainer.mailbox import Mailbox
from kriptik_trainer.metrics import Metrics
from kriptik_trainer.peers import Peers
from kriptik_trainer.setup import quiet_libraries
from kriptik_trainer.spec import parse_spec
from kriptik_trainer.store import open_store
from kriptik_trainer.world import World
from support.cases import CASES
from support.inprocess import CLOCK, StoppingProgress, weights_hash
from support.methods import Case
from support.process import PATIENCE
from support.specs import changed


def attempt(spec: dict[str, Any], world: World, stop_after: int | None) -> dict[str, Any]:
    """This process's part of an attempt; the leader's last checkpoint, {} in the other."""
    from torch import distributed  # noqa: PLC0415 - heavy

    parsed = parse_spec(spec)
    found: list[Peers] = []
    try:
        if not world.leads:
            follower = Follower(parsed, world)
            follower.train()
            follower.attend()
            return {}

        def join() -> Peers:
            found.append(Peers(world))
            found[0].join()
            return found[0]

        store = open_store(parsed.store, parsed.attempt)
        progress = StoppingProgress(parsed.job, parsed.attempt, Mailbox(), CLOCK)
        progress.stop_after = stop_after
        metrics = Metrics(store.metrics_path, CLOCK.wall)
        train_attempt(parsed, store, progress, metrics, join)
        return dict(progress.get("lastCheckpoint"))
    finally:
        if found:
            found[0].farewell(0, 0)
        if distributed.is_initialized():
            distributed.barrier()
            distributed.destroy_process_group()


def wait_for(path: Path) -> None:
    """Waits until the other process has written a file."""
    limit = time.monotonic() + PATIENCE
    while not path.exists():
        if time.monotonic() >= limit:
            raise TimeoutError(path)
        time.sleep(0.02)


def prove(case: Case, root: Path, world: World, ports: list[int]) -> dict[str, Any]:
    """Trains a case without and with a stop; both final weights, as the leader sees them."""

    def at(port: int) -> World:
        place = World(world.size, world.rank, world.local_size, world.local_rank, port=port)
        os.environ.update(place.environment(place.local_rank))
        return place

    if world.leads:
        root.mkdir(parents=True)
        model = case.model(root)
        spec = {**case.spec(root, model), "outputs": [], "evaluation": None}
        (root / "spec.json").write_text(json.dumps(spec))
        (root / "ready").touch()
    wait_for(root / "ready")
    spec = json.loads((root / "spec.json").read_text())
    alone = changed(spec, store__uri=(root / "alone").as_uri())
    whole = attempt(alone, at(ports[0]), None)
    stopped = attempt(spec, at(ports[1]), case.stop_after)
    if world.leads:
        named = {name: stopped[name] for name in ("uri", "step", "manifestSha256")}
        (root / "resume.part").write_text(json.dumps(named))
        (root / "resume.part").rename(root / "resume.json")
    wait_for(root / "resume.json")
    resume = json.loads((root / "resume.json").read_text())
    halved = attempt(changed(spec, attempt="kriptik-test-2", resume=resume), at(ports[2]), None)
    if not world.leads:
        return {}
    return {
        "stopped": stopped["step"],
        "undisturbed": weights_hash(whole["uri"]),
        "resumed": weights_hash(halved["uri"]),
        "halfway": weights_hash(stopped["uri"]),
    }


def main() -> None:
    rank, out = int(sys.argv[1]), Path(sys.argv[3])
    free = [int(port) for port in sys.argv[2].split(",")]
    world = World(2, rank, 1, 0)
    results: dict[str, Any] = {}
    for number, name in enumerate(sys.argv[4:]):
        case = next(case for case in CASES if f"{case.modality}: {case.name}" == name)
        if number == 0:
            quiet_libraries(parse_spec(json.loads((out / "any.json").read_text())))
        ports = free[3 * number : 3 * number + 3]
        try:
            results[name] = prove(case, out / str(number), world, ports)
        except Exception:  # noqa: BLE001 - the other cases are still to be seen
            results[name] = {"error": traceback.format_exc()}
            sys.stdout.write(f"{name}: {results[name]['error']}\n")
            break
        sys.stdout.write(f"{name}: done\n")
        sys.stdout.flush()
    if world.leads:
        (out / "result.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
