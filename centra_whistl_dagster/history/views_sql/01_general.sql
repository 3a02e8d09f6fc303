-- What analysts ask, with plain names. Applied whole whenever this file changes.
-- "Now" is the last load (data_as_of), never the clock: a copy opened tomorrow answers the same.
-- Times are UTC; days are days in London.

CREATE OR REPLACE VIEW data_as_of AS
SELECT max(loaded_at) AS data_as_of FROM loads;
COMMENT ON VIEW data_as_of IS 'When the history was last added to. Ages and "now" in the other views mean this.';

-- Orders ------------------------------------------------------------------------------------------

CREATE OR REPLACE VIEW orders_by_state AS
SELECT state, count(*) AS orders, sum(units)::BIGINT AS units, min(state_since) AS oldest_since
FROM orders GROUP BY state ORDER BY orders DESC;
COMMENT ON VIEW orders_by_state IS 'How many orders are in each state. The counts add up to all orders ever read.';

CREATE OR REPLACE VIEW state_stays AS
SELECT order_number, state, moved_at AS entered_at, left_at,
       epoch(left_at) - epoch(moved_at) AS seconds, reason
FROM (SELECT *, lead(moved_at) OVER (PARTITION BY order_number ORDER BY moved_at) AS left_at
      FROM order_events);
COMMENT ON VIEW state_stays IS 'Each time an order was in a state; left_at and seconds are empty while it still is.';

CREATE OR REPLACE VIEW stage_durations AS
SELECT state, count(*) AS stays, quantile_cont(seconds, 0.5) AS p50_seconds,
       quantile_cont(seconds, 0.95) AS p95_seconds, max(seconds) AS longest_seconds
FROM state_stays WHERE left_at IS NOT NULL GROUP BY state ORDER BY p95_seconds DESC;
COMMENT ON VIEW stage_durations IS 'How long orders usually stay in each state: where time is lost.';

CREATE OR REPLACE VIEW stuck_orders AS
SELECT o.order_number, o.state, o.state_since,
       (epoch(d.data_as_of) - epoch(o.state_since)) / 60 AS minutes_in_state,
       s.p95_seconds / 60 AS usual_minutes, o.country, o.shipping_option, o.units
FROM orders o CROSS JOIN data_as_of d LEFT JOIN stage_durations s USING (state)
WHERE o.state NOT IN ('completed', 'cancelled')
  AND epoch(d.data_as_of) - epoch(o.state_since) > coalesce(s.p95_seconds, 0)
ORDER BY minutes_in_state DESC;
COMMENT ON VIEW stuck_orders IS 'Unfinished orders that have been in their state for longer than 19 of 20 orders before them, or with none to compare with.';

CREATE OR REPLACE VIEW latency_by_hour AS
SELECT stage, date_trunc('hour', ended_at) AS hour, count(*) AS number,
       quantile_cont(seconds, 0.5) AS p50_seconds, quantile_cont(seconds, 0.95) AS p95_seconds
FROM (
    SELECT 'first read to accepted by Whistl' AS stage, submitted_at AS ended_at,
           epoch(submitted_at) - epoch(first_seen_at) AS seconds
    FROM orders WHERE submitted_at IS NOT NULL
    UNION ALL
    SELECT 'accepted by Whistl to despatched', despatched_at, epoch(despatched_at) - epoch(submitted_at)
    FROM orders WHERE despatched_at IS NOT NULL AND submitted_at IS NOT NULL
    UNION ALL
    SELECT 'parcel despatched to shipped in Centra', completed_at,
           epoch(completed_at) - epoch(despatched_at)
    FROM parcels WHERE completed_at IS NOT NULL
)
GROUP BY ALL ORDER BY hour DESC, stage;
COMMENT ON VIEW latency_by_hour IS 'How long each step took, by the hour in which it ended.';

CREATE OR REPLACE VIEW service_levels_by_day AS
SELECT (ordered_at AT TIME ZONE 'Europe/London')::DATE AS day, count(*) AS orders,
       count_if(state = 'cancelled') AS cancelled,
       count(submitted_at) AS reached_whistl,
       count_if(epoch(submitted_at) - epoch(first_seen_at) <= 60) AS reached_whistl_in_a_minute,
       count(despatched_at) AS despatched,
       count_if(despatched_at - ordered_at <= INTERVAL 24 HOURS) AS despatched_in_a_day,
       count(completed_at) AS completed
FROM orders GROUP BY day ORDER BY day DESC;
COMMENT ON VIEW service_levels_by_day IS 'Orders by the day they were placed: how many got how far, and how fast.';

