"""How the processes of a run agree: a store of the leader's that all of them watch.

The leader, rank 0, decides after each step what all do next; the others ask for its word. Both sides
show several times a second that they are there. Nobody waits for a process that is gone: whoever sees
it first ends, says why where the others can see it, and they end too.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.base import Instruction
from kriptik_trainer.log import log
from kriptik_trainer.store import Stored
from kriptik_trainer.world import World, lost

ARRIVAL_SECONDS = 600.0
"""How long to wait for the other processes at the start: their nodes may still be pulling images."""
SILENCE_SECONDS = 60.0
"""A process that has not shown itself for so long is gone."""
COLLECTIVE_SECONDS = 900.0
"""The longest that processes may be apart within a step."""
CALL_SECONDS = 10.0
PULSE_SECONDS = 0.25
FAREWELL_SECONDS = 2.0
LOOK_SECONDS = 0.02


def _error_of(text: bytes) -> TrainerError:
    value: dict[str, Any] = json.loads(text)
    return TrainerError(
        value["code"],
        value["message"],
        value["where"],
        value["remedy"],
        value["exitCode"],
        value.get("details"),
    )


class Peers:
    """This process's connection to the others. Methods may be called from one thread at a time, but
    for those of the watch, which have a connection of their own."""

    def __init__(self, world: World, arrival: float = ARRIVAL_SECONDS) -> None:
        """Waits until the leader can be reached. Raises TrainerError `peerLost`."""
        self.world = world
        self._lock = threading.Lock()
        self._store = self._connect(world.leads, arrival)
        self._beat = self._connect(False, arrival)
        self._beat.set_timeout(timedelta(seconds=CALL_SECONDS))
        self._farewell: int | None = None
        self._arrival = arrival
        self._asked = 0
        self.help: Callable[[], None] | None = None
        """What this process does whenever the leader asks all to work along."""

    def _connect(self, serve: bool, seconds: float) -> Any:
        # Takes seconds, in which the deadline is watched already.
        from torch.distributed import TCPStore  # type: ignore[attr-defined]  # noqa: PLC0415

        world = self.world
        # The leader need not be known to itself by the name that the others use.
        host = "127.0.0.1" if world.leads else world.master
        try:
            return TCPStore(
                host,
                world.port,
                world.size,
                serve,
                timedelta(seconds=seconds),
                wait_for_workers=False,
            )
        except RuntimeError as error:
            raise lost(
                f"the first process of the run cannot be reached at {world.master}:{world.port}: "
                f"{str(error).splitlines()[0][:200]}"
            ) from error

    def join(self) -> None:
        """Makes the process group for gradients: NCCL between GPUs, Gloo between processors."""
        import torch  # noqa: PLC0415
        from torch import distributed  # noqa: PLC0415
        from torch.distributed import PrefixStore  # type: ignore[attr-defined]  # noqa: PLC0415

        world = self.world
        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(world.local_rank)
        distributed.init_process_group(
            "nccl" if cuda else "gloo",
            store=PrefixStore("group", self._store),
            rank=world.rank,
            world_size=world.size,
            timeout=timedelta(seconds=COLLECTIVE_SECONDS),
        )

    def _await(self, keys: list[str], seconds: float | None = None) -> bool:
        """Whether the keys are there in time. The watch, not this, sees to it that nobody is gone."""
        limit = None if seconds is None else time.monotonic() + seconds
        while not self._store.check(keys):
            if self.help is not None and self._store.check([f"ask/{self._asked}"]):
                self._asked += 1
                self.help()
                continue
            if limit is not None and time.monotonic() >= limit:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def meet(self, what: str) -> None:
        """Waits for all processes to come to the same place. Raises TrainerError `peerLost`."""
        self._store.set(f"{what}/{self.world.rank}", "1")
        keys = [f"{what}/{rank}" for rank in range(self.world.size)]
        if not self._await(keys, self._arrival):
            absent = [key.rpartition("/")[2] for key in keys if not self._store.check([key])]
            raise lost(f"process {', '.join(absent)} of {self.world.size} has not come ({what})")

    def first_of_node(self, what: str, work: Callable[[], Any]) -> Any:
        """Lets one process of each node do something before the others, as fetching files."""
        world = self.world
        key = f"first/{what}/{world.rank - world.local_rank}"
        if world.local_rank > 0 and not self._await([key], self._arrival):
            raise lost(f"the first process of this node has not come ({what})")
        done = work()
        if world.local_rank == 0:
            self._store.set(key, "1")
        return done

    def choose(self, resume: Stored | None) -> None:
        """The leader's word on the checkpoint to go on from."""
        chosen = resume and {"uri": resume.uri, "manifestSha256": resume.manifest_sha256}
        self._store.set("resume", json.dumps(chosen))

    def chosen(self) -> dict[str, Any] | None:
        """Waits for it. Raises TrainerError `peerLost`."""
        if not self._await(["resume"], self._arrival):
            raise lost("the first process of the run has not said where to begin")
        found: dict[str, Any] | None = json.loads(self._store.get("resume"))
        return found

    def tell(self, step: int, told: Instruction) -> None:
        """The leader's word on what comes after a step."""
        self._store.set(f"told/{step}", f"{int(told.save)}{int(told.stop)}")
        self._store.delete_key(f"told/{step - 2}")

    def told(self, step: int) -> Instruction:
        """Waits for the leader's word."""
        self._await([f"told/{step}"])
        word = self._store.get(f"told/{step}").decode()
        return Instruction(save=word[0] == "1", stop=word[1] == "1")

    def give(self, step: int, part: Mapping[str, bytes]) -> None:
        """Hands the leader what only this process knows, for the checkpoint of a step."""
        listed = json.dumps({name: content.hex() for name, content in part.items()})
        self._store.set(f"part/{step}/{self.world.rank}", listed)

    def parts(self, step: int) -> dict[str, bytes]:
        """What the other processes have given, as files of the checkpoint."""
        keys = [f"part/{step}/{rank}" for rank in range(1, self.world.size)]
        self._await(keys)
        found: dict[str, bytes] = {}
        for key in keys:
            given: dict[str, str] = json.loads(self._store.get(key))
            found.update({name: bytes.fromhex(content) for name, content in given.items()})
            self._store.delete_key(key)
        return found

    def saved(self, step: int) -> None:
        """The leader is done with the checkpoint of a step."""
        self._store.set(f"saved/{step}", "1")

    def until_saved(self, step: int) -> None:
        """Waits until it is."""
        self._await([f"saved/{step}"])

    def ask(self) -> None:
        """The leader's word that all are to work along with what it is about to do."""
        self._store.set(f"ask/{self._asked}", "1")
        self._asked += 1

    def attend(self) -> None:
        """Does what the leader asks for, and nothing else, until its last word."""
        self._await(["farewell"])

    def fail(self, error: TrainerError) -> None:
        """Tells the leader why this process ends."""
        text = json.dumps({**error.to_json(), "exitCode": error.exit_code})
        with self._lock:
            self._beat.set(f"failed/{self.world.rank}", text)

    def failure(self, seconds: float) -> TrainerError | None:
        """What another process has told of its end, waiting a little for it."""
        limit = time.monotonic() + seconds
        while True:
            with self._lock:
                found = self._failure()
            if found is not None or time.monotonic() >= limit:
                return found
            time.sleep(PULSE_SECONDS)

    def _failure(self) -> TrainerError | None:
        """The first cause comes before those who only miss the others."""
        found = []
        for rank in range(1, self.world.size):
            key = f"failed/{rank}"
            if self._beat.check([key]):
                error = _error_of(self._beat.get(key))
                error.message = f"process {rank}: {error.message}"
                found.append(error)
        return min(found, key=lambda error: error.code == "peerLost", default=None)

    def farewell(self, code: int, seconds: float) -> None:
        """The leader's last word: all others end with this code. Waits a little for them to hear it."""
        limit = time.monotonic() + min(FAREWELL_SECONDS, max(0.0, seconds))
        try:
            with self._lock:
                self._beat.set("farewell", str(code))
                keys = [f"heard/{rank}" for rank in range(1, self.world.size)]
                while not self._beat.check(keys) and time.monotonic() < limit:
                    time.sleep(LOOK_SECONDS)
        except RuntimeError as error:
            log(f"the other processes could not be told: {error}", "WARN")

    def heard(self) -> int | None:
        """The code of the leader's last word, once there is one."""
        with self._lock:
            if self._farewell is None and self._beat.check(["farewell"]):
                self._farewell = int(self._beat.get("farewell"))
                self._beat.set(f"heard/{self.world.rank}", "1")
            return self._farewell

    def signal(self, name: str) -> None:
        """Hands a signal that reached this process to the leader."""
        with self._lock:
            self._beat.set("signal", name)

    def signalled(self) -> str | None:
        """The name of a signal that another process has had."""
        with self._lock:
            return self._beat.get("signal").decode() if self._beat.check(["signal"]) else None

    def show(self, remaining: float | None, beat: int) -> None:
        """Shows that this process is there; the leader also shows the seconds to the deadline."""
        value = json.dumps({"beat": beat, "remaining": remaining})
        with self._lock:
            self._beat.set(f"pulse/{self.world.rank}", value)

    def seen(self, rank: int) -> dict[str, Any] | None:
        """What a process has shown last."""
        key = f"pulse/{rank}"
        with self._lock:
            if not self._beat.check([key]):
                return None
            value: dict[str, Any] = json.loads(self._beat.get(key))
            return value


class Presence:
    """Who has shown itself lately; pure but for the clock that is passed in."""

    def __init__(self, ranks: list[int], silence: float = SILENCE_SECONDS) -> None:
        self._silence = silence
        self._seen: dict[int, tuple[int, float] | None] = dict.fromkeys(ranks)

    def note(self, rank: int, beat: int | None, now: float) -> None:
        """Takes down the beat of a process, None where it has never shown itself."""
        known = self._seen[rank]
        if beat is not None and (known is None or known[0] != beat):
            self._seen[rank] = (beat, now)

    def gone(self, now: float) -> list[int]:
        """Processes that were there once and have been silent for too long."""
        return [
            rank
            for rank, known in self._seen.items()
            if known is not None and now - known[1] > self._silence
        ]
