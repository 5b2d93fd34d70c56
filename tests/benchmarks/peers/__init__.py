"""The same spider on several crawlers. Each module is a program: ``python -m tests.benchmarks.peers.NAME URL OUTPUT``.

All follow every link of the host, write url, title and the texts of h1 to a JSON Lines file, have 32 requests in flight, no delay
and do not ask for robots.txt.
"""
