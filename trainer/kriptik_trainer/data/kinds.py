"""Kinds of data sets: what a row may look like for a kind of training, and how it is brought into form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kriptik_trainer.data import shapes
from kriptik_trainer.data.embedded import is_embedded, path_of_embedded
from kriptik_trainer.data.issues import Issues
from kriptik_trainer.data.media import CLIP_SUFFIXES
from kriptik_trainer.data.shapes import Example, Message, text_field

Shapes = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
Convert = Callable[[Mapping[str, Any], str, int, Issues, Path | None], Example | None]


@dataclass(frozen=True)
class Kind:
    """`shapes` is shape -> (required, optional fields); `suffixes` are those of files in a folder."""

    name: str
    shapes: Shapes
    accepted: str
    to_example: Convert
    media: str | None = None
    suffixes: tuple[str, ...] = ()
    caption_optional: bool = False
    min_rows: int = 4
    learns_by_heart: bool = True

    def shape_of(self, row: Mapping[str, Any]) -> str | None:
        """The shape a row has or was meant to have."""
        if self.name == "chat":
            return shapes.shape_of(row)
        there = {name: len(set(row) & set(need)) for name, (need, _) in self.shapes.items()}
        whole = [name for name, (need, _) in self.shapes.items() if there[name] == len(need)]
        meant = max(there, key=lambda name: there[name])
        return whole[0] if whole else meant if there[meant] else None


def _chat(
    row: Mapping[str, Any], shape: str, line: int, issues: Issues, _: Path | None
) -> Example | None:
    return shapes.to_example(row, shape, line, issues)


def _asked(prompt: str, system: str | None) -> tuple[Message, ...]:
    turns: list[Message] = [] if not system else [{"role": "system", "content": system}]
    return (*turns, {"role": "user", "content": prompt})


def _fields(
    row: Mapping[str, Any], kind: Shapes, shape: str, line: int, issues: Issues, accepted: str
) -> dict[str, str | None] | None:
    """All text fields of a row; None after noting what is wrong."""
    before = issues.count
    required, optional = kind[shape]
    values = {
        name: text_field(row, name, line, issues, name in required, accepted)
        for name in required + optional
    }
    return None if issues.count > before else values


PREFERENCE_SHAPES: Shapes = {
    "preference": (("prompt", "chosen", "rejected"), ("system",)),
    "conversations": (("chosen", "rejected"), ()),
}
PREFERENCE_ACCEPTED = "prompt, chosen and rejected; or chosen and rejected as two conversations"


def _preference(
    row: Mapping[str, Any], shape: str, line: int, issues: Issues, _: Path | None
) -> Example | None:
    if isinstance(row.get("chosen"), list):
        return _preferred_conversations(row, line, issues)
    got = _fields(row, PREFERENCE_SHAPES, "preference", line, issues, PREFERENCE_ACCEPTED)
    if got is None:
        return None
    if got["chosen"] == got["rejected"]:
        _note_equal(line, issues)
        return None
    asked = _asked(str(got["prompt"]), got["system"])
    return Example(line, asked, None, chosen=got["chosen"], rejected=got["rejected"])


JUDGED_SHAPES: Shapes = {
    "judged": (("prompt", "completion", "label"), ("system",)),
    **PREFERENCE_SHAPES,
}
JUDGED_ACCEPTED = f"prompt, completion and label (true or false); or {PREFERENCE_ACCEPTED}"
VERDICTS = {"true": True, "1": True, "false": False, "0": False}


def _judged(
    row: Mapping[str, Any], shape: str, line: int, issues: Issues, base: Path | None
) -> Example | None:
    """A good answer is kept as `chosen`, a bad one as `rejected`."""
    if shape != "judged":
        return _preference(row, shape, line, issues, base)
    table: Shapes = {shape: (("prompt", "completion"), ("system",))}
    got = _fields(row, table, shape, line, issues, JUDGED_ACCEPTED)
    label = row.get("label")
    # A table of texts has no other way to say it.
    good = label if isinstance(label, bool) else VERDICTS.get(str(label).strip().lower())
    if good is None:
        issues.add(
            "wrongType",
            f"'label' must be true or false, not {str(label)[:40]!r}",
            "Write true for an answer that is wanted, false for one that is not.",
            line,
            "label",
        )
    if got is None or good is None:
        return None
    asked = _asked(str(got["prompt"]), got["system"])
    answer = got["completion"]
    if good:
        return Example(line, asked, None, chosen=answer)
    return Example(line, asked, None, rejected=answer)


def _note_equal(line: int, issues: Issues) -> None:
    issues.add(
        "nothingToPrefer",
        "chosen and rejected are the same",
        "Drop the row, or give a worse answer as rejected.",
        line,
        "rejected",
    )


def _preferred_conversations(row: Mapping[str, Any], line: int, issues: Issues) -> Example | None:
    chosen = shapes.chat_messages(row.get("chosen"), line, issues)
    rejected = shapes.chat_messages(row.get("rejected"), line, issues)
    if chosen is None or rejected is None:
        return None
    if chosen[:-1] != rejected[:-1] or chosen[-1]["role"] != "assistant":
        issues.add(
            "differentPrompts",
            "chosen and rejected must be equal but for the last message, the answer",
            "Give both the same conversation before the answer.",
            line,
            "rejected",
        )
        return None
    if chosen[-1]["content"] == rejected[-1]["content"]:
        _note_equal(line, issues)
        return None
    return Example(
        line,
        chosen[:-1],
        None,
        chosen=chosen[-1]["content"],
        rejected=rejected[-1]["content"],
    )


PROMPT_SHAPES: Shapes = {
    "prompt/expected": (("prompt", "expected"), ("system",)),
    "question/answer": (("question", "answer"), ("system",)),
}
PROMPT_ACCEPTED = "prompt and expected; or question and answer"


def _prompt(
    row: Mapping[str, Any], shape: str, line: int, issues: Issues, _: Path | None
) -> Example | None:
    got = _fields(row, PROMPT_SHAPES, shape, line, issues, PROMPT_ACCEPTED)
    if got is None:
        return None
    (asked, expected), _optional = PROMPT_SHAPES[shape]
    return Example(line, _asked(str(got[asked]), got["system"]), None, expected=got[expected])


def _media_kind(
    name: str,
    media: str,
    suffixes: tuple[str, ...],
    extra: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] | None = None,
    **more: Any,
) -> Kind:
    """A kind whose rows name a file, with a caption or text."""
    captions = more.pop("captions", True)
    optional = more.get("caption_optional", False)
    also = ("lyrics",) if media == "audio" else ()
    table: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {**(extra or {})}
    for file in (media, "file_name") if captions else ():
        if optional:
            table[file] = ((file,), ("caption", "text", *also))
        else:
            table[f"{file}/caption"] = ((file, "caption"), also)
            table[f"{file}/text"] = ((file, "text"), also)
    accepted = f"{media} (a path, or the file itself) and caption or text" if captions else ""
    for required, _ in (extra or {}).values():
        accepted += ("; or " if accepted else "") + f"{', '.join(required[:-1])} and {required[-1]}"

    def convert(
        row: Mapping[str, Any], shape: str, line: int, issues: Issues, base: Path | None
    ) -> Example | None:
        file = table[shape][0][0]
        if is_embedded(row[file]):
            row = {**row, file: path_of_embedded(row[file], suffixes)}
        if row[file] is None:
            issues.add(
                "missingMedia",
                f"the field {file!r} holds nothing",
                "Fill it in or drop the row.",
                line,
                file,
            )
            return None
        got = _fields(row, table, shape, line, issues, accepted)
        if got is None:
            return None
        path = Path(str(got[file]))
        path = path if path.is_absolute() or base is None else base / path
        if not path.is_file():
            issues.add(
                "missingMedia",
                f"there is no file {path}",
                "Correct the path; it is taken from the folder of the data file.",
                line,
                media,
            )
            return None
        if "question" in got:
            turns = (
                {"role": "user", "content": str(got["question"])},
                {"role": "assistant", "content": str(got["answer"])},
            )
            return Example(line, turns, None, media=path)
        if "rejected" in got:
            if got["chosen"] == got["rejected"]:
                _note_equal(line, issues)
                return None
            asked = _asked(str(got["prompt"]), None)
            return Example(
                line, asked, None, chosen=got["chosen"], rejected=got["rejected"], media=path
            )
        caption = got.get("caption") or got.get("text")
        return Example(line, None, caption, media=path, lyrics=got.get("lyrics"))

    return Kind(name, table, accepted, convert, media, suffixes, **more)


PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
CHAT = Kind("chat", shapes.SHAPES, shapes.ACCEPTED, _chat)
PREFERENCES = Kind("preferences", PREFERENCE_SHAPES, PREFERENCE_ACCEPTED, _preference)
JUDGED = Kind("judged", JUDGED_SHAPES, JUDGED_ACCEPTED, _judged)
PROMPTS = Kind("prompts", PROMPT_SHAPES, PROMPT_ACCEPTED, _prompt)
IMAGES = _media_kind("images", "image", PICTURES, learns_by_heart=False)
SUBJECT = _media_kind(
    "subject", "image", PICTURES, caption_optional=True, min_rows=2, learns_by_heart=False
)
CLIPS = _media_kind("clips", "video", CLIP_SUFFIXES, min_rows=2)
SOUNDS = _media_kind("sounds", "audio", (".wav", ".flac", ".ogg", ".mp3"), min_rows=2)
QUESTIONS = _media_kind(
    "questions", "image", PICTURES, {"image/question": (("image", "question", "answer"), ())}
)
SEEN_PREFERENCES = _media_kind(
    "seen-preferences",
    "image",
    PICTURES,
    {"image/preference": (("image", "prompt", "chosen", "rejected"), ())},
    captions=False,
)

KINDS = {
    kind.name: kind
    for kind in (
        CHAT,
        PREFERENCES,
        JUDGED,
        PROMPTS,
        IMAGES,
        SUBJECT,
        CLIPS,
        SOUNDS,
        QUESTIONS,
        SEEN_PREFERENCES,
    )
}
