-- +goose Up
alter table entries add column correlation_id text;
comment on column entries.correlation_id is 'What the caller ties calls together by (X-Correlation-ID), cut to 64 characters. Null: nothing was sent.';
