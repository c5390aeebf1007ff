"""Benchmarks: `./run bench` compares this server with what people would pick instead."""
