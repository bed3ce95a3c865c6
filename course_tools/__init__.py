"""What maintainers and instructors run: the command `course`."""
