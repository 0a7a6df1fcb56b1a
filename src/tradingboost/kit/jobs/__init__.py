"""Background jobs: a row in PostgreSQL is the job, and Redis only wakes somebody to look at it.

    tables, store   the rows, and every statement about them
    piece           one worker works on one job for a while: claim, beat, keep, release
    queue           the Celery application (only here): queues, one task that carries a job's id, wake-up
    worker          the worker process, with the sweep that wakes what lies still

A job never places, changes or cancels an order: its loss, delay and repetition must not matter. An import contract
keeps the services and venues out of reach.
"""
