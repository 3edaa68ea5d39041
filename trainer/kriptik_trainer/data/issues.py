"""What is wrong with a data file, with place and remedy; collected, so that one look shows them all."""

from __future__ import annotations

from dataclasses import dataclass, field

from kriptik_trainer.errors import TrainerError

MAX_ISSUES = 20
"""Per file; the rest is only counted."""


@dataclass(frozen=True)
class Issue:
    """One fault. `line` is 1-based: the line of a text file, the row of a table."""

    code: str
    message: str
    remedy: str
    file: str
    line: int | None = None
    field: str | None = None
    unit: str = "line"

    @property
    def where(self) -> str:
        """File, line and field as a person reads them."""
        line = "" if self.line is None else f" {self.unit} {self.line}"
        return f"{self.file}{line}" + ("" if self.field is None else f", field {self.field}")

    def to_json(self) -> dict[str, str | int | None]:
        """For `check` and the protocol's `error`, with file, line and field apart."""
        return {
            "code": self.code,
            "message": self.message,
            "where": self.where,
            "remedy": self.remedy,
            "file": self.file,
            "line": self.line,
            "field": self.field,
        }

    def to_error(self, more: int = 0) -> TrainerError:
        """The issue as the error that ends a run."""
        also = f" ({more} more)" if more else ""
        return TrainerError(self.code, f"{self.message}{also}", self.where, self.remedy)


class DataError(Exception):
    """A file that cannot be read any further."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(issue.message)
        self.issue = issue


@dataclass
class Issues:
    """Collects issues of one file."""

    file: str
    unit: str = "line"
    found: list[Issue] = field(default_factory=list)
    count: int = 0

    def add(
        self, code: str, message: str, remedy: str, line: int | None = None, name: str | None = None
    ) -> None:
        """Notes an issue at a line and field."""
        self.count += 1
        if len(self.found) < MAX_ISSUES:
            self.found.append(Issue(code, message, remedy, self.file, line, name, self.unit))

    def fatal(
        self, code: str, message: str, remedy: str, line: int | None = None, name: str | None = None
    ) -> DataError:
        """An issue after which reading cannot go on."""
        return DataError(Issue(code, message, remedy, self.file, line, name, self.unit))
