"""The daily and the weekly brief: what the people who run the business read in the morning."""
