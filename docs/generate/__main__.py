"""Write the generated blocks of every page, or `--check` whether they are fresh."""

import argparse
import sys

from docs.generate.blocks import BLOCKS
from docs.generate.pages import ROOT, PageError, pages, refreshed


def main() -> int:
    """Write or check, say of each stale page what became of it, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="./lakehouse docs",
        description="Write what contracts, workflow and code know into the documents.",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 when a page is stale"
    )
    check = parser.parse_args().check
    stale = 0
    for path in pages():
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        try:
            fresh = refreshed(name, text, BLOCKS)
        except PageError as error:
            print(error, file=sys.stderr)
            return 1
        if fresh == text:
            continue
        stale += 1
        if not check:
            path.write_text(fresh, encoding="utf-8")
        print(f"{name}: {'stale' if check else 'written'}")
    if not stale:
        print("Every page is fresh.")
    elif check:
        print("Write them: ./lakehouse docs")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
