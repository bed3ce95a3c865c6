"""From results to marks, pages for students and a report on the class."""
