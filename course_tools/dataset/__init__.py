"""CIFAR-10: fetched from whichever source has it, verified by its hashes, kept in a cache."""
