-- What the briefs need beside the questions. Days are days in London.

CREATE OR REPLACE VIEW orders_despatched_by_day AS
SELECT (o.despatched_at AT TIME ZONE 'Europe/London')::DATE AS day, count(*) AS orders,
       sum(o.units)::BIGINT AS units,
       count_if(epoch(o.despatched_at) - epoch(o.ordered_at) <= t.within_seconds) AS within_target,
       quantile_cont(epoch(o.despatched_at) - epoch(o.ordered_at), 0.5) / 3600 AS p50_hours,
       any_value(t.within_seconds) AS within_seconds, any_value(t.wanted_percent) AS wanted_percent
FROM orders o LEFT JOIN service_targets t ON t.target = 'despatched'
WHERE o.despatched_at IS NOT NULL GROUP BY day ORDER BY day DESC;
COMMENT ON VIEW orders_despatched_by_day IS 'Orders by the day on which all of them had left the warehouse, how many within the target since they were placed, and the median of that time. service_levels_against_targets counts by the day on which they were placed. Key: day.';

CREATE OR REPLACE VIEW changes_by_day AS
SELECT (opened_at AT TIME ZONE 'Europe/London')::DATE AS day, 'exceptions opened' AS what,
       kind AS about, count(*) AS number
FROM exceptions GROUP BY ALL
UNION ALL
SELECT (resolved_at AT TIME ZONE 'Europe/London')::DATE, 'exceptions closed', kind, count(*)
FROM exceptions WHERE resolved_at IS NOT NULL GROUP BY ALL
UNION ALL
SELECT (changed_at AT TIME ZONE 'Europe/London')::DATE,
       CASE WHEN to_units > from_units THEN 'buffers raised' ELSE 'buffers lowered' END, '',
       count(DISTINCT sku)
FROM buffer_changes GROUP BY ALL
UNION ALL
SELECT (read_at AT TIME ZONE 'Europe/London')::DATE, 'stock feeds refused', '', count(*)
FROM stock_snapshots WHERE system = 'whistl' AND verdict = 'refused' GROUP BY ALL
UNION ALL
SELECT (cancelled_at AT TIME ZONE 'Europe/London')::DATE, 'orders cancelled', '', count(*)
FROM orders WHERE cancelled_at IS NOT NULL GROUP BY ALL
ORDER BY day DESC, what, number DESC, about;
COMMENT ON VIEW changes_by_day IS 'What changed on each day: exceptions opened and closed by kind (about), SKUs whose buffer was raised or lowered, stock feeds refused, orders cancelled. Key: day, what, about.';

CREATE OR REPLACE VIEW shipping_options_resolved AS
SELECT subject AS shipping_option, kind, min(opened_at) AS first_opened_at,
       max(resolved_at) AS last_resolved_at,
       (max(resolved_at) AT TIME ZONE 'Europe/London')::DATE AS day
FROM exceptions WHERE subject_type = 'shipping_option'
GROUP BY subject, kind HAVING count_if(resolved_at IS NULL) = 0
ORDER BY last_resolved_at DESC, shipping_option, kind;
COMMENT ON VIEW shipping_options_resolved IS 'Shipping options whose last exception of a kind is over: the mapping was changed, or the orders that waited were. Key: shipping_option, kind.';
