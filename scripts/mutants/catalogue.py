"""Mistakes that platforms like this one are known for, each as the change that would bring it back."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Mutant:
    """One mistake.

    Args:
        says: what would go wrong.
        file: below the repository; `old` stands in it exactly once and becomes `new`.
        test: the test that must die of it.
    """

    name: str
    says: str
    file: str
    old: str
    new: str
    test: str


_SRC: Final = "src/tradingboost"

MUTANTS: Final = (
    Mutant(
        name="timeout_is_rejected",
        says="an order whose reply was lost is taken for refused, and sent again",
        file=f"{_SRC}/venues/outcome.py",
        old='return _told(OutcomeClass.UNKNOWN, "no_reply"',
        new='return _told(OutcomeClass.REFUSED, "no_reply"',
        test="tests/venues/test_outcome.py::test_written_without_an_answer_is_unknown",
    ),
    Mutant(
        name="position_error_is_flat",
        says="a reading of the account that failed is taken for an empty account",
        file=f"{_SRC}/services/positions/service.py",
        old="        snapshot = await self._exchange.snapshot(account_id, since)\n",
        new="""        try:
            snapshot = await self._exchange.snapshot(account_id, since)
        except Exception:
            async with self._db.transaction() as db:
                await store.put_venue_figures(db, account_id, [], [], self._clock.now())
                await self._compare(db, account_id)
            return
""",
        test="tests/services/positions/test_service.py::test_a_failed_reading_is_no_information",
    ),
    Mutant(
        name="lease_is_shorter_than_the_work",
        says="nobody renews a lease, so that another process begins while the first still works",
        file=f"{_SRC}/kit/lease.py",
        old="            await asyncio.sleep(self._renew_s)\n",
        new="            await asyncio.sleep(self._renew_s * 1000)\n",
        test="tests/kit/test_lease.py::test_a_block_is_kept_alive_by_renewals",
    ),
    Mutant(
        name="lease_is_taken_by_force",
        says="a starting process takes a lease that another one holds",
        file=f"{_SRC}/kit/lease.py",
        old="WHERE l.expires_at <= clock_timestamp() OR l.owner = excluded.owner",
        new="WHERE l.expires_at <= clock_timestamp() OR true",
        test="tests/kit/test_lease.py::test_two_holders_cannot_have_one_lease",
    ),
    Mutant(
        name="stop_is_cancelled_then_created",
        says="between the two calls of a moved stop the position stands bare",
        file=f"{_SRC}/services/orders/service/changing.py",
        old="        outcome = await self.amend_row(row, wish)\n",
        new="        outcome = await self.cancel_row(row)\n        return await self._replace(row, request)\n",
        test="tests/services/orders/test_changing.py::test_the_attached_stop_becomes_the_slot_sl_and_is_amended_in_place",
    ),
    Mutant(
        name="fill_is_counted_twice",
        says="a fill that is told twice moves the position twice",
        file=f"{_SRC}/services/positions/service.py",
        old="        if not await store.insert_booking(db, self._booking(filled, realized, now)):\n",
        new="        if await store.insert_booking(db, self._booking(filled, realized, now)) is None:\n",
        test="tests/services/positions/test_service.py::test_the_same_fill_is_booked_once_however_often_it_comes",
    ),
    Mutant(
        name="stream_is_trimmed_past_an_acknowledgement",
        says="entries leave the stream that a stopped consumer has not read",
        file=f"{_SRC}/kit/trimming.py",
        old="    limit = min(limits)\n",
        new="    limit = limits[0]\n",
        test="tests/kit/test_outbox.py::test_streams_are_trimmed_below_every_groups_acknowledgement_only",
    ),
    Mutant(
        name="cursor_passes_what_failed",
        says="a consumer goes on behind an event that its handler could not take",
        file=f"{_SRC}/kit/inbox.py",
        old="limit = func.least(first_open.scalar_subquery(), newest_old.scalar_subquery())",
        new="limit = func.least(newest_old.scalar_subquery(), newest_old.scalar_subquery())",
        test="tests/kit/test_bus.py::test_the_cursor_stays_before_what_a_handler_could_not_take_however_old_it_gets",
    ),
    Mutant(
        name="restriction_blocks_exits",
        says="an account that may open nothing may not close anything either",
        file=f"{_SRC}/core/risk.py",
        old="    if not intent.reduce_only:\n        rules +=",
        new="    if intent is not None:\n        rules +=",
        test="tests/services/orders/test_blocking.py::test_a_restricted_account_opens_nothing_and_may_always_reduce",
    ),
    Mutant(
        name="somebody_elses_account",
        says="a run is started on the account of another user",
        file=f"{_SRC}/services/strategy/service/__init__.py",
        old="        if account.user_id != request.user_id:\n",
        new="        if not account.user_id:\n",
        test="tests/services/strategy/test_starting.py::test_nobody_starts_a_run_on_somebody_elses_account",
    ),
    Mutant(
        name="failed_decryption_gives_the_stored_text",
        says="a sealed key that does not open is handed out as it is stored",
        file=f"{_SRC}/kit/crypto.py",
        old='        raise _failed("it was changed, moved, or sealed with another key") from None\n',
        new="        return Secret(ciphertext)\n",
        test="tests/kit/test_crypto.py::test_a_value_moved_to_another_owner_does_not_open",
    ),
)
