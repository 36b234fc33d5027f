"""A module per kind of quantity: what evidence says about a claim's part, and why there may be none."""
