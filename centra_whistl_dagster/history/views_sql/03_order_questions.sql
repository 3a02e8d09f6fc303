-- The questions about orders, exceptions and parcels, each answered by one view.

CREATE OR REPLACE VIEW order_funnel AS
WITH stages AS (
    SELECT unnest(['seen', 'screened', 'accepted', 'allocated', 'despatched', 'completed']) AS stage,
           unnest(range(1, 7)) AS position
),
lately AS (
    SELECT unnest([
        {stage: 'seen', seconds: epoch(first_seen_at) - epoch(ordered_at)},
        {stage: 'screened', seconds: epoch(screened_at) - epoch(first_seen_at)},
        {stage: 'accepted',
         seconds: epoch(submitted_at) - epoch(coalesce(screened_at, first_seen_at))},
        {stage: 'allocated', seconds: epoch(allocated_at) - epoch(submitted_at)},
        {stage: 'despatched',
         seconds: epoch(despatched_at) - epoch(coalesce(allocated_at, submitted_at))},
        {stage: 'completed', seconds: epoch(completed_at) - epoch(despatched_at)}],
        recursive := true)
    FROM orders
    WHERE state <> 'cancelled'
      AND ordered_at > (SELECT data_as_of FROM data_as_of) - INTERVAL 7 DAYS
)
SELECT 'last 7 days' AS period, NULL::DATE AS day, s.position, stage, count(*) AS orders,
       count(l.seconds) AS reached, count(l.seconds) / count(*) AS share_reached,
       quantile_cont(l.seconds, 0.5) AS p50_seconds, quantile_cont(l.seconds, 0.95) AS p95_seconds
FROM lately l JOIN stages s USING (stage) GROUP BY ALL
UNION ALL
SELECT 'day', (day AT TIME ZONE 'Europe/London')::DATE, s.position, stage, orders, reached,
       reached / orders, p50_seconds, p95_seconds
FROM order_stage_days JOIN stages s USING (stage)
ORDER BY period DESC, day DESC, position;
COMMENT ON VIEW order_funnel IS 'How many orders reached each stage, and the median time from the stage before: of the orders placed in the last 7 days, and of each day''s orders. Cancelled orders are left out; seconds to accepted include the time blocked. Key: period, day, stage.';

CREATE OR REPLACE VIEW exceptions_that_repeat AS
WITH lately AS (
    SELECT e.*, d.data_as_of AS now, (epoch(d.data_as_of) - epoch(e.opened_at)) / 3600 AS hours,
           count(*) OVER (PARTITION BY e.kind, e.subject_type, e.subject, e.field) AS of_subject
    FROM exceptions e CROSS JOIN data_as_of d
    WHERE e.opened_at > d.data_as_of - INTERVAL 28 DAYS OR e.resolved_at IS NULL
)
SELECT owner, kind, field, count(*) AS times, count(DISTINCT subject) AS subjects,
       count(DISTINCT subject) FILTER (of_subject > 1) AS subjects_again,
       count_if(resolved_at IS NULL) AS open,
       count_if(resolved_at IS NULL AND hours < 4) AS open_under_4_hours,
       count_if(resolved_at IS NULL AND hours >= 4 AND hours < 24) AS open_4_to_24_hours,
       count_if(resolved_at IS NULL AND hours >= 24) AS open_over_a_day,
       count_if(resolved_at IS NULL AND due_at < now) AS overdue,
       max(hours) FILTER (resolved_at IS NULL) AS oldest_open_hours,
       quantile_cont(epoch(resolved_at) - epoch(opened_at), 0.5) / 3600 AS p50_hours_to_resolve
FROM lately GROUP BY owner, kind, field
ORDER BY times DESC, open DESC, owner, kind, field;
COMMENT ON VIEW exceptions_that_repeat IS 'Exceptions by owner and cause: how often in the last 28 days, of how many subjects, of how many of those more than once, and how old the open ones are. Key: owner, kind, field.';

CREATE OR REPLACE VIEW carrier_performance AS
SELECT 'day' AS period, (day AT TIME ZONE 'Europe/London')::DATE AS day, carrier, service, parcels,
       without_tracking, completed, attempts,
       p50_seconds_to_despatch / 3600 AS p50_hours_to_despatch,
       p95_seconds_to_despatch / 3600 AS p95_hours_to_despatch,
       p50_seconds_to_complete / 60 AS p50_minutes_to_complete,
       p95_seconds_to_complete / 60 AS p95_minutes_to_complete
FROM carrier_days
UNION ALL
SELECT 'last 28 days', NULL, carrier, service, sum(parcels)::BIGINT,
       sum(without_tracking)::BIGINT, sum(completed)::BIGINT, sum(attempts)::BIGINT,
       quantile_cont(p50_seconds_to_despatch, 0.5) / 3600,
       quantile_cont(p95_seconds_to_despatch, 0.5) / 3600,
       quantile_cont(p50_seconds_to_complete, 0.5) / 60,
       quantile_cont(p95_seconds_to_complete, 0.5) / 60
