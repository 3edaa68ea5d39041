"""What may be deleted: tables for the rule, and long random histories of a real store."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kriptik_trainer import manifest, store_file
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.retention import Candidate, Score, doomed, score_of
from kriptik_trainer.s3_client import S3Client
from kriptik_trainer.store_cli import Files, inspect, open_files
from kriptik_trainer.store_file import FileStore
from kriptik_trainer.store_place import StorePlace
from kriptik_trainer.store_s3 import S3Store
from support.s3 import Server
from support.saving import lower, save


def row(text: str) -> list[Candidate]:
    """Candidates from words like `3+` (good) or `4-` (broken or unknown), with `=0.5` for a score and
    `=0.5b` for one of stage b."""
    found = []
    for word in text.split():
        name, _, score = word.partition("=")
        stage = score.lstrip("0123456789.")
        told = Score(float(score.removesuffix(stage)), (stage, "")) if score else None
        found.append(Candidate(name[:-1], int(name[:-1]), "", name[-1] == "+", told))
    return found


@pytest.mark.parametrize(
    ("candidates", "keep", "protected", "expected"),
    [
        pytest.param("1+ 2+ 3+ 4+", 2, (), ["1", "2"], id="the last two stay"),
        pytest.param("1+ 2+", 2, (), [], id="no more than there have to be"),
        pytest.param("", 2, (), [], id="nothing"),
        pytest.param("1+ 2- 3- 4-", 1, (), [], id="the only good one stays, whatever its age"),
        pytest.param("1+ 2- 3+ 4-", 1, (), ["1", "2"], id="what is broken does not count"),
        pytest.param("1+ 2+ 3-", 2, (), [], id="too few good ones: nothing goes"),
        pytest.param("1- 2- 3-", 1, (), [], id="none is known to be good: nothing goes"),
        pytest.param("1+ 2+ 3+", 1, ("1",), ["2"], id="the one that was resumed from stays"),
        pytest.param("1+=9 2+=1 3+=2 4+=3", 1, (), ["2", "3"], id="the best stays"),
        pytest.param("1+=1 2+=1 3+", 1, (), ["1"], id="of equals the newer one"),
        pytest.param("1+=8 2-=9 3+", 1, (), [], id="the best good one beside a broken better one"),
        pytest.param("1+ 2+ 3+", 0, (), ["1", "2"], id="keeping none keeps one"),
        pytest.param(
            "1+=8 2+=9 3+=2b 4+=1b 5+=1b", 1, (), ["1", "4"], id="the best of each stage stays"
        ),
        pytest.param(
            "1+=9 2+=8 3-=3b 4+=2b 5+", 1, (), ["2"], id="of each stage a good one that is best"
        ),
    ],
)
def test_the_rule(
    candidates: str, keep: int, protected: tuple[str, ...], expected: list[str]
) -> None:
    assert doomed(row(candidates), keep, protected) == expected


def test_a_score_knows_which_way_is_better_and_what_it_is_of() -> None:
    assert score_of({"metric": "loss", "value": 0.5, "better": "lower"}) == Score(
        -0.5, ("", "loss")
    )
    told = {"metric": "accuracy", "value": 0.5, "better": "higher", "stage": "two"}
    assert score_of(told) == Score(0.5, ("two", "accuracy"))
    for unusable in (None, {}, {"value": None}, {"value": True}, "loss"):
        assert score_of(unusable) is None


class Killed(BaseException):
    """Stands for a SIGKILL: nothing cleans up after it."""


class Disk:
    """Dies at the nth change that a store makes to the disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        rename, rmtree = Path.rename, shutil.rmtree

        def counted(act: Callable[..., object]) -> Callable[..., object]:
            def wrapped(*args: object, **kwargs: object) -> object:
                self._tick()
                return act(*args, **kwargs)

            return wrapped

        def half_removed(path: Path, ignore_errors: bool = False) -> None:
            files = [one for one in sorted(path.rglob("*")) if one.is_file()]
            for one in files:
                self._tick()
                one.unlink()
            rmtree(path, ignore_errors=ignore_errors)

        monkeypatch.setattr(Path, "rename", counted(rename))
        monkeypatch.setattr(store_file.shutil, "rmtree", half_removed)
        monkeypatch.setattr(store_file, "write_atomically", counted(store_file.write_atomically))

    def _tick(self) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            self.left = None
            raise Killed


def whole(root: Path) -> set[int]:
    """Steps of the checkpoints that a resume would take."""
    found = set()
    for path in (root / "checkpoints").glob("step-*"):
        try:
            found.add(manifest.verify(path).step)
        except TrainerError:
            continue
    return found


