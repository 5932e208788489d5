"""Models in, bytes out: paper, workbooks; and the reading of spreadsheets."""
