"""Failures as data: what is wrong, where, what to do, and the exit code that tells the supervisor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


class ExitCode:
    """Exit codes of `run`, fixed by the control protocol."""

    SUCCEEDED: Final = 0
    FROZEN: Final = 10
    STOPPED: Final = 11
    INPUT: Final = 20
    OUT_OF_MEMORY: Final = 21
    DISK_FULL: Final = 22
    STORE: Final = 23
    INTERNAL: Final = 30
    LOST: Final = 31


@dataclass
class TrainerError(Exception):
    """A failure that a person can act on.

    `code` is a stable camelCase word for programs, `where` a file with line or a field path, `remedy`
    one sentence in the imperative.
    """

    code: str
    message: str
    where: str | None = None
    remedy: str | None = None
    exit_code: int = ExitCode.INPUT
    details: dict[str, Any] | None = None
    """Figures for programs, where the code has some."""

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        cure = f" Remedy: {self.remedy}" if self.remedy else ""
        return f"{self.message}{place}.{cure}"

    def to_json(self) -> dict[str, Any]:
        """The protocol's `error` object."""
        return {
            "code": self.code,
            "message": self.message,
            "where": self.where,
            "remedy": self.remedy,
            **({} if self.details is None else {"details": self.details}),
        }
