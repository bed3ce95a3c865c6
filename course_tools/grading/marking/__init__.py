"""From a submission to a result: what was right, and why not."""
