"""Makes stand-ins for the CUDA libraries, so that a CUDA build of torch runs without them.

The wheels on the package index are linked against some 5 GB of CUDA libraries that a machine without
a GPU never calls. The dynamic linker only wants each library to exist and each versioned symbol to be
there; functions are bound when first called. So a library of empty functions, one for every symbol
that torch leaves undefined, is enough, with `cudaGetDeviceCount` answering "no device".

Usage: python cpu_stubs.py SITE_PACKAGES. Needs cc, nm and readelf.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

CUDA_LIBRARY = re.compile(
    r"lib(?:cublas|cublasLt|cudart|cudnn|cufft|cufile|cupti|curand|cusolver|cusparse|cusparseLt"
    r"|nccl|nvrtc|nvJitLink|nvshmem_host|nvToolsExt)\.so\.\d+"
)

# Which library an unversioned symbol belongs to, by how its name begins. The longer prefix is first.
OWNERS = (
    ("nccl", "libnccl"),
    ("nvshmem", "libnvshmem_host"),
    ("cuFile", "libcufile"),
    ("cusparseLt", "libcusparseLt"),
    ("cublasLt", "libcublasLt"),
    ("cublas", "libcublas"),
    ("cudnn", "libcudnn"),
    ("cusparse", "libcusparse"),
    ("cufft", "libcufft"),
    ("nvrtc", "libnvrtc"),
    ("cupti", "libcupti"),
    ("curand", "libcurand"),
    ("cuda", "libcudart"),
    ("__cuda", "libcudart"),
)

NO_DEVICE = 100  # cudaErrorNoDevice
TEXT_ANSWERS = (
    "cudaGetErrorString",
    "cudaGetErrorName",
    "ncclGetErrorString",
    "ncclGetLastError",
)
# Functions that are called at import and whose answer matters.
BODIES = {
    "__cudaRegisterFatBinary": "static void *h[8]; void **__cudaRegisterFatBinary(void *p)"
    "{ return h; }",
    "cudaGetDeviceCount": f"int cudaGetDeviceCount(int *n) {{ *n = 0; return {NO_DEVICE}; }}",
    "cudaGetLastError": "int cudaGetLastError() { return 0; }",
    "cudaPeekAtLastError": "int cudaPeekAtLastError() { return 0; }",
    "cudnnGetVersion": "unsigned long cudnnGetVersion() { return 0; }",
    **{name: f'const char *{name}() {{ return "no CUDA"; }}' for name in TEXT_ANSWERS},
}

Symbols = dict[str, dict[str, str]]
"""Library file name -> symbol -> its version, "" for none."""


def run(*command: str | Path) -> str:
    """The standard output of a command that must succeed."""
    return subprocess.check_output([str(part) for part in command], text=True)


def needed(library: Path) -> set[str]:
    """The CUDA libraries that an ELF file asks the linker for."""
    names = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-dW", library))
    return {name for name in names if CUDA_LIBRARY.fullmatch(name)}


def undefined(library: Path) -> set[tuple[str, str]]:
    """(symbol, version) of what an ELF file leaves to other libraries."""
    found = set()
    for line in run("nm", "-D", "--undefined-only", library).splitlines():
        name, _, version = line.split()[-1].partition("@")
        found.add((name, version.lstrip("@")))
    return found


def owner_of(symbol: str, version: str, libraries: Iterable[str]) -> str | None:
    """The library, out of `libraries`, that has to define `symbol`; None if none has to."""
    known = set(libraries)
    if version in known:
        return version
    if version not in ("", "NVSHMEM"):
        return None
    stems = {name.split(".so")[0]: name for name in known}
    for prefix, stem in OWNERS:
        if symbol.startswith(prefix):
            return stems.get(stem)
    return None


def collect(torch_libraries: Iterable[Path], present: set[str]) -> Symbols:
    """What each missing CUDA library must define for these files to load."""
    wanted: set[str] = set()
    symbols: set[tuple[str, str]] = set()
    for library in torch_libraries:
        wanted |= needed(library)
        symbols |= undefined(library)
    wanted -= present
    table: Symbols = defaultdict(dict, {name: {} for name in wanted})
    for symbol, version in symbols:
        owner = owner_of(symbol, version, wanted)
        if owner is not None:
            table[owner][symbol] = version
    return table


def source(symbols: Mapping[str, str]) -> str:
    """C source that defines the symbols."""
    lines = [
        BODIES.get(name, f"int {name}() {{ return {NO_DEVICE}; }}") for name in sorted(symbols)
    ]
    return "\n".join([*lines, ""])


def version_script(symbols: Mapping[str, str]) -> str:
    """The linker script that gives the symbols their versions; empty when there are none."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name, version in sorted(symbols.items()):
        if version:
            groups[version].append(name)
    return "".join(
        f"{v} {{ global: {' '.join(f'{n};' for n in g)} }};\n" for v, g in groups.items()
    )


def compile_stub(target: Path, symbols: Mapping[str, str]) -> None:
    """Compiles one library of empty functions."""
    with tempfile.TemporaryDirectory() as scratch:
        code, script = Path(scratch, "stub.c"), Path(scratch, "stub.map")
        code.write_text(source(symbols))
        script.write_text(version_script(symbols))
        flags = ["-shared", "-fPIC", "-w", "-fno-builtin", f"-Wl,-soname,{target.name}"]
        if script.stat().st_size:
            flags.append(f"-Wl,--version-script={script}")
        run("cc", *flags, "-o", target, code)


def main(site_packages: Path) -> int:
    """Writes a stand-in beside torch's own libraries for each CUDA library that is missing."""
    lib = site_packages / "torch" / "lib"
    if not lib.is_dir():
        sys.stderr.write(f"cpu_stubs: {lib} does not exist; install torch first\n")
        return 20
    # These two are opened only when a GPU is there, so what they need may stay missing.
    skipped = {"libcaffe2_nvrtc.so", "libtorch_cuda_linalg.so"}
    libraries = [path for path in sorted(lib.glob("*.so*")) if path.name not in skipped]
    table = collect(libraries, {path.name for path in libraries})
    for name, symbols in sorted(table.items()):
        compile_stub(lib / name, symbols)
    sys.stderr.write(f"cpu_stubs: {len(table)} stand-ins written to {lib}\n")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python cpu_stubs.py SITE_PACKAGES")
    sys.exit(main(Path(sys.argv[1])))
