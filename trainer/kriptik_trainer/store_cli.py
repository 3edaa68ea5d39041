"""Looks into a store: what it holds and whether that is whole. Used by people and by reader pods."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from kriptik_trainer import manifest
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.s3_client import Patience, S3Client
from kriptik_trainer.s3_errors import Absent
from kriptik_trainer.store import path_in_claim, path_of, step_of
from kriptik_trainer.store_place import S3Place

METRICS_TAIL = 1000
RESULTS = 20


class Files(Protocol):
    """Read access to what lies below a URI, by paths with forward slashes."""

    def list(self, below: str) -> dict[str, str]:
        """Path and state of all files below a folder, relative to the root."""

    def read(self, path: str) -> bytes:
        """A small file. Raises Absent."""

    def hash(self, path: str) -> tuple[int, str]:
        """Size and SHA-256. Raises Absent."""


class FolderFiles:
    """Files of a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def list(self, below: str) -> dict[str, str]:
        """See Files.list."""
        found = {}
        for path in (self._root / below).rglob("*"):
            inside = path.relative_to(self._root)
            if not path.is_dir():
                found[inside.as_posix()] = str(path.lstat().st_mtime_ns)
        return found

    def read(self, path: str) -> bytes:
        """See Files.read."""
        try:
            return (self._root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise Absent(path) from error

    def hash(self, path: str) -> tuple[int, str]:
        """See Files.hash. A link counts as absent: what it leads to was not saved here."""
        if (self._root / path).is_symlink():
            raise Absent(path)
        try:
            return manifest.hash_file(self._root / path)
        except FileNotFoundError as error:
            raise Absent(path) from error


class BucketFiles:
    """Objects below a prefix."""

    def __init__(self, client: S3Client, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def list(self, below: str) -> dict[str, str]:
        """See Files.list."""
        entries = self._client.entries(f"{self._prefix}{below}/" if below else self._prefix)
        return {one.key.removeprefix(self._prefix): one.modified.isoformat() for one in entries}

    def read(self, path: str) -> bytes:
        """See Files.read."""
        return self._client.get(self._prefix + path, 64 << 20)

    def hash(self, path: str) -> tuple[int, str]:
        """See Files.hash."""
        return self._client.read(self._prefix + path)


def open_files(uri: str, s3: S3Place, mount: Path | None) -> Files:
    """Read access to a store. Raises TrainerError where it cannot be opened."""
    scheme = urlsplit(uri).scheme
    if scheme == "s3":
        from kriptik_trainer.store_s3 import split_uri  # noqa: PLC0415

        bucket, path = split_uri(uri)
        return BucketFiles(S3Client(s3, bucket, Patience()), f"{path}/" if path else "")
    if scheme == "pvc" and mount is not None:
        return FolderFiles(path_in_claim(uri, mount))
    return FolderFiles(path_of(uri))


def check(
    files: Files, uri: str, folder: str, present: dict[str, str], expected: str | None = None
) -> tuple[manifest.Manifest | None, str | None]:
    """(manifest, problem) of a saved folder after reading all of it; None and a text where it is broken."""
    where = f"{uri}/{folder}" if folder else uri
    start = f"{folder}/" if folder else ""
    try:
        try:
            built = manifest.parse(files.read(start + manifest.NAME), where)
        except Absent:
            raise manifest.broken(where, f"{manifest.NAME} is not there") from None
        if expected is not None and built.sha256 != expected:
            raise manifest.broken(where, f"{manifest.NAME} has SHA-256 {built.sha256}")
        manifest.refuse_extras(
            where, built, (path.removeprefix(start) for path in present if path.startswith(start))
        )
        for file in built.files:
            try:
                found = files.hash(start + file.path)
            except Absent:
                raise manifest.broken(where, f"{file.path} is not there") from None
            if found != (file.size, file.sha256):
                raise manifest.broken(where, f"{file.path} is not what {manifest.NAME} says")
    except TrainerError as error:
        if error.code != "checkpointBroken":
            raise
        return None, error.message
    return built, None


def _saved(files: Files, uri: str, below: str, name: Callable[[str], Any]) -> list[dict[str, Any]]:
    present = files.list(below)
    folders = {"/".join(path.split("/")[:2]) for path in present if path.count("/") >= 2}
    found = []
    for folder in sorted(folders):
        inner = folder.split("/")[1]
        # What is being written has a hidden name.
        label = None if inner.startswith(".") else name(inner)
        if label is None or f"{folder}/{manifest.NAME}" not in present:
            continue
        built, problem = check(files, uri, folder, present)
        entry: dict[str, Any] = {"name": label, "uri": f"{uri}/{folder}", "verified": not problem}
        if built is None:
            entry["problem"] = problem
        else:
            entry |= {
                "step": built.step,
                "manifestSha256": built.sha256,
                "sizeBytes": built.size_bytes,
                "createdAt": built.created_at,
                "attempt": built.attempt,
            }
        found.append(entry)
    return found


def _results(files: Files) -> list[dict[str, Any]]:
    """What the newest attempts wrote as they ended, newest first."""
    paths = {p: at for p, at in files.list("attempts").items() if p.endswith("/result.json")}
    found = []
    for path in sorted(paths, key=lambda one: paths[one], reverse=True)[:RESULTS]:
        try:
            value = json.loads(files.read(path))
        except (Absent, ValueError):
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def _metrics(files: Files) -> list[Any]:
    try:
        lines = files.read("metrics.jsonl").splitlines()
    except Absent:
        return []
    points = []
    for line in lines[-METRICS_TAIL:]:
        try:
            points.append(json.loads(line))
        except ValueError:
            continue
    return points


def inspect(files: Files, uri: str) -> dict[str, Any]:
    """All that a store holds, every byte of its checkpoints and artifacts compared."""
    checkpoints = _saved(files, uri, "checkpoints", step_of)
    checkpoints.sort(key=lambda one: (one["name"], one.get("createdAt", "")), reverse=True)
    for one in checkpoints:
        one["step"] = one.pop("name")
    return {
        "uri": uri,
        "checkpoints": checkpoints,
        "artifacts": _saved(files, uri, "artifacts", lambda name: name.split(".")[0]),
        "results": _results(files),
        "metricsTail": _metrics(files),
    }


def _print(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201


def _s3_of(options: argparse.Namespace) -> S3Place:
    style = options.path_style if options.path_style is not None else bool(options.endpoint)
    return S3Place(options.endpoint, options.region, style, options.credentials_dir)


def _inspect(options: argparse.Namespace) -> int:
    uri = options.uri.rstrip("/")
    _print(inspect(open_files(uri, _s3_of(options), options.mount), uri))
    return 0


def _verify(options: argparse.Namespace) -> int:
    uri = options.uri.rstrip("/")
    files = open_files(uri, _s3_of(options), options.mount)
    present = files.list("")
    built, problem = check(files, uri, "", present, options.manifest_sha256)
    if built is None:
        raise manifest.broken(uri, problem or "it cannot be read")
    _print(
        {
            "ok": True,
            "uri": uri,
            "step": built.step,
            "manifestSha256": built.sha256,
            "sizeBytes": built.size_bytes,
            "createdAt": built.created_at,
        }
    )
    return 0


def add_reading(parser: argparse.ArgumentParser) -> None:
    """The options that say where a store is and how it is reached."""
    parser.add_argument("--uri", required=True, help="s3://, pvc:// or file:// URI")
    parser.add_argument("--mount", type=Path, help="where the claim of a pvc:// URI is mounted")
    parser.add_argument("--endpoint", help="base URL of an S3 service; default: AWS")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--path-style", action=argparse.BooleanOptionalAction)
    parser.add_argument(
        "--credentials-dir", type=Path, help="folder with the files accessKeyId, secretAccessKey"
    )


def add_verify(commands: Any) -> None:
    """Adds `verify`, of one checkpoint or artifact."""
    verify = commands.add_parser("verify", help="read a checkpoint or artifact back")
    add_reading(verify)
    verify.add_argument("--manifest-sha256")
    verify.set_defaults(do=_verify)


def add_store(commands: Any) -> None:
    """Adds `store inspect` and `store verify`."""
    store = commands.add_parser("store", help="look into the store of a job")
    inner = store.add_subparsers(required=True, metavar="COMMAND")
    inspecting = inner.add_parser("inspect", help="what it holds, all of it read back, as JSON")
    add_reading(inspecting)
    inspecting.add_argument("--fresh", action="store_true", help="accepted; every look is fresh")
    inspecting.set_defaults(do=_inspect)
    add_verify(inner)
