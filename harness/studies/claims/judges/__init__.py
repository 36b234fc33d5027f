"""A module per kind of quantity: what recorded evidence says of a claim's part, and why it may say nothing."""
