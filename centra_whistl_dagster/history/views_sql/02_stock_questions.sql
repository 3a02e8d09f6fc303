-- The questions about stock that analysts and finance ask, each answered by one view.
-- "Now" is the last load; days are days in London; money is at the price a unit was sold at last.

CREATE OR REPLACE VIEW sku_values AS
SELECT sku, currency, unit_price, priced_at
FROM sku_prices
QUALIFY row_number() OVER (
    PARTITION BY sku
    ORDER BY currency = (SELECT currency FROM sku_prices GROUP BY currency
                         ORDER BY count(*) DESC, currency LIMIT 1) DESC,
             priced_at DESC, currency) = 1;
COMMENT ON VIEW sku_values IS 'One price for each SKU, from the lines of orders: the one it was sold at last in the currency in which most SKUs are sold, else in another. A SKU that was never sold has none.';

CREATE OR REPLACE VIEW divergence_over_time AS
WITH days AS (
    SELECT (compared_at AT TIME ZONE 'Europe/London')::DATE AS day, count(*) AS comparisons
    FROM stock_comparisons GROUP BY day
)
SELECT 'now' AS period, (compared_at AT TIME ZONE 'Europe/London')::DATE AS day, cause,
       1::BIGINT AS comparisons, skus::DOUBLE AS skus, units::DOUBLE AS units,
       units_without_sign::DOUBLE AS units_without_sign, units_without_sign AS most_units
FROM comparison_causes
WHERE snapshot_id = (SELECT snapshot_id FROM stock_comparisons ORDER BY compared_at DESC LIMIT 1)
UNION ALL
SELECT 'day', c.day, c.cause, days.comparisons, c.skus / days.comparisons,
       c.units / days.comparisons, c.units_without_sign / days.comparisons, c.most_units
FROM (SELECT (compared_at AT TIME ZONE 'Europe/London')::DATE AS day, cause, sum(skus) AS skus,
             sum(units) AS units, sum(units_without_sign) AS units_without_sign,
             max(units_without_sign) AS most_units
      FROM comparison_causes GROUP BY ALL) c
JOIN days USING (day)
ORDER BY period DESC, day DESC, units_without_sign DESC;
COMMENT ON VIEW divergence_over_time IS 'Divergence by cause: at the last comparison (period now), and on each day as the average over all comparisons of that day, those without this cause included. units above 0: the shop offers too much. Key: period, day, cause.';

CREATE OR REPLACE VIEW oversold_and_withheld AS
SELECT p.sku, p.oversold_units, p.withheld_units, p.since, v.currency, v.unit_price,
       p.oversold_units * v.unit_price AS oversold_value,
       p.withheld_units * v.unit_price AS withheld_value
FROM (SELECT sku, max_by(oversold_units, changed_at) AS oversold_units,
             max_by(withheld_units, changed_at) AS withheld_units,
             max(changed_at) FILTER (oversold_units <> oversold_before
                                     OR withheld_units <> withheld_before) AS since
      FROM stock_positions GROUP BY sku) p
LEFT JOIN sku_values v USING (sku)
WHERE p.oversold_units > 0 OR p.withheld_units > 0
ORDER BY oversold_value DESC NULLS LAST, withheld_value DESC NULLS LAST, p.sku;
COMMENT ON VIEW oversold_and_withheld IS 'Now, by SKU: units that were sold and that nobody has, units that the buffer keeps from the shop, and their value (sku_values). Key: sku.';

