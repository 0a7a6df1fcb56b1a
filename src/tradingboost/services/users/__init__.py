"""Users: people, their linked exchange accounts and the sealed keys to them."""
