"""Data sets of the Hugging Face Hub, named hf://datasets/OWNER/NAME."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kriptik_trainer.data.issues import Issues

PREFIX = "hf://datasets/"


def _explain(error: Exception, name: str, issues: Issues) -> Exception:
    text = f"{type(error).__name__}: {error}"
    short = text.splitlines()[0][:300]
    if "gated" in text.lower() or "401" in text or "403" in text:
        return issues.fatal(
            "hubForbidden",
            f"{name} is private or gated",
            "Accept its terms on the Hub and give a token in HF_TOKEN.",
        )
    if "DatasetNotFound" in text or "RepositoryNotFound" in text or "404" in text:
        return issues.fatal(
            "hubNotFound", f"{name} is not on the Hub", "Check the name and the revision."
        )
    if "Unknown split" in text or "Bad split" in text:
        return issues.fatal("unknownSplit", short, "Name one of the splits that the data set has.")
    if "Config name is missing" in text:
        return issues.fatal(
            "hubConfig", short, "Export the configuration you want as a Parquet or JSONL file."
        )
    if isinstance(error, OSError | ConnectionError) or "offline" in text.lower():
        return issues.fatal(
            "hubUnreachable",
            f"the Hub could not be reached for {name}: {short}",
            "Check the network, the proxy and HF_ENDPOINT, or give the data as a file.",
        )
    return issues.fatal("hubFailed", short, "Check that the data set loads, or give it as a file.")


def rows(
    uri: str, split: str | None, revision: str | None, issues: Issues
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number, row) of a split, `train` where none is named. Raises DataError."""
    issues.unit = "row"
    name = uri.removeprefix(PREFIX)
    if not uri.startswith(PREFIX) or not 1 <= name.count("/") + 1 <= 2 or not name.strip("/"):
        raise issues.fatal("badHubUri", f"{uri!r} names no data set", f"Write {PREFIX}OWNER/NAME.")
    # Takes seconds, and most data is a file.
    from datasets import Audio, Image, Video, load_dataset  # noqa: PLC0415

    try:
        table = load_dataset(name, split=split or "train", revision=revision)
        for column, feature in table.features.items():
            # Files stay as they are; opening them is the trainer's, which skips what is damaged.
            if isinstance(feature, Audio | Image | Video):
                table = table.cast_column(column, type(feature)(decode=False))
        iterator = enumerate(table, 1)
    except Exception as error:
        raise _explain(error, name, issues) from error
    yield from iterator