CREATE OR REPLACE VIEW oversold_and_withheld_by_day AS
WITH by_sku AS (
    SELECT date_trunc('hour', changed_at) AS hour, sku, sum(oversold_units - oversold_before) AS oversold,
           sum(withheld_units - withheld_before) AS withheld
    FROM stock_positions GROUP BY ALL
    UNION ALL
    -- What there was before the first change that is kept.
    SELECT (SELECT date_trunc('hour', min(changed_at)) FROM stock_positions), sku,
           min_by(oversold_before, changed_at), min_by(withheld_before, changed_at)
    FROM stock_positions GROUP BY sku
),
moves AS (
    SELECT p.hour, coalesce(v.currency, '') AS currency, sum(p.oversold) AS oversold,
           sum(p.withheld) AS withheld, sum(p.oversold * v.unit_price) AS oversold_value,
           sum(p.withheld * v.unit_price) AS withheld_value
    FROM by_sku p LEFT JOIN sku_values v USING (sku) GROUP BY ALL
),
hours AS (
    SELECT currency,
           unnest(generate_series(min(hour), (SELECT data_as_of FROM data_as_of), INTERVAL 1 HOUR))
               AS hour
    FROM moves GROUP BY currency
),
running AS (
    SELECT currency, hour, sum(oversold) OVER w AS oversold, sum(withheld) OVER w AS withheld,
           sum(oversold_value) OVER w AS oversold_value,
           sum(withheld_value) OVER w AS withheld_value
    FROM hours LEFT JOIN moves USING (currency, hour)
    WINDOW w AS (PARTITION BY currency ORDER BY hour)
)
SELECT (hour AT TIME ZONE 'Europe/London')::DATE AS day, currency,
       avg(oversold) AS oversold_units, max(oversold)::BIGINT AS most_oversold_units,
       avg(withheld) AS withheld_units, max(withheld)::BIGINT AS most_withheld_units,
       avg(coalesce(oversold_value, 0)) AS oversold_value,
       avg(coalesce(withheld_value, 0)) AS withheld_value
FROM running GROUP BY ALL ORDER BY day DESC, currency;
COMMENT ON VIEW oversold_and_withheld_by_day IS 'Oversold and withheld units on each day, the average over its hours as each hour ended, and their value at the prices of now. Currency is blank for SKUs that were never sold. Key: day, currency.';

CREATE OR REPLACE VIEW inventory_accuracy AS
SELECT (c.compared_at AT TIME ZONE 'Europe/London')::DATE AS day, count(*) AS comparisons,
       avg(c.sku_count) AS skus, avg(c.differing_count) AS differing_skus, avg(u.units) AS units,
       avg(c.differing_units) AS differing_units, avg(c.unexplained_units) AS unexplained_units,
       1 - sum(c.differing_units) FILTER (u.units > 0) / sum(u.units) AS share_of_units_alike,
       1 - sum(c.unexplained_units) FILTER (u.units > 0) / sum(u.units)
           AS share_of_units_alike_or_explained,
       1 - sum(c.differing_count) / nullif(sum(c.sku_count), 0) AS share_of_skus_alike
FROM stock_comparisons c LEFT JOIN comparison_units u USING (snapshot_id)
GROUP BY day ORDER BY day DESC;
COMMENT ON VIEW inventory_accuracy IS 'By day, the average over its comparisons: how many units differ between the two systems, how many of those for no known cause, and the share of all units in the building that is right. Key: day.';

CREATE OR REPLACE VIEW slowest_skus_to_sync AS
WITH unwritten AS (
    SELECT sku, max_by(unwritten_units, changed_at) AS units,
           max(changed_at) FILTER (unwritten_before = 0) AS since
    FROM stock_positions WHERE unwritten_units <> unwritten_before
    GROUP BY sku HAVING units > 0
),
written AS (
    SELECT u.sku, count(*) AS writes, count_if(u.outcome IS DISTINCT FROM 'written') AS not_taken,
           quantile_cont(epoch(u.settled_at) - epoch(s.taken_at), 0.5)
               FILTER (u.outcome = 'written') / 60 AS p50_minutes,
           max(epoch(u.settled_at) - epoch(s.taken_at))
               FILTER (u.outcome = 'written') / 60 AS longest_minutes
    FROM stock_updates u
    LEFT JOIN stock_snapshots s ON s.system = 'whistl' AND s.snapshot_id = u.snapshot_id
    WHERE u.intended_at > (SELECT data_as_of FROM data_as_of) - INTERVAL 7 DAYS
    GROUP BY u.sku
),
not_in_centra AS (
    SELECT w.sku, w.available AS units, w.valid_from AS since
    FROM stock_levels w
    ANTI JOIN (SELECT sku FROM centra_levels WHERE valid_to IS NULL AND is_present) c USING (sku)
    WHERE w.valid_to IS NULL AND w.is_present AND w.available > 0
      AND EXISTS (SELECT 1 FROM centra_levels)
)
SELECT sku,
       CASE WHEN u.sku IS NOT NULL THEN 'waiting' WHEN n.sku IS NOT NULL THEN 'not in Centra'
            ELSE 'written' END AS standing,
       coalesce(u.units, n.units) AS units_waiting,
       (epoch(d.data_as_of) - epoch(coalesce(u.since, n.since))) / 60 AS minutes_waiting,
       coalesce(w.writes, 0) AS writes, coalesce(w.not_taken, 0) AS not_taken, w.p50_minutes,
       w.longest_minutes
