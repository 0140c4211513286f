"""Files that say themselves what a row is: JSON, parquet, Arrow, Excel."""
