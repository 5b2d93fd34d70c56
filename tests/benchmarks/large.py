"""How much memory do twenty files of 200 MB take that arrive at once?

    python -m tests.benchmarks.large [--count 20] [--megabytes 200]

Each crawl runs in a process of its own (``tests.loopback.large``) and reads every file through, which is how the content is
known to be right. Linux only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

from tests.loopback.large import digest_of

WAYS = {
    "as it is": (),
    "crawl.max_bytes_in_hand = 16 MB": ("crawl.max_bytes_in_hand=16000000",),
    "never to a file": ("http.spool_above=0",),
}


def main() -> None:
    """Measure each way once and print by how much the memory grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=200)
    given = parser.parse_args()
    expected = digest_of(given.megabytes * 1024 * 1024)
    print(f"{given.count} x {given.megabytes} MB")
    for name, settings in WAYS.items():
        began = time.perf_counter()
        command = [sys.executable, "-m", "tests.loopback.large", str(given.count), str(given.megabytes), *settings]
        took = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        assert took["digests"] == [expected] * given.count, "a file came out wrong"
        print(f"  {name:32} {took['grown']:8.1f} MB of memory, {time.perf_counter() - began:6.1f} s", flush=True)


if __name__ == "__main__":
    main()
