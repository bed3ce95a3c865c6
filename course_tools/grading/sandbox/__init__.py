"""A process that can do no harm, in which a student's code runs."""