def damage(folder: Path, chance: random.Random) -> None:
    """One of the ways in which a checkpoint breaks."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    if not files:
        return
    victim = chance.choice(files)
    match chance.randrange(4):
        case 0:
            victim.unlink()
        case 1:
            victim.write_bytes(b"")
        case 2:
            victim.write_bytes(b"x" * victim.stat().st_size)
        case _:
            (folder / "extra.pkl").write_bytes(b"code")


@pytest.mark.parametrize("seed", range(60))
def test_something_that_was_never_damaged_can_always_be_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance, disk = random.Random(seed), Disk(monkeypatch)
    keep, step, history = chance.choice((1, 2, 3)), 0, ["begin"]
    store = FileStore(tmp_path)
    store.acquire()
    for _ in range(25):
        before = whole(tmp_path)
        history.append("nothing")
        disk.left = chance.randrange(30) if chance.random() < 0.4 else None
        try:
            match chance.randrange(10):
                case 0 | 1 | 2 | 3:
                    step += 1
                    history.append(f"save {step}")
                    figures = lower(chance.random()) if chance.random() < 0.5 else None
                    save(store, step, evaluation=figures)
                case 4:
                    again = chance.choice(sorted(before) or [step + 1])
                    history.append(f"save {again} again")
                    save(store, again, text="again")
                case 5 | 6 | 7:
                    history.append(f"rotate {keep}")
                    store.rotate(keep, ())
                case 8:
                    history.append("free space")
                    store.make_room(())
                case _:
                    folders = sorted((tmp_path / "checkpoints").glob("step-*"))
                    disk.left = None
                    if folders:
                        victim = chance.choice(folders)
                        history.append(f"damage {victim.name}")
                        damage(victim, chance)
                        before = whole(tmp_path)
        except Killed:
            history[-1] += ": killed"
            store.close()
            store = FileStore(tmp_path)
            disk.left = None
            store.acquire()
        disk.left = None
        after = whole(tmp_path)
        told = f"{history}: {sorted(before)} -> {sorted(after)}"
        assert after or not before, told
        if before:
            assert max(after) >= max(before), told
        if "rotate" in history[-1]:
            newest = sorted(before)[-keep:]
            assert set(newest) <= after, told
    store.close()


@pytest.mark.parametrize("seed", range(8))
def test_the_same_in_a_bucket(
    server: Server, place: StorePlace, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance, fuse = random.Random(seed), Fuse()
    for name in ("put", "upload", "delete", "read", "get"):
        fuse.guard(monkeypatch, name)
    files = open_files(place.uri, place.s3, None)
    attempt, step, history, before = 1, 0, ["begin"], set[str]()
    store = S3Store(place, f"kriptik-job-{attempt}")
    store.acquire()
    for _ in range(16):
        history.append("nothing")
        fuse.left = chance.randrange(25) if chance.random() < 0.5 else None
        try:
            match chance.randrange(7):
                case 0 | 1 | 2:
                    step += 1
                    history.append(f"save {step}")
                    save(store, step, f"kriptik-job-{attempt}", evaluation=lower(chance.random()))
                case 3 | 4 | 5:
                    history.append("rotate")
                    store.rotate(chance.choice((1, 2)), ())
                case _:
                    fuse.left = None
                    keys = [k for k in server.keys_below(place.uri) if "/step-" in k]
                    if keys:
                        history.append(f"damage {(key := chance.choice(keys))}")
                        prefix = place.uri.removeprefix(f"s3://{server.bucket}/")
                        server.raw().put_object(
                            Bucket=server.bucket, Key=f"{prefix}/{key}", Body=b"broken"
                        )
                        before = whole_in(files, place.uri)
        except Killed:
            history[-1] += ": killed"
            fuse.left = None
            store.close()
            attempt += 1
            store = S3Store(place, f"kriptik-job-{attempt}")
            store.acquire()
        fuse.left = None
        after = whole_in(files, place.uri)
        told = f"{history}: {sorted(before)} -> {sorted(after)}"
        assert after or not before, told
        assert not before or max(after) >= max(before), told
        before = after
    store.close()


class Fuse:
    """Dies at the nth request to the store: before it, or after it was answered."""

    def __init__(self) -> None:
        self.left: int | None = None

    def guard(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        """Counts the calls of a method."""
        act = getattr(S3Client, name)

        def wrapped(*args: object, **kwargs: object) -> object:
            self._tick()
            answer = act(*args, **kwargs)
            self._tick()
            return answer

        monkeypatch.setattr(S3Client, name, wrapped)

    def _tick(self) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            raise Killed


def whole_in(files: Files, uri: str) -> set[str]:
    """Folders of the checkpoints that a resume would take."""
    found = inspect(files, uri)["checkpoints"]
    return {one["uri"].rsplit("/", 1)[-1] for one in found if one["verified"]}
