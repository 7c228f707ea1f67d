"""What a file's path says: whether it is a delivery, of which entity, in which format."""

from enum import StrEnum

from pipeline.contracts.entities import ENTITIES
from pipeline.contracts.model import Entity
from pipeline.errors import FileRefusedError


class Format(StrEnum):
    """The formats that deliveries come in, by their extensions."""

    CSV = ".csv"
    CSV_GZ = ".csv.gz"
    XLSX = ".xlsx"


_PUT_ASIDE = {"archive", "rejected"}


def is_delivery(path: str) -> bool:
    """Return whether a path below the landing zone is meant to be taken in.

    Names that begin with `.` or `_` are not, nor is what lies in `archive/` or `rejected/` at the
    top.
    """
    parts = path.split("/")
    return (len(parts) == 1 or parts[0] not in _PUT_ASIDE) and not any(
        part.startswith((".", "_")) for part in parts
    )


def format_of(path: str) -> Format:
    """Return the format that the extension names, in any case.

    Raises:
        FileRefusedError: The extension is none of the accepted ones.
    """
    name = path.rpartition("/")[2].lower()
    for known in (Format.CSV_GZ, Format.CSV, Format.XLSX):
        if name.endswith(known.value):
            return known
    accepted = ", ".join(known.value for known in Format)
    raise FileRefusedError(
        "extension",
        f"Its extension is none of {accepted}.",
        "Deliver it in one of these formats.",
    )


def entity_of(path: str) -> Entity:
    """Return the entity that a path belongs to.

    Its first folder below the landing zone names it, else its own name begins with an entity's
    name, the longest that fits, not followed by a letter; in any ASCII case.

    Raises:
        FileRefusedError: No entity fits.
    """
    folder, slash, _ = path.partition("/")
    by_folder = next((e for e in ENTITIES if slash and _lower(folder) == e.name), None)
    entity = by_folder or _by_own_name(_lower(path.rpartition("/")[2]))
    if entity is None:
        names = ", ".join(entity.name for entity in ENTITIES)
        raise FileRefusedError(
            "entity",
            f"Neither its first folder nor its name is that of an entity ({names}).",
            "Put it into the folder of its entity, or begin its name with the entity's.",
        )
    return entity


def _by_own_name(name: str) -> Entity | None:
    fitting = [e for e in ENTITIES if name.startswith(e.name)]
    longest = max(fitting, key=lambda entity: len(entity.name), default=None)
    if longest is None or name[len(longest.name) :][:1].isalpha():
        return None
    return longest


def _lower(text: str) -> str:
    """Return text with ASCII letters in lower case and all others as they are."""
    return "".join(c.lower() if c.isascii() else c for c in text)
