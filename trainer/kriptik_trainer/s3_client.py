"""The few calls that a store makes of S3, with bounded waiting and errors that say what to do."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeVar

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.s3_errors import Absent, failures, translate, unreachable
from kriptik_trainer.store_place import S3Place

PART_BYTES = 32 << 20
"""Larger files go up in parts of this size, so that a broken connection costs one part."""
PARTS_AT_ONCE = 4
READ_TRIES = 3
_CHUNK = 1 << 20
_KEYS = ("accessKeyId", "secretAccessKey", "sessionToken")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Entry:
    """An object as a listing shows it. Equal state means that nobody wrote it meanwhile."""

    key: str
    size: int
    etag: str
    modified: datetime

    @property
    def state(self) -> str:
        """Changes whenever the object is written anew."""
        return f"{self.size}:{self.etag}:{self.modified.isoformat()}"


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for a connection and for the next bytes, and how often to try."""

    connect: float = 3.0
    read: float = 20.0
    attempts: int = 3


def _keys_in(folder: Path) -> dict[str, str]:
    found = {}
    for name in _KEYS:
        path = folder / name
        try:
            if path.is_file() and (text := path.read_text("utf-8").strip()):
                found[name] = text
        except OSError as error:
            raise TrainerError(
                "storeCredentials",
                f"the keys of the store cannot be read: {error.strerror}",
                str(path),
                "Mount the Secret with the keys so that this user may read it.",
            ) from error
    if "accessKeyId" not in found or "secretAccessKey" not in found:
        raise TrainerError(
            "storeCredentials",
            "accessKeyId or secretAccessKey is missing or empty",
            str(folder),
            "Give the Secret that the store's credentialsRef names both keys.",
        )
    return found


def _connect(place: S3Place, keys: dict[str, str], patience: Patience) -> Any:
    import boto3  # noqa: PLC0415 - a third of a second that other stores need not wait for
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client(
        "s3",
        endpoint_url=place.endpoint,
        region_name=place.region,
        aws_access_key_id=keys.get("accessKeyId"),
        aws_secret_access_key=keys.get("secretAccessKey"),
        aws_session_token=keys.get("sessionToken"),
        config=Config(
            connect_timeout=patience.connect,
            read_timeout=patience.read,
            retries={"mode": "standard", "total_max_attempts": patience.attempts},
            max_pool_connections=4 * PARTS_AT_ONCE,
            # The hash of each body is part of its signature, so every server refuses bytes that changed
            # on the way. The newer checksum headers are not understood by all servers.
            s3={
                "addressing_style": "path" if place.path_style else "virtual",
                "payload_signing_enabled": True,
            },
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


class S3Client:
    """One bucket. Every method raises TrainerError, or Absent where that is an answer."""

    def __init__(self, place: S3Place, bucket: str, patience: Patience | None = None) -> None:
        self.bucket = bucket
        self._place = place
        self._patience = patience or Patience()
        self._keys: dict[str, str] = {}
        self._client: Any = None

    def _call(self, key: str, what: str, do: Callable[[Any], Answer]) -> Answer:
        """Runs a request; with keys that were changed meanwhile it is tried once more."""
        try:
            return self._translated(key, what, do)
        except TrainerError as error:
            if error.code != "storeCredentials" or not self._refresh():
                raise
        return self._translated(key, what, do)

    def _translated(self, key: str, what: str, do: Callable[[Any], Answer]) -> Answer:
        if self._client is None:
            self._refresh()
        try:
            return do(self._client)
        except failures() as error:
            raise translate(error, f"s3://{self.bucket}/{key}", what) from error

    def _refresh(self) -> bool:
        """Connects with the keys as they are now; whether they are others than before."""
        folder = self._place.credentials
        keys = {} if folder is None else _keys_in(folder)
        if self._client is not None and keys == self._keys:
            return False
        self._keys = keys
        self._client = _connect(self._place, keys, self._patience)
        return True

    def put(self, key: str, content: bytes) -> None:
        """Writes a small object."""
        self._call(
            key,
            "writing",
            lambda client: client.put_object(Bucket=self.bucket, Key=key, Body=content),
        )

    def upload(self, key: str, path: Path) -> None:
        """Writes a file, in parts where it is large. A failed upload leaves no parts behind."""
        from boto3.s3.transfer import TransferConfig  # noqa: PLC0415

        how = TransferConfig(
            multipart_threshold=PART_BYTES,
            multipart_chunksize=PART_BYTES,
            max_concurrency=PARTS_AT_ONCE,
        )
        self._call(
            key,
            "uploading",
            lambda client: client.upload_file(str(path), self.bucket, key, Config=how),
        )

    def get(self, key: str, limit: int = 16 << 20) -> bytes:
        """Reads a small object of at most `limit` bytes."""

        def read(client: Any) -> bytes:
            with closing(client.get_object(Bucket=self.bucket, Key=key)["Body"]) as body:
                return bytes(body.read(limit))

        return self._call(key, "reading", read)

    def read(self, key: str, sink: IO[bytes] | None = None) -> tuple[int, str]:
        """Size and hex SHA-256 of an object, its bytes going to `sink`; a broken stream is read anew."""

        def once(client: Any) -> tuple[int, str]:
            digest, size = hashlib.sha256(), 0
            if sink is not None:
                sink.seek(0)
                sink.truncate()
            with closing(client.get_object(Bucket=self.bucket, Key=key)["Body"]) as body:
                for chunk in body.iter_chunks(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    if sink is not None:
                        sink.write(chunk)
            return size, digest.hexdigest()

        for attempt in range(1, READ_TRIES + 1):
            try:
                return self._call(key, "reading", once)
            except TrainerError as error:
                if error.code != "storeUnreachable" or attempt == READ_TRIES:
                    raise
                time.sleep(0.5 * 2**attempt)
        raise unreachable("reading failed", key)

    def entries(self, prefix: str) -> Iterator[Entry]:
        """All objects below a prefix, page by page."""
        token: str | None = None
        while True:
            page = self._page(prefix, token)
            for found in page.get("Contents", ()):
                yield Entry(
                    found["Key"], int(found["Size"]), str(found["ETag"]), found["LastModified"]
                )
            token = page.get("NextContinuationToken")
            if not page.get("IsTruncated") or not token:
                return

    def _page(self, prefix: str, token: str | None) -> dict[str, Any]:
        more = {} if token is None else {"ContinuationToken": token}
        answer: dict[str, Any] = self._call(
            prefix,
            "listing",
            lambda client: client.list_objects_v2(Bucket=self.bucket, Prefix=prefix, **more),
        )
        return answer

    def delete(self, key: str) -> None:
        """Deletes an object; one that is not there is deleted already."""
        try:
            self._call(
                key,
                "deleting",
                lambda client: client.delete_object(Bucket=self.bucket, Key=key),
            )
        except Absent:
            return

    def stale_uploads(self, prefix: str) -> list[tuple[str, str, datetime]]:
        """(key, id, begun) of uploads in parts that nobody finished, the first 1000 of them."""
        answer = self._call(
            prefix,
            "listing uploads",
            lambda client: client.list_multipart_uploads(Bucket=self.bucket, Prefix=prefix),
        )
        return [
            (one["Key"], one["UploadId"], one["Initiated"]) for one in answer.get("Uploads", ())
        ]

    def abort(self, key: str, upload: str) -> None:
        """Gives up an upload in parts, so that its parts are no longer kept and paid for."""
        try:
            self._call(
                key,
                "aborting an upload",
                lambda client: client.abort_multipart_upload(
                    Bucket=self.bucket, Key=key, UploadId=upload
                ),
            )
        except Absent:
            return
