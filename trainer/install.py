"""Installs the locked Python packages of the trainer into the cache; prints the interpreter.

The environment lives outside the tree, in a folder named after everything that decides its content
(lock file, Python version, platform), so two checkouts with equal locks share it and a changed lock
never touches an environment in use. A virtual environment holds absolute paths and cannot be moved
into place; a `.complete` file, written last, says that it is whole.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements"
STUBS = HERE / "tools" / "cpu_stubs.py"
FAMILIES = ("llm", "vision", "audio")
"""What methods need beyond the base: 4-bit weights; images and clips; sound and speech."""
GIB = 1 << 30
# Room that an installation takes at its widest point: wheels in the download cache and unpacked.
DISK_NEEDED = {"cpu": 4 * GIB, "cuda": 14 * GIB}


KEY_FILE = ".key"


class InstallError(Exception):
    """What is wrong and what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


def say(text: str) -> None:
    """Writes a line of progress; stdout is kept for the answer."""
    sys.stderr.write(f"install: {text}\n")
    sys.stderr.flush()


def cache_root() -> Path:
    """The folder for everything that is built or fetched once."""
    own = os.environ.get("KRIPTIK_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "kriptik"


def wanted_device() -> str:
    """`cuda` where an NVIDIA GPU answers, else `cpu`; KRIPTIK_DEVICE decides when it is set."""
    asked = os.environ.get("KRIPTIK_DEVICE", "").lower()
    if asked in ("cpu", "cuda"):
        return asked
    if asked not in ("", "auto", "mps"):
        raise InstallError(
            f"KRIPTIK_DEVICE is {asked!r}", "Set it to cpu, cuda or auto, or leave it unset."
        )
    probe = shutil.which("nvidia-smi")
    if probe is None or asked == "mps":
        return "cpu"
    listed = subprocess.run([probe, "-L"], capture_output=True, text=True, check=False)
    return "cuda" if listed.returncode == 0 and "GPU" in listed.stdout else "cpu"


def environment_key(device: str) -> str:
    """Names an environment after what decides its content."""
    digest = hashlib.sha256()
    for part in (REQUIREMENTS / f"{device}.txt", STUBS):
        digest.update(part.read_bytes())
    digest.update(sys.version.encode())
    digest.update(sysconfig.get_platform().encode())
    return f"{device}-{platform.python_version()}-{digest.hexdigest()[:12]}"


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Holds `lock` against a second installation; the kernel lets go of it if we die."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another installation is under way; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


NO_NETWORK = (
    "dns error",
    "name resolution",
    "Name or service not known",
    "Could not connect",
    "Failed to fetch",
    "Failed to establish a new connection",
    "Network is unreachable",
    "Connection refused",
    "Could not find a version",
    "error sending request",
)


def run(command: Sequence[str | Path], what: str, env: dict[str, str] | None = None) -> None:
    """Runs a command with its output as progress and turns its failure into a remedy."""
    shown: list[str] = []
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **(env or {})},
    ) as process:
        for line in process.stdout or ():
            shown.append(line)
            sys.stderr.write(f"  {line}")
        code = process.wait()
    if code == 0:
        return
    text = "".join(shown[-60:])
    if "No space left" in text or "Disk quota exceeded" in text:
        raise InstallError(
            f"{what}: the disk is full",
            f"Free space under {cache_root()} or name another disk with KRIPTIK_CACHE.",
        )
    if "hash" in text.lower() and "mismatch" in text.lower():
        raise InstallError(
            f"{what}: a package does not have the locked hash",
            "The index serves another file than the one locked. Do not go round it: check the index "
            "or proxy in your pip configuration, clear its cache, and try again.",
        )
    if any(sign in text for sign in NO_NETWORK):
        raise InstallError(
            f"{what}: the package index could not be reached",
            "Check the network and the proxy (HTTPS_PROXY), or point pip and uv at a mirror "
            "(PIP_INDEX_URL, UV_DEFAULT_INDEX), then run this again: it goes on where it stopped.",
        )
    raise InstallError(f"{what} failed with exit code {code}", "The lines above say why.")


def ensure_uv(root: Path) -> Path | None:
    """The uv to install with: the one on PATH, else a locked one in the cache, else None."""
    on_path = shutil.which("uv")
    if on_path:
        return Path(on_path)
    lock = REQUIREMENTS / "uv.txt"
    home = root / "tools" / f"uv-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    uv = home / "bin" / "uv"
    if (home / ".complete").exists():
        return uv
    say("fetching uv, which installs several times faster than pip")
    shutil.rmtree(home, ignore_errors=True)
    try:
        run([sys.executable, "-m", "venv", home], "making a virtual environment for uv")
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
        run([*pip, "--require-hashes", "-r", str(lock)], "installing uv")
    except InstallError as error:
        say(f"{error}; going on with pip")
        return None
    (home / ".complete").touch()
    return uv


def install_lock(python: Path, uv: Path | None, lock: Path) -> None:
    """Installs exactly what `lock` names, hashes checked."""
    exact = ["--no-deps", "--require-hashes", "-r", str(lock)]
    if uv is not None:
        run([uv, "pip", "install", "--python", python, *exact], f"installing {lock.name}")
    else:
        pip = [str(python), "-m", "pip", "install", "--progress-bar", "off", "--no-compile"]
        run([*pip, *exact], f"installing {lock.name}")


