"""The downloader middlewares of every crawl: what happens to a request on its way out and to a response on its way in.

In the order in which a request meets them: credentials (``httpauth``), time limit (``downloadtimeout``), headers
(``defaultheaders``, ``useragent``), second attempts (``retry``), redirects (``redirect``), cookies (``cookies``).

Each one is thin: it reads settings and ``meta``, asks a pure policy of ``crawler.http``, and counts. None of them
waits, and all hooks are plain functions.
"""
