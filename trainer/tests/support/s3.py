"""A real S3 server: the project's pinned one, started here, or any that the environment names."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from kriptik_trainer.store_place import S3Place, StorePlace

REPOSITORY = Path(__file__).resolve().parents[3]
GIVEN = "KRIPTIK_TEST_S3_"
"""With ENDPOINT, BUCKET, ACCESS_KEY_ID, SECRET_ACCESS_KEY and REGION after it, another server is used."""


def given(name: str) -> str | None:
    """A value of the environment that names another server."""
    return os.environ.get(GIVEN + name)


@cache
def program() -> Path | str:
    """The server's program, built if need be, or why there is none."""
    named = os.environ.get("KRIPTIK_VERSITYGW")
    if named:
        return Path(named)
    local = REPOSITORY / "node_modules" / ".bin" / "node"
    node = str(local) if local.exists() else shutil.which("node")
    if node is None:
        return (
            "no Node.js to build the S3 server with: run npm ci, or name one with KRIPTIK_VERSITYGW"
        )
    command = [node, "tools/controlplane/cli.ts", "build", "versitygw"]
    built = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        return f"the S3 server could not be built: {built.stderr.strip()[-500:]}"
    return Path(built.stdout.strip().splitlines()[-1])


def free_port() -> int:
    """A port of the loopback address that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_keys(folder: Path, key: str, secret: str) -> Path:
    """A folder of keys as a mounted Secret has them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "accessKeyId").write_text(key)
    (folder / "secretAccessKey").write_text(f"{secret}\n")
    return folder


@dataclass
class Server:
    """Where the server is, and a raw client of it to do what no store would."""

    endpoint: str
    bucket: str
    key: str
    secret: str
    region: str
    root: Path
    ours: bool
    _process: subprocess.Popen[bytes] | None = field(default=None)

    def raw(self, endpoint: str | None = None) -> Any:
        """An ordinary client."""
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        return boto3.client(
            "s3",
            endpoint_url=endpoint or self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            config=Config(s3={"addressing_style": "path"}),
        )

    def place(self, scratch: Path, job: str | None = None, **other: Any) -> StorePlace:
        """A store of its own."""
        keys = other.pop("keys", None) or write_keys(self.root / "keys", self.key, self.secret)
        endpoint = other.pop("endpoint", self.endpoint)
        bucket = other.pop("bucket", self.bucket)
        uri = f"s3://{bucket}/tests/{job or secrets.token_hex(6)}"
        return StorePlace(uri, S3Place(endpoint, self.region, True, keys), scratch=scratch, **other)

    def start(self) -> None:
        """Starts the server, or starts it again at the same address."""
        found = program()
        assert isinstance(found, Path), found
        port = self.endpoint.rsplit(":", 1)[-1]
        users, data = self.root / "users", self.root / "data"
        users.mkdir(exist_ok=True)
        (data / self.bucket).mkdir(parents=True, exist_ok=True)
        address = f"127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [found, "--port", address, "--quiet", "--iam-dir", users, "posix", data],
            env={**os.environ, "ROOT_ACCESS_KEY": self.key, "ROOT_SECRET_KEY": self.secret},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        limit = time.monotonic() + 120
        while not self._answers():
            assert self._process.poll() is None, "the S3 server ended as it started"
            assert time.monotonic() < limit, "the S3 server does not answer"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.endpoint, timeout=1)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """Kills the server; its data stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def add_user(self, key: str, secret: str) -> None:
        """Makes an account that may do nothing."""
        found = program()
        admin = ["admin", "-a", self.key, "-s", self.secret, "-er", self.endpoint, "create-user"]
        account = ["-a", key, "-s", secret, "-r", "user"]
        subprocess.run([str(found), *admin, *account], check=True, capture_output=True)

    def keys_below(self, uri: str) -> list[str]:
        """Keys of all objects below a URI, less that part."""
        prefix = uri.removeprefix(f"s3://{self.bucket}/").rstrip("/") + "/"
        pages = (
            self.raw().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        )
        found = [one["Key"] for page in pages for one in page.get("Contents", ())]
        return sorted(key.removeprefix(prefix) for key in found)


def open_server() -> Server:
    """The server that the environment names, else one that was just started."""
    root = Path(tempfile.mkdtemp(prefix="kriptik-s3-"))
    endpoint = given("ENDPOINT")
    if endpoint is not None:
        return Server(
            endpoint,
            given("BUCKET") or "kriptik-test",
            given("ACCESS_KEY_ID") or "",
            given("SECRET_ACCESS_KEY") or "",
            given("REGION") or "us-east-1",
            root,
            False,
        )
    address = f"http://127.0.0.1:{free_port()}"
    server = Server(address, "kriptik-test", "root", secrets.token_hex(8), "us-east-1", root, True)
    server.start()
    return server
