"""Parquet files, read in batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kriptik_trainer.data.issues import Issues
from kriptik_trainer.data.kinds import Kind

BATCH = 1024
MEDIA_BATCH = 16
"""Rows that may hold whole pictures, clips or sounds."""
MAGIC = b"PAR1"


def rows(path: Path, issues: Issues, kind: Kind) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number, row) of every row, columns that no shape knows left out. Raises DataError."""
    issues.unit = "row"
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise issues.fatal(
                "notParquet",
                "the file does not begin as Parquet does",
                "Give the format the file really has: jsonl or csv.",
            )
    from pyarrow import ArrowException  # noqa: PLC0415 - takes 0.3 s, and most files are text
    from pyarrow.parquet import ParquetFile  # noqa: PLC0415

    try:
        with ParquetFile(path) as table:
            shapes = kind.shapes.values()
            known = {name for required, optional in shapes for name in required + optional}
            names = table.schema_arrow.names
            columns = [name for name in names if name in known]
            if not columns:
                raise issues.fatal(
                    "unknownShape",
                    f"the columns are {', '.join(names) or 'none'}",
                    f"Name the columns {kind.accepted}.",
                )
            number = 0
            size = BATCH if kind.media is None else MEDIA_BATCH
            for batch in table.iter_batches(size, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (ArrowException, OSError) as error:
        raise issues.fatal(
            "notParquet",
            f"the file is damaged: {str(error).splitlines()[0]}",
            "Write or download it again; it may have been cut off.",
        ) from error
