"""Recipes become published runs, and published runs become figures."""
