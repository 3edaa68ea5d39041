"""The shapes of a row to chat with, and the one common form of all rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kriptik_trainer.data.issues import Issues

Message = dict[str, str]
ROLES = ("system", "user", "assistant", "tool")
FOREIGN_ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "model": "assistant"}

# Shape -> (required fields, optional fields). The first field that a row has decides.
SHAPES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "messages": (("messages",), ()),
    "prompt/completion": (("prompt", "completion"), ("system",)),
    "instruction/output": (("instruction", "output"), ("input", "system")),
    "question/answer": (("question", "answer"), ("system",)),
    "text": (("text",), ()),
}
ACCEPTED = (
    "messages; prompt and completion; instruction, output and optionally input; "
    "question and answer; or text"
)


@dataclass(frozen=True)
class Example:
    """A row in common form. `line` as in Issue.

    Chats and texts set exactly one of `messages` and `text`. A preference has the prompt as `messages`,
    with `chosen` and `rejected`; a prompt may have the `expected` answer. A row with `media`, the path
    of a picture, clip or sound, has its caption or transcript as `text`.
    """

    line: int
    messages: tuple[Message, ...] | None
    text: str | None
    chosen: str | None = None
    rejected: str | None = None
    expected: str | None = None
    media: Path | None = None
    lyrics: str | None = None


def shape_of(row: Mapping[str, Any]) -> str | None:
    """The shape a chat row has or was meant to have."""
    for shape, (required, _) in SHAPES.items():
        if any(name in row for name in required):
            return shape
    return None


def _named(value: Any) -> str:
    names = {dict: "an object", list: "a list", bool: "a boolean", int: "a number"}
    if value is None:
        return "null"
    return names.get(type(value), "a number" if isinstance(value, float) else "a text")


def text_field(
    row: Mapping[str, Any],
    name: str,
    line: int,
    issues: Issues,
    required: bool = True,
    accepted: str = ACCEPTED,
) -> str | None:
    """A text field; None after an issue or where an optional one is absent."""
    if name not in row:
        if required:
            issues.add(
                "missingField",
                f"the field {name!r} is missing; the row has {', '.join(map(repr, row)) or 'none'}",
                f"Add {name!r} to this row; a row has {accepted}.",
                line,
                name,
            )
        return None
    value = row[name]
    if value is None and not required:
        return None
    if not isinstance(value, str):
        issues.add(
            "wrongType",
            f"{name!r} must be a text, not {_named(value)}",
            "Write it as a text in double quotes.",
            line,
            name,
        )
        return None
    if not value.strip():
        if required:
            issues.add(
                "emptyContent", f"{name!r} is empty", "Fill it in or drop the row.", line, name
            )
        return None
    return value if _is_text(value, name, line, issues) else None


def _is_text(value: str, name: str, line: int, issues: Issues) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        issues.add(
            "invalidText",
            f"{name!r} holds half of a surrogate pair, which is no character",
            "Write the file again with a tool that writes whole characters.",
            line,
            name,
        )
        return False
    return True


def chat_messages(value: Any, line: int, issues: Issues) -> tuple[Message, ...] | None:
    before = issues.count
    if not isinstance(value, list):
        issues.add(
            "wrongType",
            f"'messages' must be a list, not {_named(value)}",
            'Write a list like [{"role": "user", "content": ".."}, ..].',
            line,
            "messages",
        )
        return None
    if not value:
        issues.add(
            "emptyContent", "'messages' is empty", "Fill it in or drop the row.", line, "messages"
        )
        return None
    messages: list[Message] = []
    for index, item in enumerate(value):
        path = f"messages[{index}]"
        if not isinstance(item, Mapping):
            issues.add(
                "wrongType",
                f"{path} must be an object, not {_named(item)}",
                'Write messages as {"role": "user", "content": ".."}.',
                line,
                path,
            )
            continue
        message = _message(item, index, path, line, issues)
        if message is not None:
            messages.append(message)
    if issues.count > before:
        return None
    if not any(message["role"] == "assistant" for message in messages):
        issues.add(
            "noAssistantTurn",
            "no message has the role assistant, so there is nothing to learn",
            "Add the answer as a message of the role assistant, or drop the row.",
            line,
            "messages",
        )
        return None
    return tuple(messages)


def _message(
    item: Mapping[str, Any], index: int, path: str, line: int, issues: Issues
) -> Message | None:
    before = issues.count
    for name in ("role", "content"):
        if name not in item:
            issues.add(
                "missingField",
                f"{path} has no {name!r}",
                'Write messages as {"role": "user", "content": ".."}.',
                line,
                f"{path}.{name}",
            )
        elif not isinstance(item[name], str):
            issues.add(
                "wrongType",
                f"{path}.{name} must be a text, not {_named(item[name])}",
                "Write it as a text in double quotes.",
                line,
                f"{path}.{name}",
            )
    if issues.count > before:
        return None
    role, content = item["role"], item["content"]
    if role not in ROLES:
        meant = FOREIGN_ROLES.get(role.lower())
        issues.add(
            "unknownRole",
            f"the role {role!r} is not known",
            f"Write {meant!r} instead." if meant else f"Use one of {', '.join(ROLES)}.",
            line,
            f"{path}.role",
        )
    elif role == "system" and index > 0:
        issues.add(
            "misplacedSystem",
            "a system message may only be the first one",
            "Move it to the front or make it part of a user message.",
            line,
            f"{path}.role",
        )
    if not content.strip():
        issues.add(
            "emptyContent",
            f"{path}.content is empty",
            "Fill it in or drop the row.",
            line,
            f"{path}.content",
        )
    else:
        _is_text(content, f"{path}.content", line, issues)
    return None if issues.count > before else {"role": role, "content": content}


def to_example(row: Mapping[str, Any], shape: str, line: int, issues: Issues) -> Example | None:
    """Brings a row of `shape` into the common form; None after noting what is wrong with it."""
    if shape == "messages":
        messages = chat_messages(row["messages"], line, issues)
        return None if messages is None else Example(line, messages, None)
    before = issues.count
    required, _ = SHAPES[shape]
    values = [text_field(row, name, line, issues) for name in required]
    extras = {
        name: text_field(row, name, line, issues, required=False) for name in SHAPES[shape][1]
    }
    if issues.count > before or any(value is None for value in values):
        return None
    if shape == "text":
        return Example(line, None, values[0])
    asked, answer = str(values[0]), str(values[1])
    if extras.get("input"):
        asked = f"{asked}\n\n{extras['input']}"
    turns: list[Message] = []
    if extras.get("system"):
        turns.append({"role": "system", "content": str(extras["system"])})
    turns.append({"role": "user", "content": asked})
    turns.append({"role": "assistant", "content": answer})
    return Example(line, tuple(turns), None)
