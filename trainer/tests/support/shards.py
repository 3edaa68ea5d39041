"""One of two processes that train cases with a shard of the model each, and with the whole of it.

Arguments: RANK PORT,PORT... OUT CASE... PORTS are six free ones for each case. Each case is trained to its
end by replicas and by shards, by shards once more with a stop and a resume in between, and the first one
with a kill and a resume. OUT is a folder that both share; each process leaves `RANK.json` there.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from kriptik_trainer import hf, hf_sharded, sharding
from kriptik_trainer.executors.base import Instruction
from kriptik_trainer.setup import quiet_libraries
from kriptik_trainer.spec import parse_spec
from kriptik_trainer.store_file import FileStore
from kriptik_trainer.together import Following
from kriptik_trainer.world import World
from support.inprocess import weights_hash
from support.language import LANGUAGE
from support.methods import Case
from support.pair import attempt, wait_for
from support.specs import changed
from support.tiny import build_model

PORTS = 6
KILLED_AFTER = 5
SEEN: dict[str, Any] = {}
"""What was found in the memory of this process while it trained."""


def watch_memory() -> None:
    """Takes down how many numbers the model and the optimizer of a sharded run hold in this process."""
    usual_held, usual_state = sharding.held, sharding.whole_optimizer

    def held(model: Any) -> int:
        SEEN["parameters"] = usual_held(model)
        SEEN["ofParameters"] = sum(one.numel() for one in model.parameters())
        return int(SEEN["parameters"])

    def state(optimizer: Any) -> Any:
        tensors = [
            tensor
            for one in optimizer.state_dict()["state"].values()
            for tensor in one.values()
            if tensor.dim() > 0
        ]
        SEEN["state"] = sum(sharding._local(one).numel() for one in tensors)
        SEEN["ofState"] = sum(one.numel() for one in tensors)
        return usual_state(optimizer)

    hf.sharding.held = held
    hf_sharded.sharding.whole_optimizer = state


def tied(root: Path) -> Path:
    """A model whose embeddings are its last layer too: one weight under two names."""
    return build_model(root / "model", tied=True)


def share(path: Path, value: Any) -> Any:
    """What the first process writes, in both."""
    if value is not None:
        path.with_suffix(".part").write_text(json.dumps(value))
        path.with_suffix(".part").rename(path)
    wait_for(path)
    return json.loads(path.read_text())


def fall(spec: dict[str, Any], world: World, root: Path) -> None:
    """Trains in a copy of each process until the second one is killed in the middle of the run, and the
    first one thereafter. The copies are made before anything else was trained, and so need no start."""
    child = os.fork()
    if child == 0:
        usual = Following.step_ended

        def last(self: Following, step: int, epoch: float) -> Instruction:
            told = usual(self, step, epoch)
            if step == KILLED_AFTER:
                os.kill(os.getpid(), signal.SIGKILL)
            return told

        Following.step_ended = last  # type: ignore[method-assign]
        try:
            attempt(spec, world, None)
        finally:
            os._exit(1)
    if world.leads:
        wait_for(root / "fallen")
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not world.leads:
        (root / "fallen").write_text(str(os.waitstatus_to_exitcode(status)))


def named(uri: str, step: int, sha256: str) -> dict[str, Any]:
    """A checkpoint as a spec names it."""
    return {"uri": uri, "step": step, "manifestSha256": sha256}


def prove(case: Case, root: Path, rank: int, ports: list[int], kill: bool) -> dict[str, Any]:
    """Trains a case in all ways; where the leader finds what came of it."""

    def at(number: int) -> World:
        world = World(2, rank, 1, 0, port=ports[number])
        os.environ.update(world.environment(0))
        return world

    leads = rank == 0
    results: dict[str, Any] = {"root": str(root)}
    root.mkdir(parents=True, exist_ok=True)
    spec = share(root / "spec.json", case.spec(root, case.model(root)) if leads else None)
    quiet_libraries(parse_spec(spec))
    SEEN.clear()
    # Layers that are computed again are gathered once more for it.
    again = case.method == "full"
    spec = changed(spec, hyperparameters__gradientCheckpointing=again)
    sharded = changed(spec, parallelism="sharded")
    if kill:
        broken = changed(
            sharded,
            store__uri=(root / "killed").as_uri(),
            hyperparameters__checkpointEverySteps=2,
        )
        fall(broken, at(4), root)
    whole = attempt(changed(spec, store__uri=(root / "replicated").as_uri()), at(0), None)
    cut = attempt(changed(sharded, store__uri=(root / "sharded").as_uri()), at(1), None)
    stopped = attempt(sharded, at(2), case.stop_after)
    last = named(stopped["uri"], stopped["step"], stopped["manifestSha256"]) if leads else None
    resume = share(root / "resume.json", last)
    resumed = attempt(changed(sharded, attempt="kriptik-test-2", resume=resume), at(3), None)
    if kill:
        found = FileStore(root / "killed").latest().stored if leads else None
        last = found and named(found.uri, found.step, found.manifest_sha256)
        resume = share(root / "newest.json", last)
        risen = attempt(changed(broken, attempt="kriptik-test-2", resume=resume), at(5), None)
        if leads:
            results |= {"newest": resume["step"], "risen": weights_hash(risen["uri"])}
    if not leads:
        return {"seen": dict(SEEN)}
    return {
        **results,
        "seen": dict(SEEN),
        "replicated": whole["uri"],
        "sharded": cut["uri"],
        "stopped": stopped["step"],
        "undisturbed": weights_hash(cut["uri"]),
        "halfway": weights_hash(stopped["uri"]),
        "resumed": weights_hash(resumed["uri"]),
    }


def main() -> None:
    rank, out = int(sys.argv[1]), Path(sys.argv[3])
    ports = [int(port) for port in sys.argv[2].split(",")]
    watch_memory()
    results: dict[str, Any] = {}
    for number, name in enumerate(sys.argv[4:]):
        case = next(case for case in LANGUAGE if case.name == name)
        if case.method == "full":
            case = replace(case, model=tied)
        try:
            mine = ports[PORTS * number : PORTS * (number + 1)]
            results[name] = prove(case, out / str(number), rank, mine, number == 0)
        except Exception:  # noqa: BLE001 - what went wrong is for the test to tell
            results[name] = {"error": traceback.format_exc()}
            sys.stdout.write(results[name]["error"])
            break
    (out / f"{rank}.json").write_text(json.dumps(results))
