"""MailSender: mail with attachments, from a pipeline or an extension, without holding up the crawl.

    self.mailer = MailSender.from_crawler(crawler)
    ...
    return self.mailer.send(to=["shop@example.org"], subject="Prices", body="See there.", attachs=[("p.csv", "text/csv", file)])

The standard library speaks SMTP, in a thread; what ``send`` returns may be awaited. The server is that of the section ``mail``
(Scrapy's ``MAIL_...`` settings). TLS is verified. Addresses and subjects with line breaks are refused: they could add headers.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Callable, Iterable, Sequence
from email.message import EmailMessage
from email.utils import formatdate
from typing import IO, TYPE_CHECKING, Any, Self

from crawler import threads
from crawler.concurrency import ported

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from crawler.crawler import Crawler
    from crawler.settings import Settings

logger = logging.getLogger(__name__)

#: Name, type such as ``text/csv``, and a file to read.
Attachment = tuple[str, str, IO[Any]]


class MailSender:
    """Sends mail through the SMTP server at *smtphost*. With *debug* nothing is sent, and what would be is logged."""

    def __init__(
        self,
        smtphost: str = "localhost",
        mailfrom: str = "crawler@localhost",
        smtpuser: str | None = None,
        smtppass: str | None = None,
        smtpport: int = 25,
        smtptls: bool = False,
        smtpssl: bool = False,
        debug: bool = False,
        *,
        timeout: float = 60.0,
    ) -> None:
        self.smtphost, self.smtpport = smtphost, smtpport
        self.mailfrom = mailfrom
        self.smtpuser, self.smtppass = smtpuser or None, smtppass or None
        self.smtptls, self.smtpssl = smtptls, smtpssl
        self.debug = debug
        self.timeout = timeout
        #: What TLS trusts: the certificates of the system.
        self.tls_context: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.mailfrom} through {self.smtphost}:{self.smtpport}>"

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build it with the settings of *crawler*."""
        return cls.from_settings(crawler.settings)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Build it with the section ``mail`` of *settings*."""
        mail = settings.mail
        return cls(
            mail.host, mail.sender, mail.user, mail.password, mail.port, mail.tls, mail.ssl, timeout=mail.timeout
        )

    def send(
        self,
        to: str | Iterable[str],
        subject: str,
        body: str,
        cc: str | Iterable[str] | None = None,
        attachs: Sequence[Attachment] = (),
        mimetype: str = "text/plain",
        charset: str | None = None,
        _callback: Callable[..., Any] | None = None,
    ) -> Deferred[None] | None:
        """Send a mail; return a Deferred that fires when the server has taken it, or fails. None with ``debug``.

        Raise ValueError for an address or subject with a line break. A failure is logged too.
        """
        receivers, copies = _addresses(to), _addresses(cc or ())
        message = self._message(receivers, subject, body, copies, attachs, mimetype, charset or "utf-8")
        if _callback is not None:
            _callback(to=receivers, subject=subject, body=body, cc=copies, attach=attachs, msg=message)
        what = "To=%s Cc=%s Subject=%r Attachs=%d", receivers, copies, subject, len(attachs)
        if self.debug:
            logger.debug(f"Debug mail sent OK: {what[0]}", *what[1:])
            return None
        sent = ported(threads.run(self._deliver, message, [*receivers, *copies]))

        def succeeded(_: Any) -> None:
            logger.info(f"Mail sent OK: {what[0]}", *what[1:])

        def failed(failure: Any) -> Any:
            logger.error(f"Unable to send mail: {what[0]} - %s", *what[1:], failure.value)
            return failure

        sent.addCallbacks(succeeded, failed)
        return sent

    def _message(
        self,
        to: list[str],
        subject: str,
        body: str,
        cc: list[str],
        attachs: Sequence[Attachment],
        mimetype: str,
        charset: str,
    ) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = self.mailfrom, ", ".join(to)
        if cc:
            message["Cc"] = ", ".join(cc)
        message["Date"], message["Subject"] = formatdate(localtime=True), subject
        main, _, sub = mimetype.partition("/")
        if main == "text":
            message.set_content(body, subtype=sub or "plain", charset=charset)
        else:
            message.set_content(body.encode(charset), maintype=main, subtype=sub)
        for name, type_, file in attachs:
            content = file.read()
            main, _, sub = type_.partition("/")
            data = content.encode("utf-8") if isinstance(content, str) else content
            message.add_attachment(data, maintype=main, subtype=sub or "octet-stream", filename=name)
        return message

    def _deliver(self, message: EmailMessage, receivers: list[str]) -> None:
        """Hand *message* to the server, in a thread."""
        context = self.tls_context or ssl.create_default_context()
        where: dict[str, Any] = {"host": self.smtphost, "port": self.smtpport, "timeout": self.timeout}
        server = smtplib.SMTP_SSL(context=context, **where) if self.smtpssl else smtplib.SMTP(**where)
        with server:
            if self.smtptls and not self.smtpssl:
                server.starttls(context=context)
            if self.smtpuser is not None:
                server.login(self.smtpuser, self.smtppass or "")
            server.send_message(message, from_addr=self.mailfrom, to_addrs=receivers)


def _addresses(given: str | Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)
