"""Certificates for tests: an authority that nobody trusts but who is told to, and what it signs."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.internet import ssl

_PEM = serialization.Encoding.PEM


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _private(key: Any) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Authority:
    """A certificate authority; what it makes is in *folder*."""

    def __init__(self, folder: Path, name: str = "Test Authority") -> None:
        self.folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed(self._name, self._key, is_authority=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(_PEM))

    def issue(self, *names: str, days: tuple[int, int] = (-1, 1), is_self_signed: bool = False) -> Path:
        """Return a file with a certificate for *names*, good between *days* counted from today, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(names[0])
        signed = self._signed(subject, key, names=names, days=days, is_self_signed=is_self_signed)
        path = self.folder / f"{len(list(self.folder.iterdir()))}.pem"
        path.write_bytes(signed.public_bytes(_PEM) + _private(key))
        return path

    def _signed(
        self,
        subject: x509.Name,
        key: Any,
        *,
        names: tuple[str, ...] = (),
        days: tuple[int, int] = (-1, 1),
        is_authority: bool = False,
        is_self_signed: bool = False,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if is_self_signed else self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
            )
        return builder.sign(key if is_self_signed else self._key, hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def server_options(file: Path, **options: Any) -> Any:
    """Return how a server shows the certificate in *file*."""
    shown = ssl.PrivateCertificate.loadPEM(file.read_bytes())
    return ssl.CertificateOptions(privateKey=shown.privateKey.original, certificate=shown.original, **options)
