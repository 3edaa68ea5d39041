"""Which process this is, and what is known of the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.host import host_memory
from kriptik_trainer.launch import exit_code
from kriptik_trainer.peers import Presence
from kriptik_trainer.termination import LIMIT, path_of, summary
from kriptik_trainer.world import World, world_of

POD = {"KRIPTIK_NODES": "2", "JOB_COMPLETION_INDEX": "1", "KRIPTIK_MASTER": "job-0.job"}
WORLDS = [
    ("nothing is said", {}, World()),
    (
        "an Indexed Job of one pod",
        {"JOB_COMPLETION_INDEX": "0", "KRIPTIK_NODES": "1"},
        World(),
    ),
    ("the second of two pods", POD, World(2, 1, 1, 0, "job-0.job", 29500)),
    (
        "the second of two pods with four GPUs each",
        {**POD, "KRIPTIK_PROCESSES": "4", "KRIPTIK_MASTER_PORT": "4000"},
        World(8, 4, 4, 0, "job-0.job", 4000),
    ),
    (
        "a rank that is given goes before the index",
        {**POD, "KRIPTIK_NODE_RANK": "0"},
        World(2, 0, 1, 0, "job-0.job", 29500),
    ),
    (
        "torchrun has spoken",
        {**POD, "RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"},
        World(8, 5, 4, 1, "127.0.0.1", 29500),
    ),
]


@pytest.mark.parametrize(
    ("environment", "world"), [pytest.param(*case[1:], id=case[0]) for case in WORLDS]
)
def test_the_environment_says_which_process_this_is(
    environment: dict[str, str], world: World
) -> None:
    assert world_of(environment) == world


@pytest.mark.parametrize(
    ("environment", "where"),
    [
        ({"KRIPTIK_NODES": "two"}, "KRIPTIK_NODES"),
        ({"KRIPTIK_NODES": "2"}, "KRIPTIK_MASTER"),
        ({**POD, "JOB_COMPLETION_INDEX": "2"}, "JOB_COMPLETION_INDEX"),
        ({"RANK": "2", "WORLD_SIZE": "2"}, "RANK"),
    ],
)
def test_an_environment_that_makes_no_sense_is_refused(
    environment: dict[str, str], where: str
) -> None:
    with pytest.raises(TrainerError) as caught:
        world_of(environment)
    assert (caught.value.code, caught.value.where) == ("invalidEnvironment", where)


def test_processes_of_a_node_are_told_their_places() -> None:
    world = world_of({**POD, "KRIPTIK_PROCESSES": "2"})
    places = [world_of(world.environment(rank)) for rank in (0, 1)]
    assert [(p.rank, p.local_rank, p.size, p.nodes) for p in places] == [(2, 0, 4, 2), (3, 1, 4, 2)]


@pytest.mark.parametrize(
    ("codes", "told"),
    [([0, 0], 0), ([10, 10], 10), ([31, -9], 31), ([0, 21], 21), ([-9, 31], 31)],
)
def test_a_node_ends_with_one_code(codes: list[int], told: int) -> None:
    assert exit_code(codes) == told


def test_a_process_is_gone_once_it_has_been_there_and_is_silent() -> None:
    presence = Presence([1, 2], silence=60)
    presence.note(1, 7, 100.0)
    presence.note(2, None, 100.0)
    presence.note(1, 7, 159.0)
    assert presence.gone(159.0) == []
    assert presence.gone(161.0) == [1], "the same beat again is silence"
    presence.note(1, 8, 162.0)
    assert presence.gone(163.0) == []


def test_the_last_word_is_short_whatever_the_error_says(tmp_path: Path) -> None:
    error = {
        "code": "modelUnusable",
        "message": "\u4e00" * 9000,
        "where": "x" * 9000,
        "remedy": None,
    }
    content = summary({"outcome": "failed", "step": 3, "error": error}, 0, 20)
    assert len(content) <= LIMIT
    assert json.loads(content)["error"]["code"] == "modelUnusable"
    assert path_of({"KRIPTIK_TERMINATION_LOG": str(tmp_path)}) == tmp_path


def test_memory_is_counted_against_the_containers_limit(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 300000\ninactive_file 200000\n")
    (tmp_path / "meminfo").write_text("MemTotal: 2000 kB\nMemAvailable: 500 kB\n")
    assert host_memory(tmp_path, tmp_path) == {"usedBytes": 500_000, "totalBytes": 1_000_000}
    (tmp_path / "memory.max").write_text("max\n")
    assert host_memory(tmp_path, tmp_path) == {"usedBytes": 1_536_000, "totalBytes": 2_048_000}
