"""robots.txt: Google's own tests, RFC 9309, and what a hostile or careless file may hold."""

from __future__ import annotations

import base64
import time

import pytest

from crawler.robots import MAX_BYTES, RobotsRules, directives, escaped, path_of, product_token
from tests.vectors import vectors

BOT = "mybot/1.0 (+https://mybot.example)"


def rules(text: str) -> RobotsRules:
    return RobotsRules.parse(text.encode())


# --- Google's tests: every assertion passes, there is no table of exceptions ----------------------


def test_every_decision_of_googles_tests_is_ours() -> None:
    wrong = [
        (case["test"], case["agent"], case["url"])
        for case in vectors("robots", "google_allowed.json")
        if rules(case["robots"]).allowed(case["url"], case["agent"]) != case["allowed"]
    ]
    assert wrong == []


def test_lines_are_counted_and_understood_as_google_does() -> None:
    for case in vectors("robots", "google_parse_report.json"):
        lines = list(directives(base64.b64decode(case["robots_b64"])))
        unknown = [line for line in lines if line.name == "unknown"]
        if "valid_directives" in case:
            assert len(lines) - len(unknown) == case["valid_directives"], case
        if "unknown_directives" in case:
            assert len(unknown) == case["unknown_directives"], case
        if "last_line_seen" in case:
            assert lines[-1].number == case["last_line_seen"], case
        if "sitemap" in case:
            assert RobotsRules.parse(base64.b64decode(case["robots_b64"])).sitemaps == (case["sitemap"],), case


def test_the_path_of_a_url_is_googles() -> None:
    for case in vectors("robots", "google_path.json"):
        assert path_of(case["url"]) == case["path"], case


def test_patterns_are_escaped_as_google_does() -> None:
    for case in vectors("robots", "google_escape.json"):
        assert escaped(case["pattern"]) == case["escaped"], case


def test_a_valid_product_token_is_taken_as_it_is() -> None:
    for case in vectors("robots", "google_agent_token.json"):
        if case["valid_product_token"]:
            assert product_token(case["agent"]) == case["agent"]


# --- user agents ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [
        ("mybot/1.0 (+https://mybot.example)", "mybot"),
        ("my-bot_x", "my-bot_x"),
        ("Mozilla/5.0 (compatible; MyBot/2.1; +https://mybot.example)", "MyBot"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0)", "Mozilla"),
        ("My Bot", "My Bot"),
        ("", ""),
    ],
)
def test_the_product_token_of_a_user_agent_header_is_found(user_agent: str, token: str) -> None:
    assert product_token(user_agent) == token


def test_a_group_speaks_to_the_token_of_a_whole_user_agent_header() -> None:
    assert not rules("User-agent: MyBot\nDisallow: /\n").allowed("https://example.com/", BOT)
    assert rules("User-agent: otherbot\nDisallow: /\n").allowed("https://example.com/", BOT)


# --- what decided ---------------------------------------------------------------------------------


def test_the_line_that_refused_is_named() -> None:
    found = rules("User-agent: *\nDisallow: /private  # keep out\nAllow: /private/open\n")
    assert found.decision("https://example.com/private/x", BOT) == (False, "Disallow: /private")
    assert found.decision("https://example.com/private/open", BOT) == (True, "Allow: /private/open")
    assert found.decision("https://example.com/", BOT) == (True, "")


def test_robots_txt_itself_is_always_allowed() -> None:
    assert rules("User-agent: *\nDisallow: /\n").allowed("https://example.com/robots.txt", BOT)


def test_an_empty_disallow_allows_everything() -> None:
    assert rules("User-agent: *\nDisallow:\n").allowed("https://example.com/x", BOT)


def test_a_disallow_holds_for_other_spellings_of_the_same_path() -> None:
    assert not rules("User-agent: *\nDisallow: /%7Ejoe/\n").allowed("https://example.com/~joe/x", BOT)
    assert not rules("User-agent: *\nDisallow: /~joe/\n").allowed("https://example.com/%7ejoe/x", BOT)
    assert rules("User-agent: *\nDisallow: /a/b\n").allowed("https://example.com/a%2Fb", BOT)


def test_wildcards_match_anything_and_the_dollar_the_end() -> None:
    found = rules("User-agent: *\nDisallow: /*.pdf$\nDisallow: /a*b*c\n")
    assert not found.allowed("https://example.com/x/y.pdf", BOT)
    assert found.allowed("https://example.com/x/y.pdf?z", BOT)
    assert not found.allowed("https://example.com/a1b2c3", BOT)
    assert found.allowed("https://example.com/a1c2b3", BOT)


