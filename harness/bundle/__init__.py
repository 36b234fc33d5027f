"""Everything that a machine without a network needs, in one folder: wheels, tokenizer, token blocks, a manifest."""
