"""A CrawlSpider: rules, process_links, cb_kwargs, and the start page."""

from scrapy.linkextractors import LinkExtractor
from scrapy.spiders import CrawlSpider, Rule


class ShopSpider(CrawlSpider):
    name = "shop_rules"
    allowed_domains = ["site.test"]
    start_urls = ["http://site.test/shop"]
    rules = (
        Rule(LinkExtractor(allow=r"/shop/", deny=r"help"), follow=True),
        Rule(
            LinkExtractor(allow=r"/item/", restrict_css="body"),
            callback="parse_item",
            cb_kwargs={"source": "rule"},
            process_links="without_cups",
        ),
    )

    def without_cups(self, links):
        return [link for link in links if "cup" not in link.url]

    def parse_start_url(self, response):
        yield {"start": response.css("nav a::text").getall()}

    def parse_item(self, response, source):
        yield {"name": response.xpath("//h1/text()").get(), "link": response.meta["link_text"], "source": source}