FROM carrier_days CROSS JOIN data_as_of WHERE day > data_as_of - INTERVAL 28 DAYS
GROUP BY carrier, service
ORDER BY period DESC, day DESC, parcels DESC, carrier, service;
COMMENT ON VIEW carrier_performance IS 'Parcels of each carrier and service: how many, without tracking, how long from Whistl accepting the order to the parcel leaving, and from there to Centra showing it. Over 28 days the times are the median of the days'' figures. When a parcel is delivered is not known. Key: period, day, carrier, service.';

CREATE OR REPLACE VIEW why_orders_were_late AS
WITH timed AS (
    SELECT o.order_number, o.ordered_at, o.state,
           epoch(coalesce(o.submitted_at, d.data_as_of)) - epoch(o.first_seen_at)
               > a.within_seconds AS is_accepted_late,
           epoch(coalesce(o.despatched_at, d.data_as_of)) - epoch(o.ordered_at)
               > t.within_seconds AS is_despatched_late,
           d.data_as_of AS now
    FROM orders o CROSS JOIN data_as_of d
    LEFT JOIN service_targets a ON a.target = 'accepted'
    LEFT JOIN service_targets t ON t.target = 'despatched'
    WHERE o.state <> 'cancelled'
),
reasons AS (
    SELECT order_number, 'state' AS part, state AS name, '' AS about_type, '' AS about,
           '' AS owner, entered_at AS began_at, left_at AS ended_at
    FROM state_stays WHERE state NOT IN ('completed', 'cancelled')
    UNION ALL
    SELECT order_number, 'cause', kind, subject_type, subject, owner, linked_at, freed_at
    FROM order_causes
    UNION ALL
    SELECT e.subject, 'cause', e.kind, e.subject_type, e.subject, e.owner, e.opened_at, e.resolved_at
    FROM exceptions e
    WHERE e.subject_type = 'order'
      AND NOT EXISTS (SELECT 1 FROM order_causes c
                      WHERE c.order_number = e.subject AND c.kind = e.kind
                        AND c.subject_type = e.subject_type AND c.opened_at = e.opened_at)
    UNION ALL
    SELECT DISTINCT d.order_number, 'cause', e.kind, e.subject_type, e.subject, e.owner,
           e.opened_at, e.resolved_at
    FROM exceptions e JOIN despatches d ON d.despatch_id = e.subject
    WHERE e.subject_type = 'despatch'
)
SELECT r.order_number, t.is_accepted_late, t.is_despatched_late, r.part, r.name, r.about_type,
       r.about, r.owner, r.began_at, r.ended_at,
       (epoch(coalesce(r.ended_at, t.now)) - epoch(r.began_at)) / 60 AS minutes
FROM reasons r JOIN timed t USING (order_number);
COMMENT ON VIEW why_orders_were_late IS 'Where an order''s time went: each state it was in (part state), and each exception about it (part cause), those about a SKU or a shipping option included. Ask with WHERE order_number = ... ORDER BY began_at. Late is against service_targets; an order that has not got there counts from its age.';

CREATE OR REPLACE VIEW order_statuses_side_by_side AS
SELECT order_number, ordered_at, currency, grand_total, state, centra_status, whistl_status,
       standing = 'agree' AS agrees, standing
FROM (
    SELECT *, CASE
        WHEN centra_status IS NULL THEN 'not known: loaded before statuses were kept'
        WHEN centra_status = 'CANCELLED' AND whistl_status IN ('DESPATCHED', 'PART_DESPATCHED')
            THEN 'cancelled in Centra, shipped by Whistl'
        WHEN centra_status = 'CANCELLED' AND whistl_status IS NOT NULL
             AND whistl_status NOT IN ('CANCELLED', 'REJECTED')
            THEN 'cancelled in Centra, open at Whistl'
        WHEN centra_status IN ('SHIPPED', 'ARCHIVED') AND whistl_status IS NULL
            THEN 'shipped in Centra, never at Whistl'
        WHEN centra_status IN ('SHIPPED', 'ARCHIVED')
             AND whistl_status IN ('CANCELLED', 'REJECTED')
            THEN 'shipped in Centra, stopped by Whistl'
        WHEN centra_status IN ('SHIPPED', 'ARCHIVED')
             AND whistl_status NOT IN ('DESPATCHED', 'PART_DESPATCHED')
            THEN 'shipped in Centra, open at Whistl'
        WHEN centra_status IN ('PENDING', 'CONFIRMED', 'PROCESSING') AND whistl_status = 'DESPATCHED'
            THEN 'shipped by Whistl, open in Centra'
        WHEN centra_status IN ('PENDING', 'CONFIRMED', 'PROCESSING')
             AND whistl_status IN ('CANCELLED', 'REJECTED')
            THEN 'open in Centra, stopped by Whistl'
        WHEN centra_status IN ('CONFIRMED', 'PROCESSING') AND whistl_status IS NULL
            THEN 'open in Centra, not at Whistl yet'
        ELSE 'agree' END AS standing
    FROM orders
);
COMMENT ON VIEW order_statuses_side_by_side IS 'Each order''s status in Centra and at Whistl as last read, and in which way they differ (standing). Differences of the last minutes are orders on their way. Key: order_number.';
