"""Security faults that were found in Scrapy and its libraries: each has a test here that carries its number.

What the rows of proxies, files and sitemaps say is shown beside their own tests, too; here is one for each number.
"""

from __future__ import annotations

import gzip
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.downloadermiddlewares.redirect import RedirectMiddleware
from crawler.exceptions import JobError, ResponseTooLargeError, SettingsError
from crawler.http import Headers, HtmlResponse, Response
from crawler.http.cookies import CookieJar
from crawler.http.decode import Decoder, codings
from crawler.http.redirects import RedirectPolicy
from crawler.settings import Settings
from crawler.sitemap import Sitemap, unpacked
from crawler.spiders.feed import iter_nodes
from crawler.testing import Hit, MemoryWorld, Page, Site, crawl_in_memory

ONE, OTHER = "http://one.test", "http://other.test"
QUIET = {"log.stats_interval": 0, "politeness.obey_robots": False, "politeness.delay": 0.0}


class Fetching(Spider):
    """Fetches one request and notes what came."""

    name = "fetching"
    request: Request

    async def start(self):
        yield type(self).request

    def parse(self, response):
        yield {"url": response.url, "status": response.status}


def fetched(request: Request, pages: dict[str, Any], **settings: Any) -> list[Hit]:
    """Return what the servers saw of a crawl that begins with *request*."""
    spider = type("One", (Fetching,), {"request": request})
    site = Site(pages)
    named = {name.replace("__", "."): value for name, value in settings.items()}
    crawl_in_memory(spider, site, {**QUIET, **named})
    return site.log


def redirect(url: str, status: int = 302) -> Page:
    return Page("", status, {"Location": url})


def followed(request: Request, status: int = 302, to: str = OTHER) -> Request | None:
    """Return the request that a redirect of *request* leads to."""
    answer = Response(request.url, status=status, headers={"Location": to})
    result = RedirectMiddleware(policy=RedirectPolicy()).process_response(request, answer)
    return result if isinstance(result, Request) else None


# --- Scrapy --------------------------------------------------------------------------------------------------------------


def test_GHSA_76g3_c3x4_crvx_credentials_of_a_storage_never_leave_in_clear_text() -> None:
    with pytest.raises((SettingsError, ValueError)):
        Settings({"http.schemes": ["s3"]}).http  # noqa: B018


def test_GHSA_cwxj_rr6w_m6w7_a_referrer_policy_that_names_code_is_ignored() -> None:
    class Following(Fetching):
        request = Request(f"{ONE}/")

        def parse(self, response):
            yield Request(f"{ONE}/next", callback=self.end)

        def end(self, response):
            yield {"referer": (response.request.headers.get("Referer") or b"").decode()}

    pages = {"/": Page("x", headers={"Referrer-Policy": "sys.exit", "Content-Type": "text/html"}), "/next": "y"}
    assert crawl_in_memory(Following, pages, QUIET).items == [{"referer": f"{ONE}/"}]


@pytest.mark.parametrize(
    ("method", "status", "becomes", "has_body"),
    [("POST", 301, "GET", False), ("POST", 302, "GET", False), ("HEAD", 303, "HEAD", False), ("PUT", 302, "PUT", True)],
)
def test_GHSA_cwxj_rr6w_m6w7_only_a_post_is_changed_by_301_and_302(
    method: str, status: int, becomes: str, has_body: bool
) -> None:
    body = "" if method == "HEAD" else "x=1"
    following = followed(
        Request(ONE, method=method, body=body, headers={"Content-Type": "text/plain"}), status, f"{ONE}/b"
    )
    assert following is not None
    assert (following.method, bool(following.body)) == (becomes, has_body)
    if method == "POST":
        assert b"Content-Type" not in following.headers


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip", "zstd"])
def test_GHSA_2qfp_q593_8484_CVE_2025_6176_GHSA_7j7m_v7m3_jqm7_CVE_2024_3572_a_bomb_is_stopped_at_the_limit(
    coding: str,
) -> None:
    import zlib

    import brotli
    import zstandard

    content = b"\0" * 50_000_000
    pack = {
        "br": brotli.compress,
        "deflate": zlib.compress,
        "gzip": gzip.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }[coding]
    decoder = Decoder(codings([coding.encode()]), 1_000_000)
    with pytest.raises(ResponseTooLargeError):
        decoder.feed(pack(content))


