"""wandb, which it imports and no job uses, is an empty stand-in module."""
