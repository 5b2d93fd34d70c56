"""Quotes behind a login: a form with a token, a session, pages."""

from __future__ import annotations

from urllib.parse import urljoin

from crawler import FormRequest, Request
from crawler.demo.hosted import DemoSpider


class QuotesSpider(DemoSpider):
    """Logs in as a browser does, with the hidden fields of the form, and collects every quote.

    Without a *site* it crawls the bundled demo site.
    """

    name = "quotes"
    custom_settings = {"politeness.hosts": {"127.0.0.1": {"delay": 0.0}}}

    def __init__(self, site: str = "", username: str = "reader", password: str = "letters", **kwargs) -> None:
        super().__init__(**kwargs)
        self.site = site
        self.username, self.password = username, password

    async def start(self):
        yield Request(urljoin(self.site, "/quotes/login"))

    def parse(self, response):
        # The token in the form and the session cookie belong together; both are sent along.
        yield FormRequest.from_response(
            response,
            formdata={"username": self.username, "password": self.password},
            callback=self.parse_quotes,
            errback=self.not_logged_in,
        )

    def parse_quotes(self, response):
        for quote in response.css("div.quote"):
            yield {
                "text": quote.css("span.text::text").get(),
                "author": quote.css("small.author::text").get(),
                "tags": quote.css("a.tag::text").getall(),
            }
        yield from response.follow_all(css="li.next a", callback=self.parse_quotes)

    def not_logged_in(self, failure) -> None:
        self.logger.error("The login as %s was refused: %s", self.username, failure.value)
