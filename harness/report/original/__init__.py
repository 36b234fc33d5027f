"""The report that this project measures again, written anew: its nine sections, each statement with its verdict."""
