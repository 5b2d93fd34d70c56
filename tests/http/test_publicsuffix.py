"""Public suffixes, against the list's own tests."""

from __future__ import annotations

import subprocess
import sys

import pytest

from crawler.http.publicsuffix import is_public_suffix
from tests.vectors import vectors


def test_what_was_registered_under_which_suffix_is_as_the_lists_own_tests_say() -> None:
    for case in vectors("public-suffix", "test_psl.json"):
        host, registered = case["host"], case["registrable_domain"]
        if registered is not None:
            name = registered.encode("idna").decode()
            assert not is_public_suffix(name), case
            assert is_public_suffix(name.partition(".")[2]), case
        elif host and not host.startswith("."):
            assert is_public_suffix(host.lower().encode("idna").decode()), case


@pytest.mark.parametrize("suffix", ["com", "co.uk", "github.io", "xn--55qx5d.cn", "ck", "no-such-top-level"])
def test_a_public_suffix_is_known_as_one(suffix: str) -> None:
    assert is_public_suffix(suffix)


@pytest.mark.parametrize("domain", ["example.com", "example.co.uk", "www.ck", "pages.github.io", ""])
def test_a_registered_domain_is_no_public_suffix(domain: str) -> None:
    assert not is_public_suffix(domain)


def test_the_list_is_not_read_before_it_is_needed() -> None:
    code = "import sys, crawler.http.cookies; print('publicsuffixlist' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
