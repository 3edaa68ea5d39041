"""Which of a run's processes this one is, as the environment tells it.

A run is one process a GPU on one or more nodes. Every node is started with the same command; the
environment says how many there are and which one this is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kriptik_trainer.errors import ExitCode, TrainerError

DEFAULT_PORT = 29500
MOST = 4096


def lost(what: str) -> TrainerError:
    """The error of a run that one of its processes has left."""
    return TrainerError(
        "peerLost",
        what,
        "processes",
        "Resume from the last checkpoint; where it happens again, look at that node and its log.",
        ExitCode.LOST,
    )


@dataclass(frozen=True)
class World:
    """All processes of a run and this one's place: `rank` among all, `local_rank` on its node."""

    size: int = 1
    rank: int = 0
    local_size: int = 1
    local_rank: int = 0
    master: str = "127.0.0.1"
    port: int = DEFAULT_PORT

    @property
    def leads(self) -> bool:
        """Whether this process serves the control port, decides, and writes the store."""
        return self.rank == 0

    @property
    def nodes(self) -> int:
        """Machines or pods of the run."""
        return max(1, self.size // self.local_size)

    @property
    def alone(self) -> bool:
        """Whether there is nobody to agree with."""
        return self.size == 1

    def environment(self, local_rank: int) -> dict[str, str]:
        """What torch and its friends read, for a process of this node."""
        first = self.rank - self.local_rank
        return {
            "RANK": str(first + local_rank),
            "WORLD_SIZE": str(self.size),
            "LOCAL_RANK": str(local_rank),
            "LOCAL_WORLD_SIZE": str(self.local_size),
            "MASTER_ADDR": self.master,
            "MASTER_PORT": str(self.port),
        }


def _number(environment: Mapping[str, str], name: str, usual: int, low: int, high: int) -> int:
    text = environment.get(name) or str(usual)
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise TrainerError(
            "invalidEnvironment",
            f"{name} is {text!r}; it must be a number from {low} to {high}",
            name,
            "Correct this variable of the trainer's environment, or leave it out.",
        )
    return int(text)


def is_placed(environment: Mapping[str, str]) -> bool:
    """Whether a launcher has already told this process its place."""
    return "RANK" in environment and "WORLD_SIZE" in environment


def world_of(environment: Mapping[str, str]) -> World:
    """The world that an environment describes; without a word of it, one process alone.

    RANK and WORLD_SIZE with their usual companions are taken as they are. Otherwise KRIPTIK_NODES,
    KRIPTIK_NODE_RANK (or JOB_COMPLETION_INDEX), KRIPTIK_PROCESSES (on each node), KRIPTIK_MASTER and
    KRIPTIK_MASTER_PORT count, and the result is the node's first process. Raises TrainerError
    `invalidEnvironment`.
    """
    if is_placed(environment):
        size = _number(environment, "WORLD_SIZE", 1, 1, MOST)
        local_size = _number(environment, "LOCAL_WORLD_SIZE", 1, 1, size)
        return World(
            size,
            _number(environment, "RANK", 0, 0, size - 1),
            local_size,
            _number(environment, "LOCAL_RANK", 0, 0, local_size - 1),
            environment.get("MASTER_ADDR") or "127.0.0.1",
            _number(environment, "MASTER_PORT", DEFAULT_PORT, 1, 65535),
        )
    nodes = _number(environment, "KRIPTIK_NODES", 1, 1, MOST)
    processes = _number(environment, "KRIPTIK_PROCESSES", 1, 1, MOST // nodes)
    place = "KRIPTIK_NODE_RANK" if "KRIPTIK_NODE_RANK" in environment else "JOB_COMPLETION_INDEX"
    node = _number(environment, place, 0, 0, nodes - 1) if nodes > 1 else 0
    master = environment.get("KRIPTIK_MASTER") or ("" if nodes > 1 else "127.0.0.1")
    if not master:
        raise TrainerError(
            "invalidEnvironment",
            f"there are {nodes} nodes, but not a word of where the first one is",
            "KRIPTIK_MASTER",
            "Set it to the host name of the node with rank 0.",
        )
    port = _number(environment, "KRIPTIK_MASTER_PORT", DEFAULT_PORT, 1, 65535)
    return World(nodes * processes, node * processes, processes, 0, master, port)
