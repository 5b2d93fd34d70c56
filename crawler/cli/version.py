"""``crawler version``: versions, as a bug report needs them."""

from __future__ import annotations

import platform
from importlib import metadata

import click

from crawler import __version__

# What the crawler is made of, by the names of their distributions; those that are not installed are left out.
_LIBRARIES = [
    "Twisted",
    "treq",
    "parsel",
    "lxml",
    "w3lib",
    "cssselect",
    "itemadapter",
    "itemloaders",
    "ada-url",
    "msgspec",
    "publicsuffixlist",
    "webencodings",
    "click",
    "rich",
    "brotli",
    "zstandard",
    "cryptography",
    "pyOpenSSL",
    "uvloop",
]


@click.command()
@click.option("-v", "--verbose", is_flag=True, help="Also the versions of Python and of the libraries.")
def command(verbose: bool) -> None:
    """Show the version, with -v of all libraries too: what a bug report should hold."""
    if not verbose:
        click.echo(f"crawler {__version__}")
        return
    versions = {"crawler": __version__, "Python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    versions["OpenSSL"], versions["libxml2"] = _openssl(), _libxml2()
    versions["Platform"] = platform.platform()
    width = max(map(len, versions))
    for name, version in versions.items():
        click.echo(f"{name:<{width}} : {version}")


def _openssl() -> str:
    import ssl  # only for this line

    return ssl.OPENSSL_VERSION


def _libxml2() -> str:
    from lxml import etree  # only for this line

    return ".".join(map(str, etree.LIBXML_VERSION))
