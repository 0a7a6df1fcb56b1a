"""The way in from the old system: its Redis is read, judged item by item, and taken over or refused with a reason.

Every verb is one list of items. An item is judged without touching anything (`Judged`), which is all a dry run does;
then what was judged is carried out and written down in `ops.migration_items`, so that a second run resumes and repeats
nothing.
"""
