"""Examples to token ids and labels: only what the assistant says is learned."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from kriptik_trainer.data.shapes import Example, Message
from kriptik_trainer.determinism import derived_seed
from kriptik_trainer.errors import TrainerError

IGNORED = -100
"""Label of a token that does not count in the loss."""

PLAIN_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '### ' + message['role'] + '\\n' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '### assistant\\n' }}{% endif %}"
)
"""For base models that come without a chat template; it is saved with the result."""


class Tokenizer(Protocol):
    """What is needed of a transformers tokenizer."""

    eos_token: str | None
    eos_token_id: int | None
    chat_template: str | None

    def __call__(self, text: str, **options: Any) -> Any: ...

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...

    def get_vocab(self) -> dict[str, int]: ...


@dataclass(frozen=True)
class Encoded:
    """Token ids with their labels; `full_length` is before truncation."""

    input_ids: list[int]
    labels: list[int]
    full_length: int

    @property
    def learnable(self) -> int:
        """How many tokens count in the loss."""
        return sum(label != IGNORED for label in self.labels)


def assistant_spans(
    messages: Sequence[Message], render: Callable[[Sequence[Message], bool], str]
) -> tuple[str, list[tuple[int, int]]]:
    """The rendered conversation and the character ranges that the assistant has to produce.

    `render(messages, add_generation_prompt)` applies the chat template. A turn's range is what the
    rendering gains over the conversation before it with the generation prompt; so it works for every
    template that only appends, marked up or not. Raises ValueError for one that does not.
    """
    whole = render(messages, False)
    spans = []
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before, through = render(messages[:index], True), render(messages[: index + 1], False)
        if not whole.startswith(through) or not through.startswith(before):
            raise ValueError("the chat template rewrites earlier turns")
        end = len(through)
        while end > len(before) and through[end - 1] in "\r\n":
            end -= 1
        spans.append((len(before), end))
    return whole, spans


def _encode_chat(tokenizer: Tokenizer, messages: Sequence[Message]) -> tuple[list[int], list[int]]:
    def render(part: Sequence[Message], prompt: bool) -> str:
        text: str = tokenizer.apply_chat_template(
            list(part), tokenize=False, add_generation_prompt=prompt
        )
        return text

    try:
        text, spans = assistant_spans(messages, render)
    except ValueError:
        # A template may strip the reasoning of earlier turns; then the last turn alone is learned.
        text = render(messages, False)
        start = len(render(messages[:-1], True))
        spans = [(start, len(text))] if messages[-1]["role"] == "assistant" else []
    batch = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids = list(batch["input_ids"])
    labels = [IGNORED] * len(ids)
    for position, (begin, end) in enumerate(batch["offset_mapping"]):
        if end > begin and any(low <= begin and end <= high for low, high in spans):
            labels[position] = ids[position]
    return ids, labels


def encode(tokenizer: Tokenizer, example: Example, max_length: int) -> Encoded:
    """Tokens of one example, cut at `max_length`. Raises what the chat template raises."""
    if example.messages is not None:
        ids, labels = _encode_chat(tokenizer, example.messages)
    else:
        ids = list(tokenizer(example.text or "")["input_ids"])
        if tokenizer.eos_token_id is not None and (not ids or ids[-1] != tokenizer.eos_token_id):
            ids.append(tokenizer.eos_token_id)
        labels = list(ids)
        labels[0] = labels[0] if len(ids) > 1 else IGNORED
    return Encoded(ids[:max_length], labels[:max_length], len(ids))


@dataclass(frozen=True)
class Corpus:
    """All rows to train on, with what was cut and left out."""

    rows: tuple[Encoded, ...]
    truncated: int
    dropped: int

    @property
    def tokens(self) -> int:
        """Tokens of one pass over the rows."""
        return sum(len(row.input_ids) for row in self.rows)

    def warnings(self, max_length: int) -> list[str]:
        """What a person should know about rows that did not fit."""
        found = []
        total = len(self.rows) + self.dropped
        if self.truncated:
            found.append(
                f"{self.truncated} of {total} rows are longer than maxLength {max_length}"
                " and were cut"
            )
        if self.dropped:
            found.append(
                f"{self.dropped} of {total} rows were left out: nothing of the answer is"
                f" within maxLength {max_length}"
            )
        return found


def encode_row(tokenizer: Tokenizer, file: str, example: Example, max_length: int) -> Encoded:
    """Tokens of a row of a file, cut at `max_length`. Raises TrainerError `templateRefused`."""
    try:
        return encode(tokenizer, example, max_length)
    except Exception as error:
        raise TrainerError(
            "templateRefused",
            f"the model's chat template does not take this row: {error}",
            f"{file} line {example.line}",
            "Bring the roles into the order that the model expects: system, user, assistant.",
        ) from error


def nothing_fits(max_length: int) -> TrainerError:
    """The error of rows of which not one can be learned from."""
    return TrainerError(
        "allRowsTooLong",
        f"no row has any of its answer within maxLength {max_length}",
        "hyperparameters.maxLength",
        "Raise maxLength, or shorten the questions.",
    )


def encode_all(
    tokenizer: Tokenizer, examples: Iterable[tuple[str, Example]], max_length: int
) -> Corpus:
    """Tokens of all (file, example). Raises TrainerError where a template refuses or nothing fits."""
    rows: list[Encoded] = []
    truncated = dropped = 0
    for file, example in examples:
        row = encode_row(tokenizer, file, example, max_length)
        truncated += row.full_length > max_length
        if row.learnable == 0:
            dropped += 1
        else:
            rows.append(row)
    if not rows:
        raise nothing_fits(max_length)
    return Corpus(tuple(rows), truncated, dropped)


MIDDLE_MARKS = (
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ("<PRE>", "<SUF>", "<MID>"),
)
"""Marks of the models of code that know how to fill a gap."""


def middle_marks(tokenizer: Tokenizer) -> tuple[str, str, str] | None:
    """The (prefix, suffix, middle) marks that are single tokens of this tokenizer."""
    known: Any = tokenizer.get_vocab()
    return next((marks for marks in MIDDLE_MARKS if all(mark in known for mark in marks)), None)


def fill_in_middle(
    tokenizer: Tokenizer, examples: Sequence[tuple[str, Example]], share: float, seed: int
) -> list[tuple[str, Example]]:
    """A share of the texts cut in three and put in the order prefix, suffix, middle.

    Cut at lines where there are enough of them. Which texts and where depends on the seed and the row
    alone. Chats are left as they are. Raises TrainerError where the model knows no marks.
    """
    marks = middle_marks(tokenizer)
    if marks is None:
        raise TrainerError(
            "noMiddleMarks",
            "the model's tokenizer has no marks for filling in the middle",
            "method.options.fillInMiddle",
            "Leave it out, or take a model of code that was trained with such marks.",
        )
    changed = []
    for index, (file, example) in enumerate(examples):
        draw = random.Random(derived_seed(seed, "middle", index))
        if example.text is not None and draw.random() < share:
            lines = example.text.splitlines(keepends=True)
            parts = lines if len(lines) > 2 else list(example.text)
            first, second = sorted(draw.sample(range(len(parts) + 1), 2))
            prefix, middle, suffix = (
                "".join(parts[:first]),
                "".join(parts[first:second]),
                "".join(parts[second:]),
            )
            text = f"{marks[0]}{prefix}{marks[1]}{suffix}{marks[2]}{middle}"
            example = replace(example, text=text)
        changed.append((file, example))
    return changed
