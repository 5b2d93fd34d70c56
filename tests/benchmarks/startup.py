"""What it costs to start: ``crawler --help`` beside ``scrapy version``, ``crawler version`` and a bare ``python``.

python -m tests.benchmarks.startup
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "crawler --help": [sys.executable, "-m", "crawler", "--help"],
    "crawler version": [sys.executable, "-m", "crawler", "version"],
    "scrapy version": [sys.executable, "-m", "scrapy", "version"],
}
ROUNDS = 15


def cpu(command: list[str]) -> float:
    """Return the CPU that *command* takes, in seconds."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Run the commands in turn and print medians and ratios."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            taken[name].append(cpu(command))
    scrapy = statistics.median(taken["scrapy version"])
    for name, times in taken.items():
        middle = statistics.median(times)
        print(f"{name:16} {middle * 1000:6.0f} ms of CPU, {middle / scrapy:.2f} of scrapy version")


if __name__ == "__main__":
    main()
