"""How far answers agree with the expected ones."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_POINTS = str.maketrans(string.punctuation, " " * len(string.punctuation))


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and extra blanks, as Rajpurkar et al., SQuAD (2016)."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_POINTS)).split())


def overlap(answer: str, expected: str) -> float:
    """F1 of the words of two normalised texts, 0 to 1."""
    mine, theirs = normalised(answer).split(), normalised(expected).split()
    if not mine or not theirs:
        return float(mine == theirs)
    shared = sum((Counter(mine) & Counter(theirs)).values())
    return 2 * shared / (len(mine) + len(theirs))


def agreement(pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Figures of (answer, expected) pairs, all 0 to 1: `exactMatch` but for blanks at the ends,
    `answerAccuracy` of normalised texts, and `answerF1`, the mean overlap, which also tells something of
    captions."""
    if not pairs:
        return {}
    count = len(pairs)
    return {
        "exactMatch": sum(a.strip() == b.strip() for a, b in pairs) / count,
        "answerAccuracy": sum(normalised(a) == normalised(b) for a, b in pairs) / count,
        "answerF1": sum(overlap(a, b) for a, b in pairs) / count,
    }