FROM unwritten u FULL JOIN not_in_centra n USING (sku) FULL JOIN written w USING (sku)
CROSS JOIN data_as_of d
ORDER BY greatest(coalesce(minutes_waiting, 0), coalesce(w.longest_minutes, 0)) DESC, sku;
COMMENT ON VIEW slowest_skus_to_sync IS 'SKUs by how long a change at Whistl takes to be in Centra: written in the last 7 days (from the snapshot to the answer), waiting to be written now, or with stock at Whistl and no row in Centra, so that it is never written. Key: sku.';

CREATE OR REPLACE VIEW stock_staleness AS
WITH used AS (
    SELECT taken_at, read_at,
           coalesce(lead(read_at) OVER (ORDER BY read_at, taken_at), d.data_as_of) AS until
    FROM stock_snapshots CROSS JOIN data_as_of d WHERE system = 'whistl' AND verdict = 'accepted'
),
midnights AS (
    SELECT *, unnest(generate_series(
        date_trunc('day', read_at AT TIME ZONE 'Europe/London'),
        date_trunc('day', until AT TIME ZONE 'Europe/London'), INTERVAL 1 DAY)) AS midnight
    FROM used WHERE until > read_at
),
parts AS (
    SELECT midnight::DATE AS day, taken_at,
           greatest(read_at, midnight AT TIME ZONE 'Europe/London') AS began,
           least(until, (midnight + INTERVAL 1 DAY) AT TIME ZONE 'Europe/London') AS ended
    FROM midnights
),
refused AS (
    SELECT (read_at AT TIME ZONE 'Europe/London')::DATE AS day, count(*) AS refused
    FROM stock_snapshots WHERE system = 'whistl' AND verdict = 'refused' GROUP BY day
)
SELECT day, count(DISTINCT taken_at) FILTER (ended > began) AS snapshots,
       coalesce(any_value(r.refused), 0) AS refused_snapshots,
       sum(epoch(ended) - epoch(began)) / 60 AS minutes,
       sum(((epoch(began) + epoch(ended)) / 2 - epoch(taken_at)) * (epoch(ended) - epoch(began)))
           / nullif(sum(epoch(ended) - epoch(began)), 0) / 60 AS average_age_minutes,
       max(epoch(ended) - epoch(taken_at)) / 60 AS oldest_minutes,
       sum(greatest(epoch(ended) - greatest(epoch(began), epoch(taken_at) + t.within_seconds), 0))
           / 60 AS stale_minutes,
       sum(greatest(epoch(ended) - greatest(epoch(began), epoch(taken_at) + t.within_seconds), 0))
           / nullif(sum(epoch(ended) - epoch(began)), 0) AS stale_share
FROM parts LEFT JOIN refused r USING (day)
LEFT JOIN service_targets t ON t.target = 'stock_age'
GROUP BY day ORDER BY day DESC;
COMMENT ON VIEW stock_staleness IS 'By day: how old Whistl''s figures in use were, and for how long they were older than the target of stock_age (service_targets). Ages are as of each moment, not as of each reading. Key: day.';

CREATE OR REPLACE VIEW cost_of_buffers AS
WITH began AS (SELECT data_as_of - INTERVAL 28 DAYS AS since, data_as_of AS now FROM data_as_of),
stays AS (
    SELECT sku, is_sold_out_by_buffer, demand_in_30_days, changed_at,
           lead(changed_at) OVER (PARTITION BY sku ORDER BY changed_at) AS until
    FROM stock_positions WHERE is_sold_out_by_buffer OR was_sold_out_by_buffer
),
sold_out AS (
    SELECT sku, sum(hours) AS hours, sum(hours * demand_in_30_days / 720) AS units
    FROM (SELECT sku, demand_in_30_days,
                 greatest(epoch(coalesce(until, now)) - greatest(epoch(changed_at), epoch(since)), 0)
                     / 3600 AS hours
          FROM stays CROSS JOIN began WHERE is_sold_out_by_buffer)
    GROUP BY sku
),
withheld AS (
    SELECT sku, max_by(withheld_units, changed_at) AS withheld_units
    FROM stock_positions GROUP BY sku
)
SELECT sku, coalesce(w.withheld_units, 0) AS withheld_units, v.currency, v.unit_price,
       w.withheld_units * v.unit_price AS withheld_value,
       coalesce(s.hours, 0) AS hours_sold_out, coalesce(s.units, 0) AS units_not_sold,
       s.units * v.unit_price AS value_not_sold
