"""Tools for working on the repository; nothing the product imports."""
