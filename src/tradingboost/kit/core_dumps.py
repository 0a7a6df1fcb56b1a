"""No picture of a process's memory on the disk: it would hold opened keys."""

import resource


def forbid_core_dumps() -> None:
    """From now on for this process and its children, however they end."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
