"""What goes into and comes out of the store as data sets: headless and free of SQL."""
