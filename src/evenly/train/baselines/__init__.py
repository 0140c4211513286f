"""What a network must beat: the prior, and TF-IDF with logistic regression."""