def test_an_allowed_index_page_allows_its_folder() -> None:
    found = rules("User-agent: *\nDisallow: /\nAllow: /*/index.html\n")
    assert found.allowed("https://example.com/docs/", BOT)
    assert not found.allowed("https://example.com/docs/x", BOT)


# --- what a status means --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 429])
def test_a_client_error_or_endless_redirect_allows_everything(status: int) -> None:
    assert RobotsRules.of_response(status, b"User-agent: *\nDisallow: /").allowed("https://example.com/", BOT)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_server_error_disallows_everything_and_says_so(status: int) -> None:
    found = RobotsRules.of_response(status, b"")
    assert found.decision("https://example.com/", BOT) == (False, f"robots.txt answered with status {status}")


def test_an_unreachable_robots_txt_disallows_everything() -> None:
    assert RobotsRules.unreachable().decision("https://example.com/", BOT) == (False, "robots.txt could not be fetched")


def test_an_html_page_in_the_place_of_robots_txt_allows_everything() -> None:
    page = b"<!doctype html><html><head><title>Not: found</title></head><body><p>Disallow: /</p></body></html>"
    assert RobotsRules.of_response(200, page).allowed("https://example.com/", BOT)


# --- rates and sitemaps ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("10", 10.0), ("0.5", 0.5), (".5", 0.5), ("5 seconds", 5.0), ("soon", None), ("-1", None), ("", None)],
)
def test_a_crawl_delay_is_read(value: str, seconds: float | None) -> None:
    assert rules(f"User-agent: *\nCrawl-delay: {value}\nDisallow: /x\n").crawl_delay(BOT) == seconds


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        ("1/5", (1, 5.0)),
        ("30/1m", (30, 60.0)),
        ("100 / 24h", (100, 86400.0)),
        ("1/10s 0600-0845", (1, 10.0)),
        ("1/0", None),
        ("x", None),
    ],
)
def test_a_request_rate_is_read(value: str, rate: tuple[int, float] | None) -> None:
    assert rules(f"User-agent: *\nRequest-rate: {value}\n").request_rate(BOT) == rate


def test_a_delay_is_that_of_the_group_of_the_user_agent() -> None:
    found = rules("User-agent: mybot\nCrawl-delay: 2\nDisallow: /a\n\nUser-agent: *\nCrawl-delay: 9\nDisallow: /b\n")
    assert found.crawl_delay(BOT) == 2.0
    assert found.crawl_delay("other") == 9.0
    assert rules("").crawl_delay(BOT) is None


def test_sitemaps_are_for_everybody_wherever_they_stand() -> None:
    found = rules(
        "Sitemap: https://example.com/a.xml\nUser-agent: x\nDisallow: /\nsite-map: https://example.com/b.xml\n"
    )
    assert found.sitemaps == ("https://example.com/a.xml", "https://example.com/b.xml")


# --- bounds ---------------------------------------------------------------------------------------


def test_500_kib_are_read_and_no_half_line_behind_them() -> None:
    line = b"Disallow: /%06d\n"
    body = b"User-agent: *\n" + b"".join(line % number for number in range(40_000))
    found = RobotsRules.parse(body)
    last = (MAX_BYTES - len(b"User-agent: *\n")) // len(line % 0) - 1
    assert not found.allowed(f"https://example.com/{last:06}", BOT)
    assert found.allowed(f"https://example.com/{last + 1:06}", BOT)
    assert found.allowed(f"https://example.com/{last // 10:05}x", BOT)


@pytest.mark.parametrize(
    "body",
    [
        b"a:b\n" * 200_000,
        b"\n" * 800_000,
        b"User-agent: *\n" + b"Disallow: /" + b"*a" * 300_000,
        b"".join(b"User-agent: a%d\n" % n for n in range(20_000)) + b"Disallow: /x\n" * 20_000,
        b"User-agent: *\n" + b"Disallow: /*a*a*a*a*a*a*a*a*b$\n" * 15_000,
        bytes(range(256)) * 2_000,
    ],
)
def test_a_hostile_file_takes_bounded_time(body: bytes) -> None:
    start = time.process_time()
    RobotsRules.parse(body).allowed("https://example.com/" + "a" * 2000, BOT)
    assert time.process_time() - start < 3.0


@pytest.mark.parametrize(
    ("robots", "refused"),
    [
        ("user-agent: *\ndisallow: /x\u00a0\n", False),  # part of the pattern
        ("user-agent: *\ndisallow: /\n\u00a0allow: /\n", True),  # an unknown name
        ("user-agent: *\u00a0\ndisallow: /\n", False),  # nobody's name
        ("user-agent: *\x0b\ndisallow:\x0c/\n", True),
    ],
)
def test_white_space_is_that_of_ascii_as_google_has_it(robots: str, refused: bool) -> None:
    assert rules(robots).allowed("http://a.example/x", "mybot") is not refused
