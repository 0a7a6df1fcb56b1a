"""Settings of people as documents: where one is kept, how it is read, merged, compared and handed on. Pure.

The keys, their bounds and their rules are those of the schema beside each strategy's kernel; nothing is listed twice.
"""
