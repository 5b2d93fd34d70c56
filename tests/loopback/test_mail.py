"""Mail reaches a server that speaks SMTP over a socket, and no secret reaches a log."""

from __future__ import annotations

import base64
import email
import io
import logging
import re
import socketserver
import threading
from email.message import Message
from email.policy import default
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from crawler import Spider, signals
from crawler.crawler import Crawler
from crawler.mail import MailSender

PASSWORD = "tr0ub4dor&3"


class Dialogue(socketserver.StreamRequestHandler):
    """A session of SMTP: enough for a client that logs in and sends."""

    def handle(self) -> None:
        server: Any = self.server
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            server.said.append(line.decode().strip())
            word = line[:4].upper().strip()
            if word == b"EHLO":
                self.wfile.write(b"250-here\r\n250 AUTH PLAIN\r\n")
            elif word == b"AUTH":
                right = base64.b64encode(f"\0me\0{PASSWORD}".encode()).decode() in line.decode()
                self.wfile.write(b"235 welcome\r\n" if right else b"535 who are you\r\n")
            elif word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line)
                server.taken.append(email.message_from_bytes(b"".join(lines), policy=default))
                self.wfile.write(b"250 taken\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.said: list[str] = []
        self.taken: list[Message] = []
        super().__init__(("127.0.0.1", 0), Dialogue)


async def crawl(use: Any, **settings: Any) -> Server:
    """Crawl nothing, and let *use* have the mailer at the end; return the server that was there."""

    class Mails(Spider):
        name = "mails"

        @classmethod
        def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.end, signals.spider_closed)
            return spider

        def end(self) -> Any:
            return use(MailSender.from_crawler(self.crawler)) if use is not None else None

    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        known = {"MAIL_HOST": "127.0.0.1", "MAIL_PORT": server.server_address[1], "frontier.store": "memory"}
        await Crawler(Mails, {**known, **settings}).crawl()
        server.shutdown()
    return server


@ensureDeferred
async def test_a_mail_arrives_with_its_copies_and_attachments() -> None:
    def send(mailer: MailSender) -> Any:
        table = ("p.csv", "text/csv", io.BytesIO(b"a,b\n1,2\n"))
        return mailer.send(["a@x.test", "b@x.test"], "Prices: 5 €", "Dear all,\nö", cc="c@x.test", attachs=[table])

    server = await crawl(send, MAIL_FROM="bot@x.test")
    [mail] = server.taken
    assert (mail["From"], mail["To"], mail["Cc"]) == ("bot@x.test", "a@x.test, b@x.test", "c@x.test")
    assert mail["Subject"] == "Prices: 5 €"
    text, table = mail.iter_parts()  # type: ignore[attr-defined]
    assert text.get_content() == "Dear all,\r\nö\r\n"
    assert (table.get_filename(), table.get_content()) == ("p.csv", "a,b\n1,2\n")
    receivers = [re.sub(r"[^<]*<(.*)>.*", r"\1", one) for one in server.said if one.upper().startswith("RCPT")]
    assert receivers == ["a@x.test", "b@x.test", "c@x.test"]


@ensureDeferred
async def test_the_type_of_the_body_is_what_is_asked_for() -> None:
    server = await crawl(lambda mailer: mailer.send("a@x.test", "s", "<p>é", mimetype="text/html", charset="latin-1"))
    assert server.taken[0].get_content_type() == "text/html"
    assert server.taken[0].get_content() == "<p>é\r\n"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("password", "arrived", "told"), [(PASSWORD, 1, "Mail sent OK"), ("wr0ng-one", 0, "Unable to")]
)
@ensureDeferred
async def test_credentials_are_used_and_never_logged(
    password: str, arrived: int, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        server = await crawl(lambda mailer: mailer.send("a@x.test", "s", "b"), MAIL_USER="me", MAIL_PASS=password)
    assert len(server.taken) == arrived
    assert told in caplog.text
    assert password not in caplog.text
    assert base64.b64encode(f"\0me\0{password}".encode()).decode() not in caplog.text


@ensureDeferred
async def test_where_starttls_is_asked_for_nothing_is_sent_without_it() -> None:
    server = await crawl(
        lambda mailer: mailer.send("a@x.test", "s", "b"), MAIL_USER="me", MAIL_PASS=PASSWORD, MAIL_TLS=True
    )
    assert not server.taken
    assert not [one for one in server.said if one.upper().startswith("AUTH")]


@ensureDeferred
async def test_the_statistics_are_sent_when_the_crawl_has_ended() -> None:
    settings = {"EXTENSIONS": {"scrapy.extensions.statsmailer.StatsMailer": 500}, "STATSMAILER_RCPTS": ["boss@x.test"]}
    server = await crawl(None, **settings)
    [mail] = server.taken
    assert mail["To"] == "boss@x.test"
    assert re.search(r"finish_reason +: finished", mail.get_content())  # type: ignore[attr-defined]


def test_a_line_break_in_a_subject_or_an_address_is_refused() -> None:
    mailer = MailSender(debug=True)
    for to, subject in (("a@x.test", "s\nBcc: all@x.test"), ("a@x.test\nBcc: all@x.test", "s")):
        with pytest.raises(ValueError, match=r"newline|linefeed"):
            mailer.send(to, subject, "b")


def test_in_debug_nothing_is_sent_and_the_callback_has_the_message() -> None:
    given: dict[str, Any] = {}
    assert MailSender(debug=True).send(["a@x.test"], "s", "b", _callback=given.update) is None
    assert (given["to"], given["cc"], given["subject"]) == (["a@x.test"], [], "s")
    assert given["msg"]["To"] == "a@x.test"
