"""Validates data files without training; works without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kriptik_trainer.data.kinds import CHAT, Kind
from kriptik_trainer.data.load import Loaded, guess_format, load
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.models.resolve import resolve
from kriptik_trainer.spec import DataFile

CHARACTERS_PER_TOKEN = 4.0
"""English text in a vocabulary of 50 to 150 thousand tokens; used where no tokenizer is at hand."""

TEMPLATE_TOKENS = 5
"""What a chat template adds to a message, roughly."""


def _data_file(name: str, format: str | None, split: str | None) -> DataFile:
    if name.startswith("hf://"):
        return DataFile(name, "hub", split, None, None)
    uri = name if name.startswith("file://") else Path(name).absolute().as_uri()
    return DataFile(uri, format or guess_format(uri), split, None, None)


def _texts(example: Example) -> list[str]:
    said = [message["content"] for message in example.messages or ()]
    others = (example.text, example.chosen, example.rejected, example.expected, example.lyrics)
    return said + [text for text in others if text is not None]


def _counter(model: str | None) -> tuple[Any, bool]:
    """(text -> tokens, whether that is an estimate)."""
    if model is None:
        return (lambda text: max(1, round(len(text) / CHARACTERS_PER_TOKEN))), True
    folder = resolve(model, None, lambda _: None) if "://" in model else Path(model)
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise TrainerError(
            "tokenizerUnusable",
            "the model has no tokenizer.json",
            str(folder),
            "Leave --model out to have the tokens estimated.",
        )
    from tokenizers import Tokenizer  # noqa: PLC0415 - only with a model

    tokenizer = Tokenizer.from_file(str(path))
    return (lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)), False


def token_figures(lengths: list[int], max_length: int, estimated: bool) -> dict[str, Any]:
    """Tokens of the rows: sum, mean, 95th percentile, maximum, rows above `max_length`."""
    ordered = sorted(lengths)
    return {
        "estimated": estimated,
        "total": sum(ordered),
        "mean": round(sum(ordered) / len(ordered), 1) if ordered else 0,
        "p95": ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] if ordered else 0,
        "max": ordered[-1] if ordered else 0,
        "maxLength": max_length,
        "longer": sum(length > max_length for length in ordered),
    }


def _file_report(one: Loaded) -> dict[str, Any]:
    return {
        "uri": one.uri,
        "format": one.format,
        "shape": one.shape,
        "rows": len(one.examples),
        "sizeBytes": one.size_bytes or 0,
        "sha256": one.sha256,
        "errorCount": one.issue_count,
        "errors": [issue.to_json() for issue in one.issues],
        "warnings": list(one.warnings),
    }


def check(
    names: list[str],
    format: str | None,
    split: str | None,
    model: str | None,
    max_length: int,
    kind: Kind = CHAT,
) -> dict[str, Any]:
    """Reads all files and reports rows, tokens, errors and warnings; `ok` if they can be trained on."""
    loaded = [load(_data_file(name, format, split), kind) for name in names]
    count, estimated = _counter(model)
    lengths = [
        sum(count(text) + TEMPLATE_TOKENS for text in _texts(example))
        for one in loaded
        for example in one.examples
    ]
    tokens = token_figures(lengths, max_length, estimated)
    warnings = []
    if tokens["longer"]:
        warnings.append(
            f"{tokens['longer']} of {len(lengths)} rows are longer than {max_length} tokens "
            "and would be cut"
        )
    return {
        "ok": all(one.issue_count == 0 for one in loaded),
        "rows": len(lengths),
        "tokens": tokens,
        "files": [_file_report(one) for one in loaded],
        "warnings": warnings,
    }
