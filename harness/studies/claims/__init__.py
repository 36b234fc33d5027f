"""Published claims, held against recorded results: registry -> evidence -> judgement."""
