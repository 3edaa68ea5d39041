"""The installer's decisions, and the stand-ins for CUDA libraries; nothing is downloaded."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cpu_stubs
import install

REQUIREMENTS = Path(install.__file__).parent / "requirements"


@pytest.mark.parametrize(
    ("symbol", "version", "owner"),
    [
        ("cublasLtMatmul", "", "libcublasLt.so.13"),
        ("cublasSgemm_v2", "", "libcublas.so.13"),
        ("cudaMalloc", "libcudart.so.13", "libcudart.so.13"),
        ("malloc", "GLIBC_2.2.5", None),
        ("pthread_create", "", None),
    ],
)
def test_a_symbol_goes_to_its_library(symbol: str, version: str, owner: str | None) -> None:
    libraries = ["libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13"]
    assert cpu_stubs.owner_of(symbol, version, libraries) == owner


def test_a_stand_in_loads_and_has_no_device(tmp_path: Path) -> None:
    library = tmp_path / "libcudart.so.13"
    symbols = {"cudaGetDeviceCount": "libcudart.so.13", "cudaMalloc": "libcudart.so.13"}
    cpu_stubs.compile_stub(library, symbols)
    loaded, count = ctypes.CDLL(str(library)), ctypes.c_int(9)

    assert loaded.cudaGetDeviceCount(ctypes.byref(count)) == cpu_stubs.NO_DEVICE
    assert count.value == 0
    assert loaded.cudaMalloc() == cpu_stubs.NO_DEVICE


@pytest.mark.parametrize(
    "name", ["cpu.txt", "cuda.txt", "llm.txt", "vision.txt", "audio.txt", "test.txt", "uv.txt"]
)
def test_locks_are_exact_hashed_and_name_no_index(name: str) -> None:
    text = (REQUIREMENTS / name).read_text()
    packages = text.replace("\\\n", " ").splitlines()

    assert packages
    assert "://" not in text
    for package in packages:
        assert re.match(r"[a-z0-9._-]+==\S+", package), package
        assert "--hash=sha256:" in package


def test_the_lean_lock_is_the_full_one_less_cuda() -> None:
    def names(file: str) -> set[str]:
        return set(
            re.findall(r"^([a-z0-9._-]+==\S+)", (REQUIREMENTS / file).read_text(), re.MULTILINE)
        )

    left_out = names("cuda.txt") - names("cpu.txt")
    assert names("cpu.txt") <= names("cuda.txt")
    assert left_out
    assert all(re.match(r"(nvidia|cuda|triton)", name) for name in left_out)


def test_a_full_disk_is_told_before_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(install.DISK_NEEDED, "cpu", 1 << 60)
    with pytest.raises(install.InstallError, match="GiB free") as caught:
        install.check_room(tmp_path, "cpu")
    assert "KRIPTIK_CACHE" in caught.value.remedy


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("error: No space left on device", "disk is full"),
        ("error: dns error: failed to lookup", "could not be reached"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES: hash mismatch", "locked hash"),
        ("something else", "failed with exit code 3"),
    ],
)
def test_a_failing_step_says_what_to_do(output: str, problem: str) -> None:
    script = f"import sys; print({output!r}); sys.exit(3)"
    with pytest.raises(install.InstallError, match=problem) as caught:
        install.run([sys.executable, "-c", script], "installing")
    assert caught.value.remedy


def test_a_wrong_device_is_refused_with_a_remedy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, install.__file__],
        env={"KRIPTIK_DEVICE": "tpu", "KRIPTIK_CACHE": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 20
    assert "Remedy: Set it to cpu, cuda or auto" in done.stderr


def test_packages_are_compiled_whatever_else_lies_there(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "site-packages"
    (site / "good").mkdir(parents=True)
    (site / "good" / "one.py").write_text("ONE = 1\n")
    (site / "old.py").write_text("print 'of another Python'\n")
    install.compile_all(Path(sys.executable), tmp_path / "lib")
    assert [path.parent.parent.name for path in site.rglob("*.pyc")] == ["good"]
