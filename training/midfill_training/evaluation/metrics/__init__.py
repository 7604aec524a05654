"""What can be said of two texts: alike, how alike, and alike as code."""
