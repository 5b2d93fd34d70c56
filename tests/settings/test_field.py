"""Sections of the settings: frozen, equal by value, and silent about secrets."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from crawler.settings.field import Section, section, setting


@section
class Post(Section):
    """A section."""

    host: str = setting("localhost", "Who sends it.")
    password: str = setting("", "For the host.", secret=True)
    copies: list[str] = setting([], "Who else gets it.")


def test_fields_have_their_defaults_and_what_is_given() -> None:
    assert [field.name for field in fields(Post)] == ["host", "password", "copies"]
    assert (Post().host, Post(host="mail.example").host) == ("localhost", "mail.example")
    assert Post().copies == [] and Post().copies is not Post().copies


def test_a_field_that_is_not_there_is_an_error() -> None:
    with pytest.raises(TypeError, match="Post has no field hots"):
        Post(hots="mail.example")


def test_a_section_is_frozen() -> None:
    post = Post()
    with pytest.raises(FrozenInstanceError, match="host"):
        post.host = "mail.example"
    with pytest.raises(FrozenInstanceError, match="host"):
        del post.host


def test_sections_of_the_same_values_are_equal() -> None:
    assert Post(copies=["a"]) == Post(copies=["a"])
    assert Post() != Post(host="mail.example")
    assert Post() != "localhost"


def test_values_are_not_shown_since_some_are_secrets() -> None:
    assert repr(Post(password="sesame")) == "<settings Post>"
