"""What an S3 client says, as errors that a person can act on."""

from __future__ import annotations

from typing import Any

from kriptik_trainer.errors import ExitCode, TrainerError

_CREDENTIALS = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "TokenRefreshRequired",
    "InvalidSecurity",
    "AuthorizationHeaderMalformed",
    "RequestTimeTooSkewed",
}
_MISSING = {"NoSuchBucket", "PermanentRedirect", "InvalidBucketName", "301"}
_FULL = {
    "XMinioStorageFull",
    "XMinioAdminBucketQuotaExceeded",
    "QuotaExceeded",
    "InsufficientStorage",
    "EntityTooLargeForBucket",
    "507",
}
ABSENT = {"NoSuchKey", "404", "NotFound"}


class Absent(Exception):  # noqa: N818 - an answer, not a fault
    """There is no such object."""


def failures() -> tuple[type[Exception], ...]:
    """What the client library raises where a service or the way to it fails; all else is a bug."""
    from boto3.exceptions import Boto3Error  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    return (ClientError, BotoCoreError, Boto3Error, HTTPError, ConnectionError, TimeoutError)


def _code(error: BaseException) -> tuple[str, int]:
    answer: Any = getattr(error, "response", None)
    if not isinstance(answer, dict):
        # A managed upload tells what the service said only as the context of its own error.
        inner = error.__cause__ or error.__context__
        return ("", 0) if inner is None else _code(inner)
    code = str(answer.get("Error", {}).get("Code", ""))
    return code, int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def translate(error: BaseException, where: str, what: str) -> Exception:
    """The error to raise for one of the client library; `what` was being done to `where`."""
    from botocore import exceptions as boto  # noqa: PLC0415

    code, status = _code(error)
    if code in ABSENT or (status == 404 and code not in _MISSING):
        return Absent(where)
    told = f"{what}: {code or type(error).__name__}"
    if code in _MISSING:
        return TrainerError(
            "storeMissing",
            f"{told}: there is no such bucket in this region",
            where,
            "Create the bucket, or correct the URI, region or endpoint of the store.",
        )
    no_keys = (boto.NoCredentialsError, boto.PartialCredentialsError, boto.TokenRetrievalError)
    if code in _CREDENTIALS or isinstance(error, no_keys):
        return TrainerError(
            "storeCredentials",
            f"{told}: the store does not take these keys",
            where,
            "Correct the Secret that the store's credentialsRef names (and the clock of the machine).",
        )
    if status in (401, 403) or code in ("AccessDenied", "AllAccessDisabled"):
        return TrainerError(
            "storeForbidden",
            f"{told}: these keys may not do this",
            where,
            "Grant s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and "
            "s3:AbortMultipartUpload below the store's prefix.",
        )
    if code in _FULL or status == 507:
        return TrainerError(
            "diskFull",
            f"{told}: the store has no room left; the last verified checkpoint is untouched",
            where,
            "Free some space or raise the quota of the bucket, then resume from the last checkpoint.",
            ExitCode.DISK_FULL,
        )
    return unreachable(f"{told}: {_first_line(error)}", where)


def unreachable(message: str, where: str) -> TrainerError:
    """The error for a store that may answer later."""
    return TrainerError(
        "storeUnreachable",
        message,
        where,
        "Check that the store's endpoint answers from this machine; the run may simply be repeated.",
        ExitCode.STORE,
    )


def _first_line(error: BaseException) -> str:
    text = str(error)
    return text.splitlines()[0][:300] if text else "no details"
