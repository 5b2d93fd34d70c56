"""Pages of authors, with what the listing knew passed on in cb_kwargs."""

import scrapy


class AuthorsSpider(scrapy.Spider):
    name = "authors"
    allowed_domains = ["site.test"]
    start_urls = ["http://site.test/page/1", "http://site.test/page/3"]

    def parse(self, response):
        for quote in response.css(".quote"):
            link = quote.css("a.about::attr(href)").get()
            yield response.follow(link, self.parse_author, cb_kwargs={"seen_on": response.url.rsplit("/", 1)[-1]})

    def parse_author(self, response, seen_on):
        def text(query):
            return response.css(query).get(default="").strip()

        yield {
            "name": text("h3.author-title::text"),
            "born": text(".born::text"),
            "place": text(".place::text").removeprefix("in "),
            "known": seen_on in ("1", "3"),
        }
