"""Item loaders: processors, nested loaders, defaults."""

import scrapy
from itemloaders.processors import Compose, Join, MapCompose, TakeFirst
from scrapy.loader import ItemLoader


def pounds(text):
    return float(text.lstrip("£")) if text else None


class Product(scrapy.Item):
    name = scrapy.Field(input_processor=MapCompose(str.strip, str.upper))
    price = scrapy.Field(input_processor=MapCompose(pounds))
    stock = scrapy.Field()
    facts = scrapy.Field(output_processor=Join(", "))
    where = scrapy.Field()


class ProductLoader(ItemLoader):
    default_item_class = Product
    default_output_processor = TakeFirst()
    stock_in = MapCompose(str.split, lambda word: int(word) if word.isdigit() else None)
    where_out = Compose(TakeFirst(), str.title)


class LoaderSpider(scrapy.Spider):
    name = "loader"
    start_urls = ["http://site.test/item/kettle", "http://site.test/item/rake", "http://site.test/item/cup"]

    def parse(self, response):
        loader = ProductLoader(response=response)
        loader.add_css("name", "h1::text")
        loader.add_css("price", "p.price::text", re=r"£[\d.]+")
        table = loader.nested_xpath("//table")
        table.add_xpath("stock", ".//tr[th='Stock']/td/text()")
        table.add_xpath("where", ".//tr[th='Shelf']/td/text()")
        loader.add_css("facts", "ul.facts li::text")
        loader.add_value("facts", "seen")
        yield loader.load_item()
