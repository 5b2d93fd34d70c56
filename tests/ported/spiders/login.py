"""A login form with a hidden token, a session cookie, and a redirect."""

import scrapy
from scrapy.http import FormRequest


class LoginSpider(scrapy.Spider):
    name = "login"
    start_urls = ["http://site.test/login"]

    def parse(self, response):
        return FormRequest.from_response(response, formdata={"user": "ada", "word": "plum"}, callback=self.after_login)

    def after_login(self, response):
        if "wrong" in response.text:
            self.logger.error("the login failed")
            return
        yield {"hello": response.css("h1.hello::text").get(), "came_from": len(response.request.meta["redirect_urls"])}
        yield response.follow(response.css("a.orders")[0], callback=self.parse_orders)

    def parse_orders(self, response):
        for order in response.css("li.order::text").getall():
            yield {"order": int(order)}