def test_GHSA_7j7m_v7m3_jqm7_a_packed_sitemap_is_stopped_at_the_limit() -> None:
    with pytest.raises(ResponseTooLargeError):
        unpacked(gzip.compress(b"\0" * 10_000_000), 1_000_000)


@pytest.mark.parametrize("piece", [b"<item>x</item>", b"<item ", b"<!--", b"<item><item>"])
def test_GHSA_cc65_xxvf_f7r9_CVE_2024_1892_nodes_are_found_in_linear_time(piece: bytes) -> None:
    from crawler.http import XmlResponse

    def taken(count: int) -> float:
        response = XmlResponse(ONE, body=b"<r>" + piece * count, encoding="utf-8")
        began = time.process_time()
        for _ in iter_nodes(response, "item"):
            pass
        return time.process_time() - began

    few, many = min(taken(2_000) for _ in range(3)), min(taken(16_000) for _ in range(3))
    assert many < max(few, 0.002) * 8 * 2.5


def test_GHSA_cw9j_q3vf_hrrv_CVE_2024_3574_authorization_does_not_follow_to_another_domain() -> None:
    hits = fetched(Request(ONE, headers={"Authorization": "Basic x"}), {f"{ONE}/": redirect(OTHER), f"{OTHER}/": "x"})
    assert [("Authorization" in hit.headers) for hit in hits] == [True, False]


@pytest.mark.parametrize("to", ["https://one.test/", "http://one.test:8080/"])
def test_GHSA_4qqq_9vqf_3h3f_CVE_2024_1968_authorization_does_not_follow_to_another_scheme_or_port(to: str) -> None:
    following = followed(Request(ONE, headers={"Authorization": "Basic x"}), to=to)
    assert following is not None
    assert b"Authorization" not in following.headers


@pytest.mark.parametrize("to", ["file:///etc/passwd", "data:text/html,x", "ftp://one.test/", "s3://bucket/key"])
def test_GHSA_23j4_mw76_5v7h_a_redirect_to_another_kind_of_scheme_is_not_followed(to: str) -> None:
    assert followed(Request(ONE), to=to) is None
    spider = type("One", (Fetching,), {"request": Request(ONE, meta={"handle_httpstatus_list": [302]})})
    result = crawl_in_memory(spider, {"/": redirect(to)}, {**QUIET, "http.schemes": ["http", "https", "file", "data"]})
    assert result.items == [{"url": ONE, "status": 302}]


def test_GHSA_jm3v_qxmh_hxwv_a_proxy_is_chosen_anew_for_the_scheme_of_a_redirect() -> None:
    from crawler.http.proxy import ProxyRules

    rules = ProxyRules.from_environment(
        {"http_proxy": "http://a:1@plain.test:1", "https_proxy": "http://b:2@safe.test:2"}
    )
    plain, safe = rules.proxy_for("http://x.test/"), rules.proxy_for("https://x.test/")
    assert plain is not None
    assert safe is not None
    assert (plain.host, safe.host) == ("plain.test", "safe.test")
    following = followed(Request(ONE, headers={"Proxy-Authorization": "Basic x"}), to="https://one.test/")
    assert following is not None
    assert b"Proxy-Authorization" not in following.headers


def test_scrapy_1042_2241_a_request_that_the_start_yields_later_is_held_to_the_allowed_domains() -> None:
    class Strict(Fetching):
        request = Request(f"{ONE}/")
        allowed_domains = ["one.test"]

        def parse(self, response):
            yield Request(f"{OTHER}/")

    site = Site({"*": "x"})
    crawl_in_memory(Strict, site, QUIET)
    assert [hit.url for hit in site.log] == [f"{ONE}/"]


def test_scrapy_6265_6250_676_entities_of_xml_are_not_resolved() -> None:
    body = b'<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>http://a.test/&x;</loc></url></urlset>'
    assert list(Sitemap(body)) == [{"loc": "http://a.test/"}]


def test_GHSA_9x8m_2xpf_crp3_credentials_of_a_proxy_go_to_that_proxy_only() -> None:
    from crawler.download.proxy import Ways

    ways = Ways()
    first, second = "http://me:hush@a.test:1", "http://b.test:2"
    request = Request(ONE, meta={"proxy": first})
    way = ways.of(request)
    assert way is not None
    assert way.proxy is not None
    assert way.proxy.authorization
    other = ways.of(request.replace(meta={**request.meta, "proxy": second}))
    assert other is not None
    assert other.proxy is not None
    assert not other.proxy.authorization
    assert b"Proxy-Authorization" not in request.headers


