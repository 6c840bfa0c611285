-- +goose Up
create table token_counts (
  tenant_id  text not null,
  client_id  text not null,
  bucket     text not null,
  began_at   timestamptz not null,
  tokens     bigint not null,
  expires_at timestamptz not null,
  primary key (tenant_id, client_id, bucket, began_at)
);
comment on table token_counts is 'How many tokens clients got for themselves, for their quotas: what the processes of the cell counted, added up within seconds.';
comment on column token_counts.bucket is 'per_hour or per_day; began_at is the beginning of that hour or day in UTC.';
create index token_counts_expiry on token_counts (tenant_id, expires_at);
alter table token_counts enable row level security;
alter table token_counts force row level security;
create policy tenant on token_counts using (tenant_id = current_setting('postern.tenant', true));
create policy sweep on token_counts for select using (current_setting('postern.sweep', true) = 'on');
create policy sweep_expired on token_counts for delete using (current_setting('postern.sweep', true) = 'on' and expires_at <= now());
alter table token_counts set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0, fillfactor = 80);

-- +goose Down
drop table token_counts;
