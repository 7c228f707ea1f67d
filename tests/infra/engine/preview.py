"""A preview in a process of its own, of the program as it is there: `... <stack> <home> <port>`."""

import sys
from pathlib import Path

from infra.__main__ import deploy
from infra.emulator.stack import Engine, configuration

if __name__ == "__main__":
    name, home, port = sys.argv[1:]
    stack = Engine(Path(home), int(port)).stack(name, deploy, configuration(name))
    stack.preview(on_output=print, color="never")
