"""One S3 server for all tests of a run; each test has a prefix of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kriptik_trainer.store_place import StorePlace
from kriptik_trainer.store_s3 import S3Store
from support.s3 import Server, given, open_server, program


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server; what needs it is left out, with the reason, where there is none."""
    found = program() if given("ENDPOINT") is None else None
    if isinstance(found, str):
        pytest.skip(found)
    opened = open_server()
    yield opened
    opened.stop()
    shutil.rmtree(opened.root, ignore_errors=True)


@pytest.fixture
def own(server: Server) -> Server:
    """The server, where it is one that a test may stop and give users."""
    if not server.ours:
        pytest.skip("only a server that was started here can be stopped and given users")
    return server


@pytest.fixture
def place(server: Server, tmp_path: Path) -> StorePlace:
    """A store that nobody has used."""
    return server.place(tmp_path / "scratch")


@pytest.fixture
def store(place: StorePlace) -> Iterator[S3Store]:
    """The same, acquired by a first attempt."""
    opened = S3Store(place, "kriptik-job-1")
    opened.acquire()
    yield opened
    opened.close()
