"""The command line: one file a verb group. It asks interfaces and entry points of `app`, and shows what they say."""
