"""Which version of the software this is."""

from importlib import metadata
from pathlib import Path

_NAME = "ecommerce-lakehouse"


def version() -> str:
    """Return the version of the installed package, or of the checkout that this runs from."""
    import tomllib

    checkout = Path(__file__).parents[2] / "pyproject.toml"
    if checkout.is_file():
        return str(tomllib.loads(checkout.read_text(encoding="utf-8"))["project"]["version"])
    try:
        return metadata.version(_NAME)
    except metadata.PackageNotFoundError:
        return "unknown"
