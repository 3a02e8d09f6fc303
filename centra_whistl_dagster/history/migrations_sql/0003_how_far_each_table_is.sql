CREATE TABLE watermarks (
    table_name VARCHAR NOT NULL,
    complete_until TIMESTAMP WITH TIME ZONE NOT NULL
);

CREATE TABLE archived_files (
    file VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    day VARCHAR NOT NULL,
    loaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    is_loaded BOOLEAN NOT NULL,
    problem VARCHAR NOT NULL,
    attempts BIGINT NOT NULL
);
