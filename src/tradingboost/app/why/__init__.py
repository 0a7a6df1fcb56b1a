"""Why a run or a back-test did something, or did not, in plain words."""
