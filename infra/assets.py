"""What is deployed as code: the wheel, which is also the functions' archive, and the jobs' script.

Both are named by what they hold, so that a job runs the code it was planned with, a deployment that
changes nothing uploads nothing, and going back is naming the file of before.
"""

import atexit
import hashlib
import re
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.config import ROOT, ConfigError

ENTRY = ROOT / "pipeline" / "spark" / "job.py"
# What the engine was tested with; jobs get the same versions.
LOCK = ROOT / "requirements" / "spark.txt"
# What the jobs install besides the pipeline and what Glue has.
JOB_LIBRARIES = ("narwhals", "python-calamine")


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
        wheel: The pipeline. Jobs install it, functions run from it: a wheel is an archive, and the
            steps that functions do need nothing but the pipeline and what the runtime has.
        script: The jobs' entry script.
        modules: Libraries that the jobs install, with their exact versions.
    """

    wheel: Asset
    script: Asset
    modules: tuple[str, ...]


def assets(wheel: Path | None) -> Assets:
    """Return what is uploaded.

    Args:
        wheel: A wheel that was built before; None builds one.

    Raises:
        ConfigError: There is no such wheel, or it is none.
    """
    found = built() if wheel is None else _existing(wheel)
    return Assets(
        wheel=_named(found, "wheels"),
        script=_named(ENTRY, "scripts"),
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


def _named(path: Path, folder: str) -> Asset:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    # pip takes a wheel by its name, so the digest stands before it.
    return Asset(path, f"{folder}/{digest[:16]}/{path.name}", digest)
