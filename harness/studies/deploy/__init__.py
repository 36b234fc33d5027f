"""After training: export, GGUF, llama.cpp, and what a Raspberry Pi would make of it."""
