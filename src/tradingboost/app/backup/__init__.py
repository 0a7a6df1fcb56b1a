"""Backups of people, identities, sealed keys, settings and presets: sealed files that prove themselves.

files      the form of a file: sealed parts and a manifest
rows       which tables, row by row as the database spells them
keeping    which files stay
making     taking one
work       looking into one, bringing it back
"""
