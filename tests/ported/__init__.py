"""Spiders as Scrapy's tutorials teach them, in Scrapy's form; see test_ported and compare."""
