"""Files to keep: the FilesPipeline downloads what ``file_urls`` names, and tells in ``files`` where it is."""

from __future__ import annotations

from urllib.parse import urljoin

from crawler import Request
from crawler.demo.hosted import DemoSpider


class FilesSpider(DemoSpider):
    """Every file that a page lists, kept below the folder ``files``. Without a *site* it crawls the bundled demo site."""

    name = "files"
    custom_settings = {
        "components.pipelines": ["crawler.pipelines.files.FilesPipeline"],
        "files.store": "files",
        "politeness.hosts": {"127.0.0.1": {"delay": 0.0}},
    }

    def __init__(self, site: str = "", **kwargs) -> None:
        super().__init__(**kwargs)
        self.site = site

    async def start(self):
        yield Request(urljoin(self.site, "/files/"))

    def parse(self, response):
        for row in response.css("table tr"):
            yield {
                "name": row.css("td::text").get(),
                "file_urls": [response.urljoin(row.css("a.file").attrib["href"])],
            }
