"""What each spider brings home, in the order of its JSON: what Scrapy brings home too."""

from __future__ import annotations

from typing import Any

EXPECTED: dict[str, list[Any]] = {
    "api": [
        {"by": "Ada Plum", "text": "Measure before you cut."},
        {"by": "Ada Plum", "text": "What is counted is not lost."},
        {"by": "Ben Ore", "text": "A slow page is still a page."},
        {"by": "Ben Ore", "text": "Ask twice, knock once."},
        {"by": "Cy Loam", "text": "Rivers do not queue."},
        {
            "found": ["Measure before you cut.", "What is counted is not lost."],
            "status": 200,
            "type": "application/json",
        },
        {"names": ["Ben Ore"]},
    ],
    "arguments": [{"names": ["spade"], "title": "Garden"}],
    "authors": [
        {"born": "July 9, 1933", "known": True, "name": "Ben Ore", "place": "Hull"},
        {"born": "March 3, 1901", "known": True, "name": "Ada Plum", "place": "Lyme"},
    ],
    "closing": [{"page": 1}, {"page": 2}],
    "dataclass_items": [
        {"author": "nobody", "length": 22, "tags": ["nature", "time"], "text": "“Rivers do not queue.”"},
        {"author": "nobody", "length": 30, "tags": ["care"], "text": "“What is counted is not lost.”"},
        {"page": 2},
    ],
    "downloader_middleware": [
        {"from": "middleware", "path": "/echo/a"},
        {"from": "middleware", "path": "/echo/instead"},
        {"refused": True, "url": "SITE/secret"},
        {"text": "gave up waiting"},
        {"text": "hush"},
    ],
    "errbacks": [
        {"body": "<html>", "retried": 0, "status": 404},
        {"body": "<html>", "retried": 0, "status": 410},
        {"body": "broken", "retried": 1, "status": 500},
        {"error": True, "url": "SITE/slow"},
        {"fine": 200},
    ],
    "extracting": [
        {
            "attributes": [{"class": "fact big", "data-no": "1"}],
            "dated": ["1"],
            "facts": ["1", "2"],
            "last": "Paid 1,200 EUR",
            "missing": "-",
            "number": "1,200",
            "whole": "Died: never",
        },
        {"kind": "TextResponse", "lines": ["just text", "line two"]},
        {"xml": [["1", "one"], ["2", "two"]]},
    ],
    "following": [
        {"asked": "again", "depth": 1, "flags": ["twice"], "from": "me", "path": "/echo/1"},
        {"asked": 1, "depth": 1, "flags": [], "from": "defaults", "path": "/echo/1"},
        {"asked": 2, "depth": 1, "flags": [], "from": "defaults", "path": "/echo/2"},
        {"asked": 3, "depth": 1, "flags": [], "from": "defaults", "path": "/echo/3"},
        {"joined": ["HOST/deep/page?x=1", "HOST/up", "other.test/z"]},
    ],
    "loader": [
        {"facts": "sku-35, made by hand, seen", "name": "CUP", "stock": 5, "where": "Kitchen"},
        {"facts": "sku-47, made by hand, seen", "name": "RAKE", "price": 19.99, "stock": 7, "where": "Garden"},
        {"facts": "sku-63, made by hand, seen", "name": "KETTLE", "price": 12.5, "stock": 3, "where": "Kitchen"},
    ],
    "login": [{"came_from": 1, "hello": "Hello Ada"}, {"order": 17}, {"order": 23}],
    "pipelines": [
        {"name": "Kettle", "price": "12.50", "with_tax": 15.0},
        {"name": "Rake", "price": "19.99", "with_tax": 23.99},
        {"name": "Spade", "price": "25.00", "with_tax": 30.0},
    ],
    "quotes": [
        {"author": "Ada Plum", "tags": ["care"], "text": "What is counted is not lost."},
        {"author": "Ada Plum", "tags": ["craft", "care"], "text": "Measure before you cut."},
        {"author": "Ben Ore", "tags": ["manners", "web"], "text": "Ask twice, knock once."},
        {"author": "Ben Ore", "tags": ["web"], "text": "A slow page is still a page."},
        {"author": "Cy Loam", "tags": ["nature", "time"], "text": "Rivers do not queue."},
    ],
    "shop_rules": [
        {"link": "kettle", "name": "Kettle", "source": "rule"},
        {"link": "rake", "name": "Rake", "source": "rule"},
        {"link": "spade", "name": "Spade", "source": "rule"},
        {"start": ["garden", "kitchen", "help"]},
    ],
    "signalled": [{"page": "1"}, {"page": "2"}, {"page": "3"}],
    "spider_middleware": [
        {"mended": "2"},
        {"page": "1", "quotes": 2, "seen": 1},
        {"page": "2", "quotes": 2, "seen": 1},
        {"page": "3", "quotes": 1, "seen": 1},
    ],
    "starting": [
        {"body": "", "method": "GET", "path": "/echo/get?q=%C3%BC+b"},
        {"body": "n=1", "method": "POST", "path": "/echo/1?b=2&a=1"},
        {"body": "n=2", "method": "POST", "path": "/echo/2?b=2&a=1"},
        {"body": "x=1&y=2&y=3", "method": "POST", "path": "/echo/form"},
        {"started": True},
    ],
    "starting_before": [{"number": "1", "page": "1", "quotes": 2}, {"number": "2", "page": "2", "quotes": 2}],
    "statuses": [
        {"location": "", "path": "broken", "status": 500, "tries": 0},
        {"location": "", "path": "flaky?statuses", "status": 200, "tries": 1},
        {"location": "", "path": "missing", "status": 404, "tries": 0},
        {"location": "", "path": "page/1", "status": 200, "tries": 0},
        {"location": "/page/3", "path": "old", "status": 301, "tries": 0},
    ],
    "tagged": [{"asked": "/echo/tag/care"}],
}

#: What spiders note in ``self.notes`` on the way.
NOTES: dict[str, list[Any]] = {
    "closing": ["enough", 2],
    "pipelines": ["open", "taxed 3", "dropped 1"],
    "signalled": ["opened signalled", "closed finished with 3"],
}
