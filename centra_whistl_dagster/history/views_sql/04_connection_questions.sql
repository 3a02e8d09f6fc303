-- The questions about the connection itself, each answered by one view.

CREATE OR REPLACE VIEW api_calls_by_hour AS
WITH calls AS (
    SELECT hour, system, purpose, sum(calls)::BIGINT AS calls, sum(tries)::BIGINT AS requests,
           sum(failed)::BIGINT AS failed, sum(throttled)::BIGINT AS throttled,
           sum(milliseconds) / sum(calls) / 1000 AS seconds_a_call
    FROM api_calls GROUP BY ALL
),
quotas AS (
    SELECT hour, system, purpose,
           sum(units) FILTER (resource = 'requests')::BIGINT AS request_units,
           sum(units) FILTER (resource = 'mutations')::BIGINT AS mutation_units,
           sum(units) FILTER (resource = 'complexity')::BIGINT AS complexity_units,
           sum(units) FILTER (resource = 'requests')
               / nullif(max(allowed_units) FILTER (resource = 'requests'), 0) AS share_of_requests,
           sum(units) FILTER (resource = 'mutations')
               / nullif(max(allowed_units) FILTER (resource = 'mutations'), 0)
               AS share_of_mutations,
           sum(units) FILTER (resource = 'complexity')
               / nullif(max(allowed_units) FILTER (resource = 'complexity'), 0)
               AS share_of_complexity
    FROM api_quota_use GROUP BY ALL
)
SELECT c.*, q.request_units, q.mutation_units, q.complexity_units, q.share_of_requests,
       q.share_of_mutations, q.share_of_complexity
FROM calls c LEFT JOIN quotas q USING (hour, system, purpose)
ORDER BY c.hour DESC, c.system, c.calls DESC, c.purpose;
COMMENT ON VIEW api_calls_by_hour IS 'Calls to each system by hour and purpose, and what they took of the quotas: shares are of what we may take in an hour (our share of the plan), empty where there is no limit. Complexity is in thousands. Key: hour, system, purpose.';

CREATE OR REPLACE VIEW sync_decisions AS
SELECT decided_at, (decided_at AT TIME ZONE 'Europe/London')::DATE AS day, does, minutes, reason,
       ticks, (epoch(decided_at) - epoch(max(CASE WHEN does <> 'none' THEN decided_at END) OVER (
           ORDER BY decided_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))) / 60
           AS minutes_since_sync,
       requests_left, mutations_left
FROM cadence_decisions ORDER BY decided_at DESC;
COMMENT ON VIEW sync_decisions IS 'Each decision to sync stock, fully or in part, and why; ticks in a row that launched nothing share a row, with the last one''s reason. Key: decided_at.';

CREATE OR REPLACE VIEW service_levels_against_targets AS
WITH measured AS (
    SELECT (day AT TIME ZONE 'Europe/London')::DATE AS day, stage AS target, orders AS measured,
           within_target AS met
    FROM order_stage_days WHERE stage IN ('accepted', 'despatched')
    UNION ALL
    SELECT (day AT TIME ZONE 'Europe/London')::DATE, 'completed', sum(parcels),
           sum(completed_within_target)
    FROM carrier_days GROUP BY day
    UNION ALL
    SELECT day, 'stock_age', minutes, minutes - stale_minutes FROM stock_staleness
    UNION ALL
    SELECT (opened_at AT TIME ZONE 'Europe/London')::DATE, 'exceptions', count(*),
           count_if(coalesce(resolved_at, d.data_as_of) <= due_at)
    FROM exceptions CROSS JOIN data_as_of d WHERE due_at IS NOT NULL GROUP BY ALL
)
SELECT m.day, target, m.measured, m.met, 100 * m.met / nullif(m.measured, 0) AS percent,
       t.wanted_percent, t.within_seconds,
       100 * m.met >= t.wanted_percent * m.measured AS is_met,
       (m.day + 1)::TIMESTAMP AT TIME ZONE 'Europe/London'
           + t.within_seconds * INTERVAL 1 SECOND <= d.data_as_of AS is_final
FROM measured m JOIN service_targets t USING (target) CROSS JOIN data_as_of d
ORDER BY m.day DESC, target;
COMMENT ON VIEW service_levels_against_targets IS 'By day and target: how many orders, parcels, minutes of stock or exceptions there were, how many met the target, and whether that is enough. Until a day is_final, orders that still have time count as not met. Key: day, target.';
