"""Which version of the software this is."""

from importlib import metadata

from simulator.cli.checkout import checkout

_NAME = "ecommerce-lakehouse"


def version() -> str:
    """Return the version of the installed package, or of the checkout that this runs from."""
    import tomllib

    sources = checkout()
    if sources is not None:
        text = (sources / "pyproject.toml").read_text(encoding="utf-8")
        return str(tomllib.loads(text)["project"]["version"])
    try:
        return metadata.version(_NAME)
    except metadata.PackageNotFoundError:
        return "unknown"
