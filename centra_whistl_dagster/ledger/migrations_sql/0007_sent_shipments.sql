-- What Centra was sent for a parcel, as JSON: a parcel whose answer was lost is recognised by it, and not by Whistl's clock.
ALTER TABLE parcels ADD COLUMN sent TEXT;
