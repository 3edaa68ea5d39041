"""Runs the steps of a Containerfile without a program for it: each stage in a root folder of its own, laid
over an injected base, entered by chroot in a namespace that ends with the run. Knows what ours uses.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = ("ARG", "FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "CMD")


@dataclass
class Stage:
    """One FROM with its steps, variables replaced: (instruction, rest, environment, user, folder)."""

    name: str
    base: str
    steps: list[tuple[str, str, dict[str, str], str, str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    folder: str = "/"
    command: tuple[str, ...] = ()


def instructions(text: str) -> list[tuple[str, str]]:
    """(instruction, rest) of each. Raises ValueError for one that is not known here."""
    joined = re.sub(r"\\\n", " ", text)
    found = []
    for line in joined.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        word, _, rest = line.strip().partition(" ")
        if word not in KNOWN:
            raise ValueError(f"{word} is not known to this test")
        found.append((word, rest.strip()))
    return found


def parse(text: str, given: dict[str, str]) -> list[Stage]:
    """The stages, with build arguments as `given` or as they are by default."""
    outer: dict[str, str] = {}
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for word, raw in instructions(text):
        inner = bool(stages) and word != "FROM"
        known = {**arguments, **stages[-1].environment} if inner else outer
        rest = re.sub(r"\$\{(\w+)\}", lambda m, known=known: known.get(m[1], ""), raw)
        if word == "ARG":
            name, _, usual = shlex.split(rest)[0].partition("=")
            (outer if not stages else arguments)[name] = given.get(name, usual)
        elif word == "FROM":
            base, _, name = rest.partition(" AS ")
            arguments = {}
            stages.append(Stage(name or str(len(stages)), base))
        elif word == "ENV":
            stages[-1].environment |= dict(one.split("=", 1) for one in shlex.split(rest))
        elif word == "WORKDIR":
            stages[-1].folder = rest
        elif word == "USER":
            stages[-1].user = rest
        elif word == "CMD":
            stages[-1].command = tuple(json.loads(rest))
        else:
            at = stages[-1]
            scope = {**arguments, **at.environment}
            at.steps.append((word, rest, scope, at.user, at.folder))
    return stages


def _copy(rest: str, context: Path, root: Path, folder: str) -> list[str]:
    words = shlex.split(rest)
    if words[0].startswith("--from="):
        # What another stage has made is shown, not copied: it may be large.
        source, target = root.parent / words[0][7:] / words[1].lstrip("/"), root / words[2][1:]
        return [f"mkdir -p {target}", f"mount --rbind {source} {target}"]
    *sources, last = words
    target = root / (last if last.startswith("/") else f"{folder[1:]}/{last}")
    lines = [f"mkdir -p {target}"]
    for one in sources:
        path = context / one
        lines.append(f"cp -r {path}/. {target}" if path.is_dir() else f"cp {path} {target}/")
    return lines


def in_root(
    root: Path, command: str, environment: dict[str, str], user: str, folder: str
) -> list[str]:
    """Lines of a script that run a command in a root as a container would."""
    shown = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    inner = shlex.quote(f"cd {folder} && {command}")
    return [
        f"mkdir -p {root}{folder}",
        f"env -i {shown} $(command -v chroot) --userspec={user} {root} /bin/sh -c {inner}",
    ]


def script(
    stages: list[Stage],
    context: Path,
    scratch: Path,
    base_path: str,
    prepared: dict[str, list[str]],
    after: list[str],
) -> str:
    """A bash script that makes all stages, over this machine's own root as the base, and then runs
    commands (`after`) in the last one. `base_path` is where the base has its programs; `prepared` has
    more lines for a stage before its first step, with ROOT for its root."""
    lines = ["set -euo pipefail"]
    for stage in stages:
        root = scratch / stage.name
        made = {name: scratch / f".{stage.name}-{name}" for name in ("upper", "work")}
        lines.append(f"mkdir -p {root} {made['upper']} {made['work']}")
        lines.append(
            f"mount -t overlay overlay -o lowerdir=/,upperdir={made['upper']},workdir={made['work']} {root}"
        )
        lines += [f"mount --rbind /dev {root}/dev", f"mount --rbind /proc {root}/proc"]
        # This machine's Python may lie in a folder that only its owner can see.
        lines += [f"mount -t tmpfs tmpfs {root}/tmp", f"chmod 1777 {root}/tmp"]
        lines += [line.replace("ROOT", str(root)) for line in prepared.get(stage.name, [])]
        for word, rest, scope, user, folder in stage.steps:
            path = f"{scope['PATH']}:{base_path}" if "PATH" in scope else base_path
            if word == "COPY":
                lines += _copy(rest, context, root, folder)
            else:
                lines += in_root(root, rest, {**scope, "PATH": path}, user, folder)
    last = stages[-1]
    path = f"{last.environment.get('PATH', '')}:{base_path}"
    for command in after:
        lines += in_root(
            scratch / last.name,
            command,
            {**last.environment, "PATH": path},
            last.user,
            last.folder,
        )
    return "\n".join(lines) + "\n"


def can_enter() -> str | None:
    """Why roots cannot be laid over each other here; None where they can."""
    probe = (
        "d=$(mktemp -d) && mkdir $d/u $d/w $d/m && "
        "mount -t overlay o -o lowerdir=/,upperdir=$d/u,workdir=$d/w $d/m"
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", probe], capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else done.stderr.strip() or "unshare failed"
