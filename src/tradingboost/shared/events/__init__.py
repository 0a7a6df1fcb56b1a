"""Facts and feeds, past tense; one file a publishing service. The envelope is in `envelope`."""
