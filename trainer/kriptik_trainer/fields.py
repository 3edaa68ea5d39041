"""Reads typed fields out of decoded JSON; every refusal names the field's path."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.timestamps import from_rfc3339

_REQUIRED: Any = object()


def _named(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean"}
    if value is None:
        return "null"
    return names.get(type(value), "a number")


class Fields:
    """An object of the spec with its path, like `hyperparameters`.

    Unknown fields are left alone: a later minor version of the protocol may add some.
    """

    def __init__(self, value: Any, path: str = "") -> None:
        self.path = path
        if not isinstance(value, dict):
            raise self.refuse("", f"must be an object, not {_named(value)}")
        self._value: dict[str, Any] = value

    def refuse(self, name: str, problem: str, remedy: str | None = None) -> TrainerError:
        """The error for field `name`."""
        where = ".".join(part for part in (self.path, name) if part) or "spec"
        return TrainerError(
            "invalidSpec", f"{where} {problem}", where, remedy or "Correct this field of the spec."
        )

    def _get(self, name: str, kinds: tuple[type, ...], what: str, default: Any) -> Any:
        value = self._value.get(name)
        if value is None:
            if default is _REQUIRED:
                raise self.refuse(name, "is missing")
            return default
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise self.refuse(name, f"must be {what}, not {_named(value)}")
        return value

    def child(self, name: str) -> Fields:
        """A required object."""
        return Fields(self._get(name, (dict,), "an object", _REQUIRED), self._join(name))

    def optional_child(self, name: str) -> Fields | None:
        """An object that may be absent or null."""
        value = self._get(name, (dict,), "an object", None)
        return None if value is None else Fields(value, self._join(name))

    def _join(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def children(self, name: str, at_least: int = 1) -> Iterator[Fields]:
        """The objects of a list, which may be absent where none is needed."""
        values = self._get(name, (list,), "a list", _REQUIRED if at_least else [])
        if len(values) < at_least:
            raise self.refuse(name, f"must have at least {at_least} entry")
        for index, value in enumerate(values):
            yield Fields(value, f"{self._join(name)}[{index}]")

    def text(self, name: str, default: Any = _REQUIRED, pattern: str | None = None) -> Any:
        """A non-empty text, or the default where it is absent, null or empty."""
        value = self._get(name, (str,), "a text", default)
        if isinstance(value, str):
            if not value and default is not _REQUIRED:
                return default
            if not value:
                raise self.refuse(name, "must not be empty")
            if pattern is not None and re.fullmatch(pattern, value) is None:
                raise self.refuse(name, f"is {value!r}, which does not match {pattern}")
        return value

    def choice(self, name: str, allowed: Sequence[str], default: Any = _REQUIRED) -> str:
        """One of a few words."""
        value = self._get(name, (str,), "a text", default)
        if value not in allowed:
            raise self.refuse(name, f"is {value!r}; allowed: {', '.join(allowed)}")
        return str(value)

    def choices(self, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
        """A list of different words out of a few; it may be empty."""
        values = self._get(name, (list,), "a list", _REQUIRED)
        for index, value in enumerate(values):
            if value not in allowed:
                raise self.refuse(
                    f"{name}[{index}]", f"is {value!r}; allowed: {', '.join(allowed)}"
                )
        return tuple(dict.fromkeys(values))

    def texts(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A non-empty list of texts."""
        values = self._get(name, (list,), "a list", None)
        if values is None:
            return default
        for index, value in enumerate(values):
            if not isinstance(value, str) or not value:
                raise self.refuse(f"{name}[{index}]", "must be a text that is not empty")
        if not values:
            raise self.refuse(name, "must not be empty")
        return tuple(values)

    def integer(
        self, name: str, low: int, high: int = 1 << 53, default: Any = _REQUIRED
    ) -> int | Any:
        """An integer within bounds, both included."""
        value = self._get(name, (int,), "an integer", default)
        if isinstance(value, int) and not low <= value <= high:
            raise self.refuse(name, f"is {value}; it must be from {low} to {high}")
        return value

    def decimal(self, name: str, low: str, high: str, default: str) -> float:
        """A decimal, as text or number, within bounds; the protocol writes them as text."""
        value = self._get(name, (str, int, float), "a decimal", default)
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            raise self.refuse(name, f"is {value!r}, which is not a decimal") from None
        if not number.is_finite() or not Decimal(low) <= number <= Decimal(high):
            raise self.refuse(name, f"is {value}; it must be from {low} to {high}")
        return float(number)

    def number(self, name: str) -> float | None:
        """A number of at least zero, or None."""
        value = self._get(name, (int, float), "a number", None)
        if value is None:
            return None
        if not math.isfinite(value) or value < 0:
            raise self.refuse(name, f"is {value}; it must not be below zero")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """A boolean."""
        return bool(self._get(name, (bool,), "a boolean", default))

    def time(self, name: str) -> float | None:
        """An RFC 3339 time as seconds since the epoch, or None."""
        value = self._get(name, (str,), "a time", None)
        if value is None:
            return None
        try:
            return from_rfc3339(value)
        except ValueError as error:
            raise self.refuse(name, f"is not a time: {error}") from None
