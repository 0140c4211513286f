"""From label cells to label ids: how labels are written, their rules, their names and numbers."""
