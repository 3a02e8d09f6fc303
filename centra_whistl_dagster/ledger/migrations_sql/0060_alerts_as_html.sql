-- The same message as a whole HTML document, for channels that take one; NULL for a message that is text alone.
ALTER TABLE alerts ADD COLUMN html TEXT;
