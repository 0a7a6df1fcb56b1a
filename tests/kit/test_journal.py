"""A journal on the disk: whole records or none, numbers that grow, bounded files, one writer."""

import os
from pathlib import Path

import pytest

from tradingboost.core.errors import Conflict, Unavailable
from tradingboost.kit.journal import Journal


async def bodies(journal: Journal) -> list[bytes]:
    return [record.body for record in (await journal.read()).records]


async def test_records_come_back_in_order_also_in_another_life(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    waiting = [journal.pending]
    assert [await journal.append(body) for body in (b"one", b'{"two": 2}', b"")] == [1, 2, 3]
    waiting.append(journal.pending)
    assert waiting == [False, True]
    assert await bodies(journal) == [b"one", b'{"two": 2}', b""]
    journal.close()
    again = Journal(tmp_path / "j")
    assert await bodies(again) == [b"one", b'{"two": 2}', b""]
    assert await again.append(b"four") == 4


async def test_a_record_is_on_the_disk_before_its_number_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    whole = os.fsync

    def counted(fd: int) -> None:
        synced.append(os.fstat(fd).st_size)
        whole(fd)

    monkeypatch.setattr(os, "fsync", counted)
    journal = Journal(tmp_path)
    await journal.append(b"x" * 100)
    assert max(synced) > 100


@pytest.mark.parametrize("cut", [1, 5, 40])
async def test_a_line_that_a_crash_has_cut_is_passed_over(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path)
    for n in range(3):
        await journal.append(b"record %d of a certain length, longer than forty" % n)
    journal.close()
    path = tmp_path / "000000000001.journal"
    path.write_bytes(path.read_bytes()[:-cut])
    again = Journal(tmp_path)
    kept = await again.read()
    assert ([record.seq for record in kept.records], kept.damaged) == ([1, 2], 0)
    assert await again.append(b"next") == 3
    assert (await bodies(again))[-1] == b"next"


async def test_a_damaged_line_in_the_middle_is_counted_and_the_others_are_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for body in (b"first", b"second", b"third"):
        await journal.append(body)
    journal.close()
    path = tmp_path / "000000000001.journal"
    path.write_bytes(path.read_bytes().replace(b"second", b"sec0nd"))
    kept = await Journal(tmp_path).read()
    assert ([record.body for record in kept.records], kept.damaged) == ([b"first", b"third"], 1)


async def test_what_was_read_is_forgotten_and_what_came_meanwhile_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await journal.append(b"before")
    read = (await journal.read()).records
    await journal.append(b"meanwhile")
    await journal.forget(read[-1].seq)
    waiting = [journal.pending]
    assert await bodies(journal) == [b"meanwhile"]
    await journal.forget(2)
    waiting.append(journal.pending)
    assert waiting == [True, False]
    assert await bodies(journal) == []
    assert await journal.append(b"after") == 3


async def test_files_are_bounded_and_a_full_journal_takes_nothing_more(tmp_path: Path) -> None:
    journal = Journal(tmp_path, file_bytes=64, most_files=3)
    for n in range(3):
        assert await journal.append(b"x" * 80) == n + 1
    with pytest.raises(Unavailable, match="journal_full"):
        await journal.append(b"x")
    assert len(await bodies(journal)) == 3
    await journal.forget(3)
    assert await journal.append(b"x") == 4


async def test_a_disk_that_takes_nothing_is_said_and_leaves_no_half_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    await journal.append(b"good")

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="journal_not_written"):
            await journal.append(b"bad")
    assert await journal.append(b"good again") == 2
    assert await bodies(journal) == [b"good", b"good again"]


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="journal_not_written"):
        await Journal(tmp_path / "file" / "j").append(b"x")


async def test_one_process_writes_a_folder_at_a_time(tmp_path: Path) -> None:
    first, second = Journal(tmp_path), Journal(tmp_path)
    await first.append(b"mine")
    with pytest.raises(Conflict, match="journal_held"):
        await second.append(b"also mine")
    first.close()
    assert await second.append(b"mine now") == 2
