"""Extensions: components that live by the signals of a crawl. Those that are always there, and those that settings switch on."""
