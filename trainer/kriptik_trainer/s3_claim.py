"""Who may write to a job's folder in S3: the newest attempt, and of that the newest process."""

from __future__ import annotations

import json
import re
import secrets

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.s3_client import S3Client
from kriptik_trainer.s3_errors import Absent

_NUMBER = re.compile(r"-(\d{1,9})$")


def number_of(attempt: str) -> int:
    """The number at the end of an attempt's name; 0 where it has none."""
    match = _NUMBER.search(attempt)
    return int(match[1]) if match else 0


class Claim:
    """A fence and no lock: S3 has none, and one that a dead trainer holds would keep out the next.

    Each attempt puts its claim before it writes. A writer that finds one of a later attempt, or its own
    replaced by a second process of the same attempt, stops writing for good. Between the look and the
    write there is a moment in which it can be overtaken; that moment is harmless, since every save goes
    to a folder of its own and a published one is never written to.
    """

    def __init__(self, client: S3Client, prefix: str, attempt: str) -> None:
        self._client = client
        self._attempts = f"{prefix}attempts/"
        self._attempt = attempt
        self._key = f"{self._attempts}{attempt}/claim.json"
        self._token = secrets.token_hex(8)
        self._taken = False

    def take(self, at: str) -> None:
        """Fences earlier attempts. Raises TrainerError `storeBusy` where a later one has been here."""
        self._refuse_later()
        value = {"attempt": self._attempt, "token": self._token, "at": at}
        self._client.put(self._key, json.dumps(value).encode())
        self._taken = True

    def check(self) -> None:
        """Raises TrainerError `storeBusy` once another one writes here."""
        if not self._taken:
            raise self._busy("this process never claimed the store")
        try:
            held = json.loads(self._client.get(self._key))
        except (Absent, ValueError):
            held = None
        if not isinstance(held, dict) or held.get("token") != self._token:
            raise self._busy("a second process of this attempt has taken over the store")
        self._refuse_later()

    def _refuse_later(self) -> None:
        own = number_of(self._attempt)
        for entry in self._client.entries(self._attempts):
            name = entry.key.removeprefix(self._attempts).split("/")[0]
            if entry.key.endswith("/claim.json") and number_of(name) > own:
                raise self._busy(f"the later attempt {name} has taken over the store")

    def _busy(self, problem: str) -> TrainerError:
        return TrainerError(
            "storeBusy",
            problem,
            f"s3://{self._client.bucket}/{self._key}",
            "End this trainer; two must never write to a store at a time.",
        )
