-- How often Centra refused to lock an order: it is asked less and less, and then its owner hears.
ALTER TABLE orders ADD COLUMN lock_attempts INTEGER NOT NULL DEFAULT 0;
