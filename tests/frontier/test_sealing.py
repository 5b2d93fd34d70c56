"""The key of a job: made once, for its owner only, and told by name when it is missing or another."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from crawler import Request, Spider
from crawler.exceptions import JobError
from crawler.frontier.codec import RequestCodec, url_of_record
from crawler.frontier.jobs import FINISHED, Job, Secret, command_of, remove_finished
from crawler.frontier.sealing import Seal, key_beside


def test_what_was_sealed_is_opened_by_another_process_with_the_key(tmp_path: Path) -> None:
    sealed = Seal(tmp_path / "key").seal(b"secret", b"cookies")
    assert b"secret" not in sealed
    assert Seal(tmp_path / "key").unseal(sealed, b"cookies") == b"secret"


def test_the_same_is_never_sealed_alike(tmp_path: Path) -> None:
    seal = Seal(tmp_path / "key")
    assert len({seal.seal(b"secret", b"cookies") for _ in range(100)}) == 100


def test_the_key_is_for_its_owner_only_and_made_when_it_is_needed(tmp_path: Path) -> None:
    seal = Seal(tmp_path / "folder" / "key")
    assert not seal.path.exists()
    seal.seal(b"", b"")
    assert stat.S_IMODE(seal.path.stat().st_mode) == 0o600
    assert [one.name for one in seal.path.parent.iterdir()] == ["key"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    sealed = Seal(tmp_path / "key").seal(b"secret", b"")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(JobError, match="chmod 600"):
        Seal(tmp_path / "key").unseal(sealed, b"")


def test_without_the_key_nothing_is_opened_and_the_way_out_is_told(tmp_path: Path) -> None:
    sealed = Seal(tmp_path / "key").seal(b"secret", b"")
    with pytest.raises(JobError, match=r"missing.*frontier\.key_file"):
        Seal(tmp_path / "missing").unseal(sealed, b"")
    other = Seal(tmp_path / "other")
    other.seal(b"", b"")
    with pytest.raises(JobError, match="is not the key of this job"):
        other.unseal(sealed, b"")
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(JobError, match="5 bytes and no key"):
        Seal(tmp_path / "key").unseal(sealed, b"")


def test_a_secret_that_was_changed_or_stands_in_the_place_of_another_is_refused(tmp_path: Path) -> None:
    seal = Seal(tmp_path / "key")
    sealed = seal.seal(b"secret", b"cookies")
    for wrong, what in (
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"cookies"),
        (sealed, b"command"),
        (sealed[:10], b"cookies"),
    ):
        with pytest.raises(JobError, match="was changed"):
            seal.unseal(wrong, what)


class Shop(Spider):
    name = "shop"


@pytest.mark.parametrize(
    "carried",
    [
        {"headers": {"Authorization": "hidden"}},
        {"body": "hidden", "method": "POST"},
        {"meta": {"proxy": "http://me:hidden@proxy.test:1"}},
        {"cookies": {"session": "hidden"}},
        {"cb_kwargs": {"token": "hidden"}},
    ],
)
def test_what_a_request_carries_is_sealed_and_its_url_is_not(tmp_path: Path, carried: dict[str, object]) -> None:
    codec = RequestCodec(Shop(), seal=Seal(tmp_path / "key"))
    request = Request("http://shop.test/page", **carried)  # type: ignore[arg-type]
    record = codec.encode(request)
    assert b"hidden" not in record
    assert url_of_record(record) == request.url
    assert RequestCodec(Shop(), seal=Seal(tmp_path / "key")).decode(record).to_dict() == request.to_dict()


def test_what_the_engine_gives_to_every_request_costs_no_sealing(tmp_path: Path) -> None:
    codec = RequestCodec(Shop(), seal=Seal(tmp_path / "key"))
    codec.encode(Request("http://shop.test/", headers={"Referer": "http://shop.test/"}, meta={"depth": 3}))
    assert not (tmp_path / "key").exists()


def test_a_record_that_was_written_before_there_were_keys_is_read(tmp_path: Path) -> None:
    request = Request("http://shop.test/", meta={"proxy": "http://me:hidden@proxy.test:1"})
    codec = RequestCodec(Shop(), seal=Seal(tmp_path / "key"))
    assert codec.decode(RequestCodec(Shop()).encode(request)).meta == request.meta


def test_a_job_keeps_its_secrets_sealed_and_its_key_goes_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "jobs" / "mine"
    job = Job(folder)
    job.put({"state": FINISHED, "command": Secret({"assignments": ["http.proxy=http://me:hidden@proxy.test"]})})
    assert job.get("command")["assignments"] == command_of(folder)["assignments"]
    assert b"hidden" not in b"".join(one.read_bytes() for one in folder.iterdir())
    job.close()
    assert key_beside(folder).exists()
    remove_finished(tmp_path, 0)
    assert list((tmp_path / "jobs").iterdir()) == []


def test_the_key_may_lie_elsewhere(tmp_path: Path) -> None:
    job = Job(tmp_path / "mine", key_file=tmp_path / "run" / "key")
    job.put({"command": Secret({"arguments": ["token=hidden"]}), "key_file": str(job.seal.path)})
    job.close()
    assert not key_beside(tmp_path / "mine").exists()
    assert command_of(tmp_path / "mine") == {"arguments": ["token=hidden"]}
