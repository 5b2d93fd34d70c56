"""What Scrapy keeps in spider middlewares and ported code imports from here.

The rules themselves are built into the engine: which requests are admitted, which responses reach a callback. The classes are for
projects that put one of their own in the place of one of Scrapy's. ``scrapy_paths.SWITCHES`` says what is off then.
"""
