"""Stands where LLaMA-Factory 0.9.5 imports torchaudio for its audio inputs: it has no CPU build, and no job uses it."""
