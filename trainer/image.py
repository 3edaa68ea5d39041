"""Fills the folders of an image of the trainer, the same for Containerfile and tests, and tells sizes.

    image.py packages FOLDER [--with FAMILY]..   the locked packages, less what only building needs
    image.py source FOLDER                       the trainer itself
    image.py sizes FOLDER                        MiB that each family takes in a folder of packages, as JSON

Which packages are right for a GPU or a CPU is decided by KRIPTIK_DEVICE, as for install.sh. All times are set
to SOURCE_DATE_EPOCH (0 where it is unset), so that the same lock gives the same files.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path

import install

NOT_NEEDED = ("torch/include", "torch/share/cmake")
"""Below site-packages: what is only for building programs with torch."""


def tidy(folder: Path) -> None:
    """Takes out what running does not need and what differs from one installation to the next."""
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.as_posix()
        dropped = path.name == "__pycache__" or name.endswith(NOT_NEEDED)
        if dropped and path.is_dir():
            shutil.rmtree(path)
        elif path.suffix == ".a" and path.is_file():
            path.unlink()
    (folder / ".complete").write_text("")


def date(folder: Path) -> None:
    """Sets the times of all files, links and folders."""
    time = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (time, time), follow_symlinks=False)


def packages(folder: Path, families: Sequence[str]) -> None:
    """The environment of some families. One that is there already, of the same locks, is kept as it is."""
    # A link into the cache of downloads would have its time set there too, and in all that share it.
    os.environ["UV_LINK_MODE"] = "copy"
    before = folder / ".complete"
    kept = before.stat().st_mtime_ns if before.exists() else None
    install.install(list(families), folder)
    if kept is None or before.stat().st_mtime_ns != kept:
        tidy(folder)
        date(folder)


def source(folder: Path) -> None:
    """The package `kriptik_trainer`."""
    target = folder / "kriptik_trainer"
    shutil.rmtree(target, ignore_errors=True)
    ours = install.HERE / "kriptik_trainer"
    shutil.copytree(ours, target, ignore=shutil.ignore_patterns("__pycache__", ".mypy_cache"))
    date(folder)


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def locked(lock: str) -> set[str]:
    """Names of the packages in a lock."""
    text = (install.REQUIREMENTS / f"{lock}.txt").read_text()
    return {_name(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}


def _bytes(one: Distribution) -> int:
    paths = [Path(str(one.locate_file(file))) for file in one.files or []]
    return sum(path.stat().st_size for path in paths if path.is_file())


def sizes(folder: Path) -> dict[str, int]:
    """MiB of the base and of what each family adds to it, of those that are installed in a folder."""
    site = next(folder.glob("lib/python3*/site-packages"))
    found = {_name(one.metadata["Name"]): _bytes(one) for one in distributions(path=[str(site)])}
    base = locked("cuda")
    groups = {"base": base, **{name: locked(name) - base for name in install.FAMILIES}}
    return {
        group: round(sum(found.get(name, 0) for name in names) / (1 << 20))
        for group, names in groups.items()
    }


def main(arguments: Sequence[str]) -> int:
    """Exit 20: see the message."""
    parser = argparse.ArgumentParser(prog="image.py", description=__doc__)
    parser.add_argument("do", choices=("packages", "source", "sizes"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--with", dest="families", nargs="*", default=[], choices=install.FAMILIES)
    options = parser.parse_args(arguments)
    folder = options.folder.absolute()
    try:
        if options.do == "packages":
            packages(folder, options.families)
        elif options.do == "source":
            source(folder)
        else:
            sys.stdout.write(f"{json.dumps(sizes(folder))}\n")
    except install.InstallError as error:
        sys.stderr.write(f"image: {error}.\n  Remedy: {error.remedy}\n")
        return 20
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
