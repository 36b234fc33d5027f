"""What runs a result: conversion to GGUF, quantization and runs, by llama.cpp in an environment of its own."""
