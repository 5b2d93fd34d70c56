"""A documentation site: what its pages are about."""

from __future__ import annotations

from urllib.parse import urlsplit

from crawler import Request, Spider
from crawler.http import HtmlResponse
from crawler.linkextractors import LinkExtractor


class DocsSpider(Spider):
    """Every page of a documentation site below *url*: title, headings, length of the text.

    Links are followed that stay on the host and below the folder of *url*.
    """

    name = "docs"

    def __init__(self, url: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self.url = url
        parts = urlsplit(url)
        self.allowed_domains = [parts.hostname or ""]
        self.folder = f"{parts.scheme}://{parts.netloc}{parts.path.rpartition('/')[0]}/"
        self.links = LinkExtractor(process_value=self.page_of_link)

    async def start(self):
        yield Request(self.url)

    def page_of_link(self, link: str) -> str | None:
        """Return the page that *link* leads to, None if it is not one of the documentation."""
        page = link.partition("#")[0]
        return page if page.startswith(self.folder) else None

    def parse(self, response):
        if not isinstance(response, HtmlResponse):
            return
        text = response.xpath("normalize-space(//body)").get("")
        yield {
            "url": response.url,
            "title": response.css("title::text").get("").strip(),
            "headings": [" ".join(heading.xpath("string()").get("").split()) for heading in response.css("h1, h2, h3")],
            "text_length": len(text),
        }
        yield from response.follow_all(self.links.extract_links(response))