FROM withheld w LEFT JOIN sold_out s USING (sku) LEFT JOIN sku_values v USING (sku)
WHERE w.withheld_units > 0 OR s.hours > 0
ORDER BY value_not_sold DESC NULLS LAST, withheld_value DESC NULLS LAST, sku;
COMMENT ON VIEW cost_of_buffers IS 'What buffers cost, by SKU: units held back now and their value; and of the last 28 days the hours in which the shop offered none because of the buffer, with an estimate of the sales lost (hours at the pace measured at that sync). Key: sku.';

CREATE OR REPLACE VIEW sku_timeline AS
WITH whistl AS (
    SELECT *, lag(on_hand) OVER w AS on_hand_before, lag(available) OVER w AS available_before,
           lag(is_present) OVER w AS present_before
    FROM stock_levels WINDOW w AS (PARTITION BY sku ORDER BY valid_from)
),
centra AS (
    SELECT *, lag(physical) OVER w AS physical_before, lag(free) OVER w AS free_before,
           lag(is_present) OVER w AS present_before
    FROM centra_levels WINDOW w AS (PARTITION BY sku ORDER BY valid_from)
)
SELECT sku, valid_from AS happened_at, 'Whistl shows' AS what, available_before AS before,
       available AS after,
       CASE WHEN NOT is_present THEN 'no longer listed'
            WHEN present_before IS NOT TRUE THEN format('listed: {} on hand', on_hand)
            ELSE format('on hand {} to {}, allocated {}, quarantined {}', on_hand_before, on_hand,
                        allocated, quarantined) END AS detail,
       snapshot_id AS reference
FROM whistl
UNION ALL
SELECT sku, valid_from, 'Centra shows', free_before, free,
       CASE WHEN NOT is_present THEN 'no longer listed'
            WHEN present_before IS NOT TRUE THEN format('listed: {} physical', physical)
            ELSE format('physical {} to {}, allocated {}', physical_before, physical, allocated) END,
       snapshot_id
FROM centra
UNION ALL
SELECT sku, intended_at, 'sent to Centra', from_physical, to_physical,
       format('{}; Whistl available {}, our orders {} held and {} left, buffer {}',
              coalesce(outcome, 'not answered yet'), whistl_available, units_held, units_left,
              buffer), snapshot_id
FROM stock_updates
UNION ALL
SELECT sku, changed_at, 'buffer', from_units, to_units, reason, '' FROM buffer_changes
UNION ALL
SELECT sku, changed_at, 'oversold', oversold_before, oversold_units,
       'units that were sold and that nobody has', ''
FROM stock_positions WHERE oversold_before <> oversold_units
UNION ALL
SELECT subject, opened_at, 'exception opened', NULL, NULL, format('{} ({})', kind, owner), field
FROM exceptions WHERE subject_type = 'sku'
UNION ALL
SELECT subject, resolved_at, 'exception resolved', NULL, NULL, format('{} ({})', kind, owner), field
FROM exceptions WHERE subject_type = 'sku' AND resolved_at IS NOT NULL
UNION ALL
SELECT l.sku, o.ordered_at, 'ordered', NULL, l.quantity,
       CASE WHEN o.state = 'cancelled' THEN 'cancelled since' ELSE '' END, l.order_number
FROM order_lines l JOIN orders o USING (order_number)
UNION ALL
SELECT l.sku, p.despatched_at, 'despatched', NULL, l.quantity, p.carrier_name, p.order_number
FROM parcel_lines l JOIN parcels p USING (despatch_id, parcel_number);
COMMENT ON VIEW sku_timeline IS 'Everything that happened to a SKU, in both systems and here: ask with WHERE sku = ... ORDER BY happened_at. before and after are units: available at Whistl, free or physical in Centra, units of the buffer or of the order. Orders and parcels have their units under after.';
