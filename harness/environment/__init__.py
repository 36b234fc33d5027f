"""One locked environment per framework, built by uv, kept in the cache."""