CREATE OR REPLACE VIEW shipping_option_use AS
SELECT shipping_option, country, carrier_code, delivery_method, count(*) AS orders,
       count_if(state = 'blocked') AS blocked, max(ordered_at) AS last_used_at
FROM orders GROUP BY ALL ORDER BY orders DESC;
COMMENT ON VIEW shipping_option_use IS 'Which shipping options are used and where they are sent; an empty carrier has no mapping yet.';

-- Despatches --------------------------------------------------------------------------------------

CREATE OR REPLACE VIEW despatches_current AS
SELECT d.* FROM despatches d
WHERE NOT EXISTS (SELECT 1 FROM despatches later
                  WHERE later.supersedes = d.despatch_id AND later.version > d.version)
QUALIFY row_number() OVER (PARTITION BY d.despatch_id ORDER BY d.version DESC) = 1;
COMMENT ON VIEW despatches_current IS 'Messages that no later one corrects. Parcels are kept under the first message of each chain, as the last one left them: do not join them with this view.';

CREATE OR REPLACE VIEW parcels_incomplete AS
SELECT p.* FROM parcels p
WHERE p.carrier_name = '' OR NOT p.has_tracking OR p.completed_at IS NULL
ORDER BY p.despatched_at;
COMMENT ON VIEW parcels_incomplete IS 'Parcels that left without a carrier or a tracking number, or without a shipment in Centra.';

-- Exceptions --------------------------------------------------------------------------------------

CREATE OR REPLACE VIEW blocked_by_reason AS
SELECT e.kind, e.owner, o.currency, count(DISTINCT o.order_number) AS orders,
       sum(o.grand_total) AS value, min(e.opened_at) AS oldest_since
FROM (SELECT DISTINCT ON (kind, subject) * FROM exceptions
      WHERE resolved_at IS NULL AND subject_type = 'order' ORDER BY opened_at) e
JOIN orders o ON o.order_number = e.subject AND o.state = 'blocked'
GROUP BY ALL ORDER BY orders DESC;
COMMENT ON VIEW blocked_by_reason IS 'Blocked orders by the fault that blocks them, its owner, and the money waiting. An order with two faults counts under both; one blocked by a SKU or a shipping option is under exceptions_by_owner.';

CREATE OR REPLACE VIEW exceptions_by_owner AS
SELECT e.owner, e.kind, e.severity, count_if(e.resolved_at IS NULL) AS open,
       count_if(e.resolved_at IS NULL AND e.due_at < d.data_as_of) AS overdue,
       count(e.resolved_at) AS resolved,
       quantile_cont(epoch(e.resolved_at) - epoch(e.opened_at), 0.5) / 60 AS p50_minutes_to_resolve
FROM exceptions e CROSS JOIN data_as_of d GROUP BY ALL ORDER BY overdue DESC, open DESC;
COMMENT ON VIEW exceptions_by_owner IS 'What each team has open, what is late, and how long it usually takes.';

CREATE OR REPLACE VIEW repeated_exceptions AS
SELECT e.kind, e.subject_type, e.subject, e.field, e.owner, count(*) AS times,
       min(e.opened_at) AS first_at, max(e.opened_at) AS last_at
FROM exceptions e CROSS JOIN data_as_of d
WHERE e.opened_at > d.data_as_of - INTERVAL 28 DAYS
GROUP BY ALL HAVING times > 1 ORDER BY times DESC;
COMMENT ON VIEW repeated_exceptions IS 'What was fixed and came back within four weeks: fix the cause.';

-- Sales and stock ---------------------------------------------------------------------------------

CREATE OR REPLACE VIEW sales_by_sku_hour AS
SELECT l.sku, date_trunc('hour', o.ordered_at) AS hour, sum(l.quantity)::BIGINT AS units,
       count(DISTINCT o.order_number) AS order_count
FROM orders o JOIN order_lines l USING (order_number)
WHERE o.state <> 'cancelled' AND l.sku <> '' GROUP BY ALL;
COMMENT ON VIEW sales_by_sku_hour IS 'Units ordered in Centra by SKU and hour, cancelled orders left out.';

CREATE OR REPLACE VIEW despatches_by_sku_hour AS
SELECT l.sku, date_trunc('hour', p.despatched_at) AS hour, sum(l.quantity)::BIGINT AS units
FROM parcels p JOIN parcel_lines l USING (despatch_id, parcel_number) GROUP BY ALL;
COMMENT ON VIEW despatches_by_sku_hour IS 'Units that left the warehouse for our orders by SKU and hour.';

