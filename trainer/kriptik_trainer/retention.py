"""Which checkpoints may go. Pure; the same rules for every kind of store."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """A figure on held-out rows, turned so that more is better.

    `of` names what it was measured of, stage and metric: figures of two stages, or two metrics, do not
    compare.
    """

    value: float
    of: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Candidate:
    """A checkpoint as retention sees it.

    `good` says that every byte of it was compared with its manifest and that nothing changed since.
    """

    key: str
    step: int
    created_at: str
    good: bool
    score: Score | None = None


def score_of(evaluation: Any) -> Score | None:
    """The figure of a manifest's `evaluation` object, negated where lower is better; None without one."""
    if not isinstance(evaluation, dict):
        return None
    value = evaluation.get("value")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    more = float(value) if evaluation.get("better") == "higher" else -float(value)
    return Score(more, (str(evaluation.get("stage", "")), str(evaluation.get("metric", ""))))


def doomed(
    candidates: Iterable[Candidate], keep: int, protected: Collection[str] = ()
) -> list[str]:
    """Keys to delete, oldest first: what is older than the newest `keep` good ones, less the best of each
    stage.

    Only good ones count, so as long as there are fewer than `keep` of them nothing is deleted at all,
    and what nobody has looked at is never taken for a replacement of something that is whole.
    """
    newest = sorted(candidates, key=lambda one: (one.step, one.created_at, one.key), reverse=True)
    good = [one for one in newest if one.good]
    if len(good) < max(keep, 1):
        return []
    kept = {one.key for one in good[: max(keep, 1)]} | set(protected)
    for group in (newest, good):
        best: dict[tuple[str, str], tuple[float, str]] = {}
        for one in group:
            # Of equals the newest, which comes first.
            if one.score is not None and (
                one.score.of not in best or one.score.value > best[one.score.of][0]
            ):
                best[one.score.of] = (one.score.value, one.key)
        kept |= {key for _, key in best.values()}
    oldest_kept = newest.index(good[max(keep, 1) - 1])
    return [one.key for one in reversed(newest[oldest_kept + 1 :]) if one.key not in kept]
