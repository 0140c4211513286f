"""What must be fetched before it can be read: URLs, SQL queries, Hugging Face data sets."""
