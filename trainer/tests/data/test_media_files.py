"""Pictures, clips and sounds in lists, folders, Parquet files and data sets laid out as on the Hub."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from kriptik_trainer.data import embedded, kinds
from kriptik_trainer.data.kinds import Kind
from kriptik_trainer.data.load import Loaded, load, load_all
from kriptik_trainer.data.media import picture
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.spec import DataFile

COLOURS = ("red", "green", "blue", "white")
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.fixture(autouse=True)
def own_media_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "embedded"
    monkeypatch.setattr(embedded, "media_folder", lambda: folder)
    yield folder
    embedded._opened.cache_clear()


def png(colour: str) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(sink, "PNG")
    return sink.getvalue()


def table(colours: tuple[str, ...] = COLOURS, **other: list[Any]) -> pa.Table:
    """The columns of a data set of pictures as the Hub has them."""
    files = [{"bytes": png(colour), "path": f"{colour}.png"} for colour in colours]
    columns = {"text": [f"a {colour} square" for colour in colours], **other}
    return pa.table({"image": pa.array(files, STRUCT), **columns})


def seen(loaded: Loaded) -> list[tuple[str, tuple[int, int, int]]]:
    """Captions with the colours of their pictures."""
    assert loaded.issues == ()
    found = []
    for example in loaded.examples:
        assert example.media is not None
        found.append((example.text or "", picture(example.media).getpixel((0, 0))))
    return found


EXPECTED = [
    ("a red square", (255, 0, 0)),
    ("a green square", (0, 128, 0)),
    ("a blue square", (0, 0, 255)),
    ("a white square", (255, 255, 255)),
]


def read(path: Path, kind: Kind = kinds.IMAGES, format: str = "folder", **more: Any) -> Loaded:
    return load(DataFile(path.as_uri(), format, more.get("split"), None, None), kind)


def test_pictures_inside_a_parquet_file(tmp_path: Path, own_media_folder: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(table(), path)

    assert seen(read(path, format="parquet")) == EXPECTED
    assert len(list(own_media_folder.iterdir())) == 4
    before = {file: file.stat().st_ino for file in own_media_folder.iterdir()}
    read(path, format="parquet")
    after = {file: file.stat().st_ino for file in own_media_folder.iterdir()}
    assert after == before, "what is there already is not written again"


def test_pictures_as_plain_bytes(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    columns = {"image": [png(c) for c in COLOURS], "caption": [f"a {c} square" for c in COLOURS]}
    pq.write_table(pa.table(columns), path)

    assert seen(read(path, format="parquet")) == EXPECTED


def test_a_folder_of_shards_as_on_the_hub(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "data").mkdir(parents=True)
    pq.write_table(table(COLOURS[:2]), folder / "data" / "train-00000-of-00002.parquet")
    pq.write_table(table(COLOURS[2:]), folder / "data" / "train-00001-of-00002.parquet")
    pq.write_table(table(("black",) * 4), folder / "data" / "test-00000-of-00001.parquet")
    (folder / "README.md").write_text("---\nconfigs: []\n---\n")

    assert seen(read(folder)) == EXPECTED
    assert {text for text, _ in seen(read(folder, split="test"))} == {"a black square"}
    assert read(folder, split="validation").issues[0].code == "noRows"


def test_a_folder_of_shards_holds_chats_too(tmp_path: Path) -> None:
    rows = {"question": ["q"] * 4, "answer": ["a"] * 4}
    pq.write_table(pa.table(rows), tmp_path / "0000.parquet")

    assert len(read(tmp_path, kinds.CHAT).examples) == 4


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize("split", [None, "train"])
def test_a_folder_of_files_with_a_list(tmp_path: Path, suffix: str, split: str | None) -> None:
    below = tmp_path / split if split else tmp_path
    (below / "files").mkdir(parents=True)
    rows = []
    for colour in COLOURS:
        (below / "files" / f"{colour}.png").write_bytes(png(colour))
        rows.append({"file_name": f"files/{colour}.png", "text": f"a {colour} square"})
    write_list(below / f"metadata{suffix}", rows)

    assert seen(read(tmp_path, split=split)) == EXPECTED


def write_list(path: Path, rows: list[dict[str, str]]) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        path.write_text("\n".join(lines) + "\n")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_data_set_of_the_hub_that_is_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets  # noqa: PLC0415 - seconds
    from datasets.packaged_modules.parquet.parquet import Parquet  # noqa: PLC0415

    pq.write_table(table(), tmp_path / "train.parquet")
    cache = tmp_path / "cache"
    features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
    builder = Parquet(
        cache_dir=str(cache),
        dataset_name="squares",
        data_files={"train": [str(tmp_path / "train.parquet")]},
        features=features,
        hash="0" * 16,
    )
    builder.download_and_prepare()
    made = Path(builder.cache_dir)
    there = cache / "nobody___squares" / "default" / "0.0.0" / made.name
    there.parent.mkdir(parents=True)
    made.rename(there)
    info = there / "dataset_info.json"
    info.write_text(json.dumps({**json.loads(info.read_text()), "config_name": "default"}))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(cache))
    loaded = load(DataFile("hf://datasets/nobody/squares", "hub", None, None, None), kinds.IMAGES)

    assert seen(loaded) == EXPECTED


def test_bad_rows_are_left_out_and_named_up_to_a_tenth(tmp_path: Path) -> None:
    for index in range(20):
        (tmp_path / f"{index:02}.png").write_bytes(png("red"))
        if index not in (3, 7):
            (tmp_path / f"{index:02}.txt").write_text("a red square" if index != 5 else " ")
    allowed = read(tmp_path)
    (tmp_path / "05.txt").write_text("a red square")
    fewer = read(tmp_path)

    assert allowed.issues[0].code == "missingCaption"
    for text in ("3 of 20 rows cannot be used", "03.png", "05.png", "07.png"):
        assert text in allowed.issues[0].message
    assert fewer.issues == ()
    assert len(fewer.examples) == 18
    assert fewer.warnings[0].startswith(
        "2 of 20 rows cannot be used and were left out: file 4: 03.png"
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"image": {"bytes": None, "path": None}, "text": "t"},
        {"image": {"bytes": b"", "path": "none.png"}, "text": "t"},
        {"image": None, "text": "t"},
        {"image": {"bytes": b"x", "path": "x.png"}, "text": None},
        {"image": {"bytes": b"x", "path": "x.png"}, "text": "  "},
    ],
    ids=["nothing in it", "a path that is none", "null", "no caption", "an empty caption"],
)
def test_a_bad_row_of_a_table_is_left_out(tmp_path: Path, bad: dict[str, Any]) -> None:
    path = tmp_path / "rows.parquet"
    row = pa.table({"image": pa.array([bad["image"]], STRUCT), "text": pa.array([bad["text"]])})
    pq.write_table(pa.concat_tables([table(COLOURS * 3), row], promote_options="default"), path)
    loaded = read(path, format="parquet")

    assert loaded.issues == ()
    assert len(loaded.examples) == 12
    assert loaded.warnings[0].startswith("1 of 13 rows cannot be used and were left out: row 13: ")


def test_too_many_bad_rows_end_the_run_with_their_names(tmp_path: Path) -> None:
    rows = [{"image": f"{index}.png", "caption": "c"} for index in range(9)]
    for index in range(5):
        (tmp_path / f"{index}.png").write_bytes(png("red"))
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = DataFile((tmp_path / "rows.jsonl").as_uri(), "jsonl", None, None, None)
    with pytest.raises(TrainerError) as caught:
        load_all((data,), kinds.IMAGES)

    assert caught.value.code == "missingMedia"
    for name in ("4 of 9 rows", "5.png", "8.png"):
        assert name in caught.value.message


def test_the_folder_of_embedded_files_is_this_users_alone_and_swept(own_media_folder: Path) -> None:
    own_media_folder.mkdir(mode=0o700)
    old = own_media_folder / "old.png"
    old.write_bytes(b"x")
    os.utime(old, (0, 0))
    kept = embedded.path_of_embedded(png("red"), (".png",))

    assert kept is not None
    assert Path(kept).exists()
    assert not old.exists()
    own_media_folder.chmod(0o777)
    embedded._opened.cache_clear()
    with pytest.raises(TrainerError) as caught:
        embedded.path_of_embedded(png("blue"), (".png",))
    assert caught.value.code == "unsafeFolder"
