"""Check published claims against recorded results: registry -> evidence -> judgement."""