CREATE OR REPLACE VIEW stock_movements AS
SELECT later.sku, later.valid_from AS moved_at,
       later.on_hand - before.on_hand AS on_hand_change,
       later.allocated - before.allocated AS allocated_change,
       later.quarantined - before.quarantined AS quarantined_change,
       later.available - before.available AS available_change,
       later.snapshot_id
FROM stock_levels later JOIN stock_levels before
  ON before.sku = later.sku AND before.valid_to = later.valid_from
WHERE later.is_present AND before.is_present;
COMMENT ON VIEW stock_movements IS 'By how much a SKU''s figures at Whistl changed from one reading to the next.';

CREATE OR REPLACE VIEW sales_velocity AS
SELECT v.sku, v.units_1_day, v.units_7_days, v.units_28_days, v.units_7_days / 7 AS units_a_day,
       s.available, s.available / nullif(v.units_7_days / 7, 0) AS days_of_cover
FROM (
    SELECT sku,
           sum(units) FILTER (hour > data_as_of - INTERVAL 1 DAY)::BIGINT AS units_1_day,
           sum(units) FILTER (hour > data_as_of - INTERVAL 7 DAYS)::BIGINT AS units_7_days,
           sum(units)::BIGINT AS units_28_days
    FROM sales_by_sku_hour CROSS JOIN data_as_of
    WHERE hour > data_as_of - INTERVAL 28 DAYS GROUP BY sku
) v
LEFT JOIN stock_levels s ON s.sku = v.sku AND s.valid_to IS NULL
ORDER BY v.units_7_days DESC NULLS LAST;
COMMENT ON VIEW sales_velocity IS 'How fast each SKU sells and how many days its stock lasts.';

CREATE OR REPLACE VIEW skus_on_one_side AS
SELECT coalesce(w.sku, c.sku) AS sku, w.sku IS NOT NULL AS is_at_whistl,
       c.sku IS NOT NULL AS is_in_centra, w.available, c.free
FROM (SELECT * FROM stock_levels WHERE valid_to IS NULL AND is_present) w
FULL JOIN (SELECT * FROM centra_levels WHERE valid_to IS NULL AND is_present) c ON c.sku = w.sku
WHERE w.sku IS NULL OR c.sku IS NULL
ORDER BY greatest(coalesce(w.available, 0), coalesce(c.free, 0)) DESC, sku;
COMMENT ON VIEW skus_on_one_side IS 'SKUs that only one system lists: stock that cannot be sold, or sales that cannot be sent.';

CREATE OR REPLACE VIEW stock_updates_not_taken AS
SELECT *, read_back - to_physical AS units_off FROM stock_updates
WHERE read_back IS NULL OR read_back <> to_physical ORDER BY intended_at DESC;
COMMENT ON VIEW stock_updates_not_taken IS 'Quantities sent to Centra that it did not accept, or that were not read back.';

CREATE OR REPLACE VIEW stock_accuracy AS
SELECT snapshot_id, compared_at, sku_count, differing_count, unexplained_count, unexplained_units,
       1 - differing_count / nullif(sku_count, 0) AS share_alike,
       1 - unexplained_count / nullif(sku_count, 0) AS share_alike_or_explained
FROM stock_comparisons ORDER BY compared_at DESC;
COMMENT ON VIEW stock_accuracy IS 'How far the two systems'' stock agreed, comparison by comparison.';

CREATE OR REPLACE VIEW stock_divergence_now AS
SELECT v.* FROM divergence v
SEMI JOIN (SELECT snapshot_id FROM stock_comparisons ORDER BY compared_at DESC LIMIT 1) last
  USING (snapshot_id)
ORDER BY abs(v.difference) DESC, v.sku;
COMMENT ON VIEW stock_divergence_now IS 'SKUs whose free stock in Centra differed at the last comparison, and why.';

CREATE OR REPLACE VIEW stock_divergence_by_cause AS
SELECT snapshot_id, compared_at, cause, skus, units, units_without_sign
FROM comparison_causes ORDER BY compared_at DESC, units_without_sign DESC;
COMMENT ON VIEW stock_divergence_by_cause IS 'Units of divergence by cause, comparison by comparison.';

CREATE OR REPLACE VIEW unexplained_divergence AS
SELECT sku, count(*) AS comparisons, min(compared_at) AS first_at, max(compared_at) AS last_at,
       max(abs(unexplained)) AS worst_units
FROM divergence WHERE unexplained <> 0 GROUP BY sku ORDER BY comparisons DESC, worst_units DESC;
COMMENT ON VIEW unexplained_divergence IS 'SKUs that keep differing for no known cause: count these shelves.';
