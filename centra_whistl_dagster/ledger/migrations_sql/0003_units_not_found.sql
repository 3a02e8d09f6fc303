-- Units of a line that the warehouse could not find and will not send: Whistl has taken them out of
-- the order, while Centra goes on counting them as sold until somebody cancels them there.
ALTER TABLE order_lines ADD COLUMN not_found INTEGER NOT NULL DEFAULT 0;
