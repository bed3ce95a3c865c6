"""What was trained: recipes (`experiments`), published runs, and the claims they decide."""
