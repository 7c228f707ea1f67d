"""The index of the decision records, from their headings."""

from docs.generate.markdown import table
from docs.generate.pages import ROOT

_FOLDER = ROOT / "docs" / "adr"


def index() -> str:
    """Return every record with its number and heading.

    Raises:
        ValueError: A record does not begin with `# NNNN: what was decided`.
    """
    rows = []
    for path in sorted(_FOLDER.glob("[0-9]*.md")):
        number, colon, decision = (
            path.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ").partition(": ")
        )
        if not colon or not path.name.startswith(f"{number}-"):
            msg = f"{path.name} does not begin with its number and what was decided"
            raise ValueError(msg)
        rows.append((f"[{number}]({path.name})", decision))
    return table(("number", "decision"), rows)
