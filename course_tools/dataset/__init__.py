"""CIFAR-10: fetched from whoever serves it, verified by its hashes, kept in a cache."""
