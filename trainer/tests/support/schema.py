"""The published schema of the protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

PROTOCOL = Path(__file__).resolve().parents[2] / "protocol"
SCHEMA = json.loads((PROTOCOL / "v1.schema.json").read_text())


def check(name: str, value: Any) -> None:
    """Fails where a message is not as the schema says."""
    schema = {**SCHEMA, "$ref": f"#/$defs/{name}"}
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    problems = [f"{e.json_path}: {e.message}" for e in validator.iter_errors(value)]
    assert not problems, problems
