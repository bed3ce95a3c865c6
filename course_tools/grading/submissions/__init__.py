"""What students handed in: taken from a platform's download, read, cleaned."""
