"""The image: its steps are run, over this machine as the base, up to a trainer that starts without rights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import image
import install
from support.containerfile import can_enter, parse, script

TRAINER = Path(install.__file__).parent
TEXT = (TRAINER / "Containerfile").read_text()
BASE = "this-machine"
ARGUMENTS = {"BASE": BASE, "BUILD_BASE": BASE, "DEVICE": "cpu", "FAMILIES": "llm audio"}


def test_both_stages_start_from_the_injected_base_and_the_last_one_has_no_rights() -> None:
    build, last = parse(TEXT, ARGUMENTS)
    assert (build.base, last.base) == (BASE, BASE)
    assert last.user == "1000:1000"
    assert last.command == ("python", "-m", "kriptik_trainer")
    assert "--with llm audio" in next(rest for word, rest, *_ in build.steps if word == "RUN")
    assert [step[3] for step in last.steps if step[0] == "RUN"] == ["1000:1000"]


def test_without_arguments_it_has_all_families_for_a_gpu() -> None:
    build, last = parse(TEXT, {})
    assert last.base == "docker.io/library/python:3.11-slim-bookworm"
    assert build.environment["KRIPTIK_DEVICE"] == "cuda"
    families = next(rest for word, rest, *_ in build.steps if word == "RUN").split("--with ")[1]
    assert tuple(families.split(" &&")[0].split()) == install.FAMILIES


def test_all_that_is_copied_is_sent_to_the_builder() -> None:
    sent = (TRAINER / ".containerignore").read_text().split()
    copied = [rest.split()[:-1] for word, rest, *_ in parse(TEXT, {})[0].steps if word == "COPY"]
    for name in (name for names in copied for name in names):
        assert any(pattern.startswith(f"!{name}") for pattern in sent), name


def environment() -> Path:
    """The folder of the environment that this test runs in."""
    return Path(sys.prefix)


def test_the_steps_make_an_image_whose_trainer_starts_without_rights(tmp_path: Path) -> None:
    why = can_enter()
    if why is not None:
        pytest.skip(f"the steps are run as root with mounts, which this machine refuses: {why}")
    bound = Path(sys.base_prefix)
    build, last = parse(TEXT, ARGUMENTS)
    key = install.environment_key("cpu")
    # A base may bring the packages along; then they are not installed again. Here it is this machine's
    # environment, which has all of them.
    prepared = [
        "mkdir -p ROOT/opt/trainer ROOT/.packages/upper ROOT/.packages/work",
        "mount -t tmpfs tmpfs ROOT/.packages && mkdir ROOT/.packages/upper ROOT/.packages/work",
        f"mount -t overlay overlay -o lowerdir={environment()},upperdir=ROOT/.packages/upper,"
        "workdir=ROOT/.packages/work ROOT/opt/trainer",
        f"echo {key} > ROOT/opt/trainer/{install.KEY_FILE}",
    ]
    opened = [f"chmod a+x ROOT{parent}" for parent in bound.parents if parent != Path("/")]
    after = [
        "id -u",
        "touch /opt/kriptik/mine /opt/trainer/mine 2>/dev/null || echo refused",
        "find /opt/kriptik -newermt @1 -o -name __pycache__",
        " ".join(last.command) + " version",
    ]
    text = script(
        [build, last],
        TRAINER,
        tmp_path,
        f"{bound}/bin:/usr/bin:/bin",
        {build.name: prepared, last.name: opened},
        after,
    )
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", text], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "install: making" not in done.stderr
    report, end = json.JSONDecoder().raw_decode(done.stdout)
    assert report["ok"], report["problems"]
    assert report["packages"]["torch"] is not None
    said = done.stdout[end:].split()
    assert said[:3] == ["1000", "refused", "kriptik-trainer"]


def test_packages_are_copies_so_that_their_times_are_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []

    def build(home: Path, *_: object) -> None:
        seen.append(os.environ.get("UV_LINK_MODE"))
        home.mkdir()
        (home / ".complete").touch()

    monkeypatch.setenv("UV_LINK_MODE", "hardlink")
    monkeypatch.setenv("KRIPTIK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KRIPTIK_DEVICE", "cpu")
    monkeypatch.setattr(install, "build", build)
    image.packages(tmp_path / "trainer", [])
    assert seen == ["copy"]
    assert {path.stat().st_mtime for path in (tmp_path / "trainer").iterdir()} == {0}


def test_the_source_is_the_same_whenever_it_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")

    def made(name: str) -> dict[str, tuple[float, bytes]]:
        image.source(tmp_path / name)
        files = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
        return {
            str(path.relative_to(tmp_path / name)): (path.stat().st_mtime, path.read_bytes())
            for path in files
        }

    first = made("first")
    assert first == made("second")
    assert {time for time, _ in first.values()} == {86400}
    assert not [name for name in first if "cache" in Path(name).parts]


def test_what_only_building_needs_is_taken_out(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in ("torch/include/a.h", "torch/lib/x.a", "torch/lib/x.so", "p/__pycache__/m.pyc"):
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    image.tidy(tmp_path)
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"x.so", ".complete"}


def test_an_environment_of_other_locks_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Path] = []

    def build(home: Path, *_: object) -> None:
        built.append(home)
        home.mkdir(exist_ok=True)
        (home / ".complete").touch()

    monkeypatch.setenv("KRIPTIK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KRIPTIK_DEVICE", "cpu")
    monkeypatch.setattr(install, "build", build)
    home = tmp_path / "trainer"
    for _ in range(2):
        assert install.install([], home) == home / "bin" / "python"
    assert built == [home]
    (home / install.KEY_FILE).write_text("cpu-of-another-lock\n")
    install.install([], home)
    assert built == [home, home]


def test_the_size_of_each_family_is_told() -> None:
    found = image.sizes(environment())
    print(json.dumps(found), file=sys.stderr)  # noqa: T201 - the report of this test
    assert set(found) == {"base", *install.FAMILIES}
    assert all(found["base"] > 500 and size > 50 for size in found.values())
    assert os.environ.get("KRIPTIK_DEVICE") == "cuda" or found["base"] < 3000
