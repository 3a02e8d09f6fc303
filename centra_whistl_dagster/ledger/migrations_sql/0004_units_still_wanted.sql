-- Units of a line that Centra still wants, where it has been read since the line was sent. `quantity`
-- stays what Whistl was told: a unit cancelled in Centra afterwards may still leave the building.
ALTER TABLE order_lines ADD COLUMN wanted INTEGER;
