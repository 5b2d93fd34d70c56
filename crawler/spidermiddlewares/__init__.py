"""What Scrapy keeps in spider middlewares and ported code imports from here. The rules themselves are built into the engine."""
