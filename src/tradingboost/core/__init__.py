"""The pure nouns everybody speaks: values and the functions that decide about them."""
