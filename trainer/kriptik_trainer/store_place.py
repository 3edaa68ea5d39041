"""The `store` object of the spec: where a job's work is kept and how it is reached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kriptik_trainer.fields import Fields

KEEP_LAST = 3


@dataclass(frozen=True)
class S3Place:
    """How an S3 service is reached. Without a folder of keys those of the environment count."""

    endpoint: str | None = None
    region: str = "us-east-1"
    path_style: bool = False
    credentials: Path | None = None


@dataclass(frozen=True)
class StorePlace:
    """A store's URI with what is needed to open it.

    `mount` is the folder where the claim of a pvc:// URI is mounted, `scratch` a local folder in which
    checkpoints are staged on their way to and from S3.
    """

    uri: str
    s3: S3Place = S3Place()
    mount: Path | None = None
    keep_last: int = KEEP_LAST
    scratch: Path | None = None


def _folder(fields: Fields, name: str) -> Path | None:
    value = fields.text(name, None)
    if value is None:
        return None
    path = Path(value)
    if not path.is_absolute():
        raise fields.refuse(name, f"is {value!r}, which is not absolute", "Write the full path.")
    return path


def _s3(fields: Fields | None) -> S3Place:
    if fields is None:
        return S3Place()
    endpoint = fields.text("endpoint", None, r"https?://[^/@?#]+(/[^@?#]*)?")
    return S3Place(
        endpoint=endpoint,
        region=fields.text("region", "us-east-1"),
        path_style=fields.flag("pathStyle", endpoint is not None),
        credentials=_folder(fields, "credentialsDir"),
    )


def parse_store(fields: Fields) -> StorePlace:
    """Validates the object. Raises TrainerError `invalidSpec`."""
    uri = fields.text("uri")
    mount = _folder(fields, "mount")
    if uri.startswith("pvc://") and mount is None:
        raise fields.refuse(
            "mount", "is missing", "Name the folder where the claim of the pvc:// URI is mounted."
        )
    return StorePlace(
        uri=uri,
        s3=_s3(fields.optional_child("s3")),
        mount=mount,
        keep_last=fields.integer("keepLast", 1, 1000, default=KEEP_LAST),
        scratch=_folder(fields, "scratch"),
    )
