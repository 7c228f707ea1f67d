"""An up in a process of its own, to be interrupted: `python -m ... <stack> <home> <port>`."""

import signal
import sys
from pathlib import Path

from infra.__main__ import deploy
from infra.emulator.stack import Engine, configuration

if __name__ == "__main__":
    # The engine hears the same signal, finishes what it is at, and ends; that is waited for.
    signal.signal(signal.SIGINT, lambda *_: None)
    name, home, port = sys.argv[1:]
    Engine(Path(home), int(port)).stack(name, deploy, configuration(name)).up()
