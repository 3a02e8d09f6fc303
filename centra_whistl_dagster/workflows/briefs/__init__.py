"""The daily and the weekly brief: what is read in the morning by the people who run the business."""
