"""One indicator a file: the whole column and one step of the same recurrence."""