def compile_all(python: Path, folder: Path) -> None:
    """Compiles what is installed below `folder`: a trainer that may not write there, as in a pod, would do so
    at each start, for ten seconds. What cannot be compiled is for another Python."""
    say("compiling the packages")
    how = [python, "-m", "compileall", "-qq", "-j", "0"]
    subprocess.run([*how, folder], check=False, stdout=subprocess.DEVNULL)


def check_room(root: Path, device: str) -> None:
    """Refuses early when the disk cannot hold the environment."""
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    if free < DISK_NEEDED[device]:
        raise InstallError(
            f"{root} has {free / GIB:.1f} GiB free; the {device} environment needs "
            f"{DISK_NEEDED[device] / GIB:.0f} GiB while it is installed",
            "Free some space, or name a folder on another disk with KRIPTIK_CACHE.",
        )


def check_compiler(device: str) -> None:
    """On Linux without a GPU the stand-ins for the CUDA libraries are compiled: a second of work."""
    if device != "cpu" or sys.platform != "linux":
        return
    missing = [tool for tool in ("cc", "nm", "readelf") if shutil.which(tool) is None]
    if missing:
        raise InstallError(
            f"{', '.join(missing)} not found",
            "Install a C compiler and binutils (Debian: apt-get install gcc libc6-dev binutils), or "
            "set KRIPTIK_DEVICE=cuda, which takes 6 GB instead of 2 but compiles nothing.",
        )


def build(home: Path, root: Path, device: str) -> None:
    """Makes the environment in place; `.complete` comes last."""
    check_room(root, device)
    check_compiler(device)
    if home.exists():
        say(f"removing an incomplete environment at {home}")
        shutil.rmtree(home)
    python = home / "bin" / "python"
    uv = ensure_uv(root)
    say(f"making {home} ({device}; a cold start downloads {'0.7' if device == 'cpu' else '3'} GB)")
    run([sys.executable, "-m", "venv", home], "making the virtual environment")
    install_lock(python, uv, REQUIREMENTS / f"{device}.txt")
    if device == "cpu" and sys.platform == "linux":
        say("compiling stand-ins for the CUDA libraries")
        purelib = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
        site = subprocess.check_output([python, "-c", purelib], text=True).strip()
        run([python, STUBS, site], "compiling the stand-ins")
    run([python, "-c", "import torch; torch.ones(2).sum()"], "importing torch")
    (home / ".complete").write_text(time.strftime("%Y-%m-%dT%H:%M:%SZ\n", time.gmtime()))


def install(extras: Sequence[str], into: Path | None = None) -> Path:
    """Returns the interpreter of an environment with the `extras`, adding to it what is missing. Its
    folder is one of the cache, unless `into` names it."""
    device = wanted_device()
    root = cache_root()
    key = environment_key(device)
    home = into or root / "trainer" / key
    python = home / "bin" / "python"
    marks = {name: home / f".{name}-{lock_digest(name)}" for name in extras}

    def missing() -> list[str]:
        return [name for name, mark in marks.items() if not mark.exists()]

    def begun() -> bool:
        # In a folder with a name of its own, a file tells what decides the content.
        own = home / KEY_FILE
        known = into is None or (own.is_file() and own.read_text().strip() == key)
        return known and (home / ".complete").exists()

    def whole() -> bool:
        return begun() and not missing()

    if whole():
        return python
    with exclusive(root / "trainer" / f"{key if into is None else home.name}.lock"):
        if whole():
            return python
        started = time.monotonic()
        if not begun():
            build(home, root, device)
            if into is not None:
                (home / KEY_FILE).write_text(f"{key}\n")
        for name in missing():
            say(f"adding what {name} needs")
            install_lock(python, ensure_uv(root), REQUIREMENTS / f"{name}.txt")
            marks[name].touch()
        # An image is the same in every build: nothing compiled is in it.
        if into is None:
            compile_all(python, home / "lib")
        say(f"done in {time.monotonic() - started:.0f} s")
    return python


def lock_digest(name: str) -> str:
    """Short hash of a lock file."""
    return hashlib.sha256((REQUIREMENTS / f"{name}.txt").read_bytes()).hexdigest()[:12]


def main(arguments: Sequence[str]) -> int:
    """Prints the interpreter's path as the last line of stdout. Exit 20: see the message."""
    parser = argparse.ArgumentParser(prog="install.sh", description=__doc__)
    parser.add_argument(
        "--with",
        dest="families",
        action="append",
        default=[],
        choices=FAMILIES,
        metavar="FAMILY",
        help=f"add what a family of methods needs: {', '.join(FAMILIES)}",
    )
    parser.add_argument(
        "--into",
        type=Path,
        metavar="FOLDER",
        help="create the environment there and not in the cache, as for an image",
    )
    parser.add_argument("--tests", action="store_true", help="add pytest, ruff, mypy, all families")
    options = parser.parse_args(arguments)
    extras = [*FAMILIES, "test"] if options.tests else list(dict.fromkeys(options.families))
    try:
        into = None if options.into is None else options.into.absolute()
        python = install(extras, into)
    except InstallError as error:
        sys.stderr.write(f"install: {error}.\n  Remedy: {error.remedy}\n")
        return 20
    except OSError as error:
        remedy = f"Check that {cache_root()} can be written, or name another with KRIPTIK_CACHE."
        sys.stderr.write(f"install: {error}.\n  Remedy: {remedy}\n")
        return 20
    sys.stdout.write(f"{python}\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.stderr.write("install: interrupted; the next run starts the step again\n")
        sys.exit(130)
