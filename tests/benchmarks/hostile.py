"""Conversations with a server that means no good, by the thousand.

    python -m tests.benchmarks.hostile --conversations 10000

Prints how they ended, how long it took and by how much memory has grown; ends with an error if one did not end in exactly one way.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from twisted.internet import asyncioreactor
from twisted.internet.defer import Deferred


def main() -> None:
    """Talk and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    asyncioreactor.install()
    from twisted.internet import reactor  # only now: importing it installs one

    from tests.loopback.conversations import talk

    outcomes: list[Any] = []

    def begin() -> None:
        talking = Deferred.fromCoroutine(talk(given.conversations, given.seed))
        talking.addBoth(outcomes.append).addBoth(lambda _: reactor.stop())

    began = time.perf_counter()
    reactor.callWhenRunning(begin)
    reactor.run()
    if not isinstance(outcomes[0], tuple):
        outcomes[0].raiseException()
    ends, grown = outcomes[0]
    print(
        f"{given.conversations:,} conversations in {time.perf_counter() - began:.0f} s, {grown / 1e6:.0f} MB more memory"
    )
    for end, count in ends.most_common():
        print(f"  {count:6,} {end}")


if __name__ == "__main__":
    main()
