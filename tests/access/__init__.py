"""Who reaches what: every address the portal has, as every post and as nobody, on rows here, elsewhere and nowhere."""
