"""Public suffixes, against the list's own tests."""

from __future__ import annotations

import subprocess
import sys

import pytest

from crawler.http.publicsuffix import is_public_suffix, registrable_domain
from tests.vectors import vectors


def test_registrable_domains_are_those_of_the_lists_own_tests() -> None:
    for case in vectors("public-suffix", "test_psl.json"):
        if case["host"] is not None:
            assert registrable_domain(case["host"]) == case["registrable_domain"], case


@pytest.mark.parametrize("suffix", ["com", "co.uk", "github.io", "xn--55qx5d.cn", "ck", "no-such-top-level"])
def test_a_public_suffix_is_known_as_one(suffix: str) -> None:
    assert is_public_suffix(suffix)


@pytest.mark.parametrize("domain", ["example.com", "example.co.uk", "www.ck", "pages.github.io", ""])
def test_a_registered_domain_is_no_public_suffix(domain: str) -> None:
    assert not is_public_suffix(domain)


def test_the_list_is_not_read_before_it_is_needed() -> None:
    code = "import sys, crawler.http.cookies; print('publicsuffixlist' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
