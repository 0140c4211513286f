"""CSV and TSV: dialect, records, fields, and the rows that are none."""