@pytest.mark.parametrize("how", ["header", "cookies"])
def test_GHSA_cjvr_mfj7_j4j8_CVE_2022_0577_cookies_of_a_request_do_not_follow_to_another_domain(how: str) -> None:
    request = Request(ONE, headers={"Cookie": "a=1"}) if how == "header" else Request(ONE, cookies={"a": "1"})
    hits = fetched(request, {f"{ONE}/": redirect(OTHER), f"{OTHER}/": "x"})
    assert [("Cookie" in hit.headers) for hit in hits] == [True, False]


def test_GHSA_mfjm_vh54_3f96_a_cookie_for_a_public_suffix_is_refused() -> None:
    jar = CookieJar()
    assert jar.store("https://x.co.uk/", "a=b; Domain=co.uk", now=0.0) is None
    assert jar.header("https://y.co.uk/", now=1.0) == b""


def test_CVE_2021_41125_PYSEC_2021_363_credentials_go_to_their_domain_only_and_not_with_robots_txt_of_others() -> None:
    hits = fetched(
        Request(ONE),
        {f"{ONE}/": redirect(OTHER), f"{OTHER}/": "x"},
        auth__user="me",
        auth__password="hush",
        auth__domain="one.test",
        politeness__obey_robots=True,
    )
    asked = {hit.url: "Authorization" in hit.headers for hit in hits}
    assert asked[f"{ONE}/"] is True
    assert not any(has for url, has in asked.items() if url.startswith(OTHER))


def test_scrapy_1_5_2_a_page_of_a_browser_cannot_control_a_running_crawl() -> None:
    from crawler.extensions.dashboard.guard import Asked, addresses, refusal

    asked = Asked("POST", "127.0.0.1:6023", origin="http://evil.test", content_type="application/json")
    assert refusal(asked, addresses=addresses("127.0.0.1", 6023), token="secret")
    assert not Settings().dashboard.enabled


def test_GHSA_h7wm_ph43_c39p_CVE_2017_14158_bodies_beyond_a_size_are_kept_on_disk_and_counted() -> None:
    from crawler.download.body import BytesInHand, Spooling
    from crawler.http.spool import Spool

    in_hand = BytesInHand(10_000_000)
    bodies = [Spooling(in_hand, above=1_000_000).body() for _ in range(20)]
    for _ in range(30):
        for body in bodies:
            body.add(b"x" * 100_000)
    assert in_hand.held <= in_hand.limit
    assert all(isinstance(body.taken(), Spool) for body in bodies)


def test_scrapy_0_24_the_first_request_has_no_referer() -> None:
    (hit,) = fetched(Request(ONE), {f"{ONE}/": "x"})
    assert "Referer" not in hit.headers


# --- Twisted, treq, lxml, brotli -----------------------------------------------------------------------------------------


def test_CVE_2022_21712_GHSA_92x2_jw7w_xvvx_CVE_2022_23607_GHSA_fhpf_pp6p_55qc_the_libraries_follow_and_keep_nothing() -> (
    None
):
    hits = fetched(
        Request(ONE, cookies={"a": "1"}), {f"{ONE}/": redirect(OTHER), f"{OTHER}/": "x"}, redirect__enabled=False
    )
    assert [hit.url for hit in hits] == [f"{ONE}/"]


@pytest.mark.parametrize("method", ["GET /evil", "GET\r\nX: y", "GE\0T"])
def test_CVE_2019_12387_GHSA_6cc5_2vg4_cc7m_a_method_cannot_break_out_of_its_line(method: str) -> None:
    assert fetched(Request(ONE, method=method), {"*": "x"}) == []


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\0b"])
def test_CVE_2019_12387_GHSA_6cc5_2vg4_cc7m_a_header_cannot_make_another_line(value: str) -> None:
    with pytest.raises(ValueError, match="line break or NUL"):
        Headers({"X": value})


def test_CVE_2026_42304_GHSA_grgv_6hw6_v9g4_names_are_not_looked_up_by_twisted_names() -> None:
    package = Path(__file__).resolve().parents[2] / "crawler"
    assert not [path for path in package.rglob("*.py") if "twisted.names" in _imports(path)]


def _imports(path: Path) -> str:
    lines = path.read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if line.lstrip().startswith(("import ", "from ")))


