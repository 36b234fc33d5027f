"""Everything that a machine without a network lacks, in one folder: wheels, tokenizer, token blocks, a manifest."""
