"""What students submitted: taken from a platform's download, read, cleaned."""
