"""What is deployed as code: the wheel, the jobs' entry script, and the archive of the functions.

All are named by what they hold, so that a job runs the code it was planned with, a deployment that
changes nothing uploads nothing, and going back is naming the file of before.
"""

import atexit
import hashlib
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from infra.config import ROOT, ConfigError

ENTRY = ROOT / "pipeline" / "spark" / "job.py"
# What the engine was tested with; jobs and functions get the same versions.
LOCK = ROOT / "requirements" / "spark.txt"
# What the functions need besides the pipeline and what the runtime has. Pure Python all of it.
FUNCTION_LIBRARIES = ("narwhals",)
# What the jobs install besides the pipeline and what Glue has.
JOB_LIBRARIES = ("narwhals", "python-calamine")
# No file of an archive has a time of its own; the earliest that zip can say.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


@dataclass(frozen=True)
class Asset:
    """A file to be uploaded.

    Attributes:
        path: Where it lies.
        key: Key of its object; it holds the digest of its content.
        digest: SHA-256 of its content, in hex.
    """

    path: Path
    key: str
    digest: str


@dataclass(frozen=True)
class Assets:
    """All that is uploaded.

    Attributes:
        wheel: The pipeline, for the jobs.
        script: The jobs' entry script.
        function: The pipeline with what it needs, for the functions.
        modules: Libraries that the jobs install, with their exact versions.
    """

    wheel: Asset
    script: Asset
    function: Asset
    modules: tuple[str, ...]


def assets(wheel: Path | None) -> Assets:
    """Return what is uploaded.

    Args:
        wheel: A wheel that was built before; None builds one.

    Raises:
        ConfigError: There is no such wheel, it is none, or a library is not installed.
    """
    found = built() if wheel is None else _existing(wheel)
    return Assets(
        wheel=_named(found, "wheels"),
        script=_named(ENTRY, "scripts"),
        function=_named(function_archive(found), "functions"),
        modules=tuple(f"{name}=={locked(name)}" for name in JOB_LIBRARIES),
    )


def _existing(wheel: Path) -> Path:
    path = wheel if wheel.is_absolute() else ROOT / wheel
    hint = "Build it (hatchling build -t wheel), or take lakehouse:wheel out to have it built."
    if not path.is_file():
        msg = f"lakehouse:wheel names {wheel}, and there is no such file. {hint}"
        raise ConfigError(msg)
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile:
        names = set()
    if path.suffix != ".whl" or "pipeline/workflow.py" not in names:
        msg = f"lakehouse:wheel names {wheel}, which is no wheel of this project. {hint}"
        raise ConfigError(msg)
    return path


@cache
def _folder() -> Path:
    """Return the folder of this process for what is built; it goes with the process."""
    folder = tempfile.mkdtemp(prefix="lakehouse-assets-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def built() -> Path:
    """Build the wheel, once per process. The same sources give the same bytes.

    Raises:
        ConfigError: It cannot be built.
    """
    from hatchling.builders.wheel import WheelBuilder

    builder = WheelBuilder(str(ROOT))
    try:
        return Path(next(builder.build(directory=str(_folder()), versions=["standard"])))
    except (OSError, ValueError, TypeError) as error:
        msg = f"The wheel cannot be built in {ROOT}: {error}. Is this a complete checkout?"
        raise ConfigError(msg) from error


def function_archive(wheel: Path) -> Path:
    """Return the archive of the functions: the pipeline of a wheel, and the libraries it needs."""
    with zipfile.ZipFile(wheel) as source:
        members = {
            name: source.read(name) for name in source.namelist() if name.startswith("pipeline/")
        }
    for library in FUNCTION_LIBRARIES:
        members |= dict(_files(library))
    target = _folder() / f"{wheel.stem}-function.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = _MODE
            archive.writestr(info, members[name], zipfile.ZIP_DEFLATED)
    return target


def _files(library: str) -> Iterator[tuple[str, bytes]]:
    """Yield the modules of an installed library, and what pip noted of it."""
    found = _library(library)
    for file in found.files or ():
        path = PurePosixPath(file)
        if ".." in path.parts or path.suffix == ".pyc" or path.name in {"RECORD", "INSTALLER"}:
            continue
        place = Path(str(found.locate_file(file)))
        if path.suffix == ".so":
            msg = f"{library} is not pure Python, so a function on arm64 cannot have it as it is."
            raise ConfigError(msg)
        yield path.as_posix(), place.read_bytes()


def locked(library: str) -> str:
    """Return the version of a library that the engine was tested with.

    Raises:
        ConfigError: The lock file does not say.
    """
    found = re.search(rf"^{re.escape(library)}==([^ ;\\]+)", LOCK.read_text("utf-8"), re.MULTILINE)
    if found is None:
        msg = f"{LOCK.relative_to(ROOT)} does not name {library}: run ./lakehouse lock."
        raise ConfigError(msg)
    return found[1]


def _library(name: str) -> Distribution:
    try:
        found = distribution(name)
    except PackageNotFoundError:
        version = None
    else:
        version = found.version
    if version != locked(name):
        msg = (
            f"Pulumi's Python has {name} {version or 'not at all'}, and the pipeline was tested "
            f"with {locked(name)}. Run `pulumi install` in the project's folder."
        )
        raise ConfigError(msg)
    return found


def _named(path: Path, folder: str) -> Asset:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    # pip takes a wheel by its name, so the digest stands before it.
    name = path.name.replace(f"{path.stem}.zip", "function.zip") if folder == "functions" else None
    return Asset(path, f"{folder}/{digest[:16]}/{name or path.name}", digest)
