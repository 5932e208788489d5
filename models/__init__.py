"""Rows, scope, trail, the category table, verbs, money and standings: no HTTP, no PDF, no queue."""
