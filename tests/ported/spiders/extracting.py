"""XPath: variables, EXSLT, regular expressions, has-class; text that is no HTML."""

from scrapy import Selector, Spider


class ExtractSpider(Spider):
    name = "extracting"
    start_urls = ["http://site.test/facts", "http://site.test/text"]

    def parse(self, response):
        if response.url.endswith("/text"):
            yield {"lines": response.text.splitlines(), "kind": type(response).__name__}
            return
        yield {
            "facts": response.xpath("//li[has-class('fact')]/@data-no").getall(),
            "dated": response.xpath(r"//li[re:test(text(), '\d{4}-\d\d')]/@data-no").getall(),
            "number": response.xpath("//li[@data-no=$no]", no="3").re_first(r"([\d,]+) EUR"),
            "whole": response.xpath("string(//li[2])").get(),
            "missing": response.css("li.none::text").get(default="-"),
            "attributes": [dict(li.attrib) for li in response.css("li")][:1],
            "last": response.css("li")[-1].xpath("./text()").extract_first(),
        }
        selector = Selector(text="<root><a x='1'>one</a><a x='2'>two</a></root>", type="xml")
        yield {"xml": [(a.attrib["x"], a.xpath("text()").get()) for a in selector.xpath("//a")]}