def test_CVE_2026_41066_GHSA_vfmq_68hx_4jfw_lxml_reads_no_local_file_for_an_entity() -> None:
    from lxml import etree

    assert etree.LXML_VERSION >= (6, 1, 0)
    body = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><item>&x;</item></r>'
    assert all("root:" not in node for node in iter_nodes(Response(ONE, body=body), "item"))
    assert "root:" not in HtmlResponse(ONE, body=body).xpath("string()").get()


def test_CVE_2022_2309_a_crafted_document_does_not_crash_the_parser() -> None:
    body = b'<!DOCTYPE r [<!ENTITY a "&b;"><!ENTITY b "&a;">]><r><item>&a;</item>' + b"<item>" * 5_000
    assert sum(1 for _ in iter_nodes(Response(ONE, body=body), "item")) >= 0


def test_CVE_2025_6176_brotli_is_one_that_can_be_stopped() -> None:
    from importlib.metadata import version

    assert tuple(map(int, version("brotli").split(".")[:2])) >= (1, 2)


# --- from reading: no number ---------------------------------------------------------------------------------------------


def test_candidate_1_credentials_in_meta_are_not_put_back_after_a_redirect_elsewhere() -> None:
    request = Request(ONE, meta={"http_user": "me", "http_pass": "hush"})
    hits = fetched(request, {f"{ONE}/": redirect(OTHER), f"{OTHER}/": "x"})
    assert "Authorization" not in hits[-1].headers
    assert hits[-1].url == f"{OTHER}/"


def test_candidate_2_credentials_without_a_domain_are_sent_to_nobody() -> None:
    class Secret(Fetching):
        request = Request(ONE)

    site = Site({"*": "x"})
    world = MemoryWorld(site)
    crawler = Crawler(Secret, {**QUIET, "auth.user": "me", "auth.password": "hush"}, runtime=world.runtime)
    with pytest.raises(SettingsError, match="domain"):
        world.run(crawler)
    assert not [hit for hit in site.log if "Authorization" in hit.headers]


def test_candidate_3_nothing_listens_unless_it_is_asked_for() -> None:
    assert Settings().dashboard.enabled is False
    assert Settings().dashboard.host == "127.0.0.1"


def test_candidate_4_files_are_not_fetched_unless_it_is_asked_for() -> None:
    assert "file" not in Settings().http.schemes


def test_candidate_5_a_job_that_was_tampered_with_runs_no_code(tmp_path: Path) -> None:
    class Quick(Fetching):
        request = Request(ONE)

    def crawl() -> Any:
        settings = {**QUIET, "frontier.store": "sqlite", "frontier.job": str(tmp_path / "job")}
        world = MemoryWorld(Site({"*": "x"}))
        return world.run(Crawler(Quick, settings, runtime=world.runtime))

    crawl()
    ran = tmp_path / "ran"
    evil = f"cposix\nsystem\n(S'touch {ran}'\ntR.".encode()
    database = sqlite3.connect(tmp_path / "job" / "job.sqlite")
    database.execute("UPDATE job SET value = ? WHERE key IN ('spider_state', 'stats', 'cookies', 'watch')", (evil,))
    database.commit()
    database.close()
    with pytest.raises(JobError, match="is damaged"):
        crawl()
    assert not ran.exists()


def test_candidate_6_a_robots_txt_that_cannot_be_read_allows_nothing() -> None:
    hits = fetched(Request(ONE), {"/robots.txt": Page("", 503), "*": "x"}, politeness__obey_robots=True)
    assert {hit.url for hit in hits} == {f"{ONE}/robots.txt"}


def test_candidate_7_secret_headers_do_not_follow_to_another_origin() -> None:
    following = followed(Request(ONE, headers={"X-Api-Key": "secret", "X-Other": "1"}))
    assert following is not None
    assert b"X-Api-Key" not in following.headers
    assert b"X-Other" in following.headers


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"])
def test_candidate_8_private_addresses_are_refused(host: str) -> None:
    from ipaddress import ip_address

    from crawler.download.guard import special_kind

    assert special_kind(ip_address(host))


def test_candidate_9_no_path_leads_out_of_a_store() -> None:
    from crawler.exporters import FeedOptions, Feeds

    class Escaping(Fetching):
        request = Request(ONE)
        folder = "../../elsewhere"

    with pytest.raises(Exception, match=r"folder|path|\.\."):
        Feeds.open_all([FeedOptions.parse("out/%(folder)s/x.jsonl")], spider=Escaping())
