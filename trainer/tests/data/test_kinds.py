"""Rows of preferences, prompts, and of pictures, clips and sounds; and what is told of bad ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kriptik_trainer.check import check
from kriptik_trainer.data import kinds
from kriptik_trainer.data.kinds import Kind
from kriptik_trainer.data.load import Loaded, load
from kriptik_trainer.data.media import bucket, decode_all, picture
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.spec import DataFile


def read(root: Path, kind: Kind, *rows: dict[str, Any]) -> Loaded:
    path = root / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load(DataFile(path.as_uri(), "jsonl", None, None, None), kind)


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


GOOD_PAIR = {"prompt": "p", "chosen": "a", "rejected": "b"}


def test_preferences_in_both_shapes(tmp_path: Path) -> None:
    flat = read(tmp_path, kinds.PREFERENCES, *[{**GOOD_PAIR, "system": "s"}] * 4).examples[0]
    talk = {
        "chosen": [said("user", "p"), said("assistant", "a")],
        "rejected": [said("user", "p"), said("assistant", "b")],
    }
    conversation = read(tmp_path, kinds.PREFERENCES, *[talk] * 4).examples[0]

    assert flat.messages == (said("system", "s"), said("user", "p"))
    assert conversation.messages == (said("user", "p"),)
    assert (
        (flat.chosen, flat.rejected) == (conversation.chosen, conversation.rejected) == ("a", "b")
    )


@pytest.mark.parametrize(
    ("kind", "row", "code"),
    [
        (kinds.PREFERENCES, {"prompt": "p", "chosen": "a"}, "missingField"),
        (kinds.PREFERENCES, {"prompt": "p", "chosen": "a", "rejected": "a"}, "nothingToPrefer"),
        (
            kinds.PREFERENCES,
            {
                "chosen": [said("user", "p"), said("assistant", "a")],
                "rejected": [said("user", "q"), said("assistant", "b")],
            },
            "differentPrompts",
        ),
        (kinds.PREFERENCES, {"question": "p"}, "unknownShape"),
        (kinds.PROMPTS, {"prompt": "p"}, "missingField"),
        (kinds.IMAGES, {"image": "none.png", "caption": "c"}, "missingMedia"),
        (kinds.IMAGES, {"image": "none.png"}, "missingField"),
        (kinds.SOUNDS, {"audio": 7, "text": "c"}, "wrongType"),
        (kinds.QUESTIONS, {"image": "none.png", "question": "q"}, "missingField"),
    ],
)
def test_a_bad_row_is_told(tmp_path: Path, kind: Kind, row: dict[str, Any], code: str) -> None:
    issue = read(tmp_path, kind, row).issues[0]

    assert issue.code == code
    assert issue.remedy


def test_a_folder_takes_captions_from_beside_or_from_a_list(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d"):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.txt").write_text(f"picture {name}\n")
    folder = DataFile(tmp_path.as_uri(), "folder", None, None, None)
    beside = load(folder, kinds.IMAGES)
    rows = [{"file_name": f"{name}.png", "text": f"listed {name}"} for name in "abcd"]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    listed = load(folder, kinds.IMAGES)

    assert [e.text for e in beside.examples] == [f"picture {name}" for name in "abcd"]
    assert [e.text for e in listed.examples] == [f"listed {name}" for name in "abcd"]
    assert beside.sha256 != listed.sha256


def test_a_picture_without_a_caption_is_told(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    loaded = load(DataFile(tmp_path.as_uri(), "folder", None, None, None), kinds.IMAGES)

    assert loaded.issues[0].code == "missingCaption"


def test_a_check_counts_what_both_answers_say(tmp_path: Path) -> None:
    read(tmp_path, kinds.PREFERENCES, *[{**GOOD_PAIR, "chosen": "a" * 40}] * 4)
    report = check([str(tmp_path / "rows.jsonl")], None, None, None, 512, kinds.PREFERENCES)

    assert report["ok"]
    assert report["files"][0]["shape"] == "preference"
    # Forty letters are ten tokens; prompt and the other answer one each; and what a template adds.
    assert report["tokens"]["mean"] == 12 + 3 * 5


def test_a_check_takes_a_folder(tmp_path: Path) -> None:
    pictures(tmp_path, 2, 0)
    report = check([str(tmp_path)], None, None, None, 512, kinds.SUBJECT)

    assert (report["ok"], report["files"][0]["format"], report["rows"]) == (True, "folder", 2)


def pictures(root: Path, good: int, bad: int) -> list[tuple[str, Example]]:
    rows = []
    for index in range(good + bad):
        path = root / f"{index}.png"
        if index < good:
            Image.new("RGB", (4, 4)).save(path)
        else:
            path.write_bytes(b"no picture")
        rows.append(("data", Example(index, None, "c", media=path)))
    return rows


def opened(example: Example) -> Any:
    assert example.media is not None
    return picture(example.media)


def test_a_few_bad_files_are_left_out_and_named(tmp_path: Path) -> None:
    warnings: list[str] = []
    found = decode_all(pictures(tmp_path, 20, 2), opened, warnings)

    assert len(found) == 20
    assert warnings[0].startswith("2 of 22 files cannot be read and were left out: ")
    assert "20.png" in warnings[0]


def test_many_bad_files_end_the_run(tmp_path: Path) -> None:
    with pytest.raises(TrainerError) as caught:
        decode_all(pictures(tmp_path, 10, 5), opened, [])
    assert caught.value.code == "badMedia"
    assert "10.png" in caught.value.message


@pytest.mark.parametrize(
    ("size", "expected"),
    [((512, 512), (512, 512)), ((1024, 512), (704, 384)), ((100, 1000), (256, 1024))],
)
def test_buckets_keep_aspect_and_area(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert bucket(*size, 512, 64) == expected
