"""torchaudio, which it imports for audio inputs, is an empty stand-in module."""
