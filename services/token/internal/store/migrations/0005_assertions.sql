-- +goose Up
-- Client assertions that were used (RFC 7523 §3, rule 7): one more use is a replay.
create table assertions (
  tenant_id      text not null,
  assertion_hash bytea not null,
  expires_at     timestamptz not null,
  primary key (tenant_id, assertion_hash)
);
create index assertions_end on assertions (tenant_id, expires_at);
comment on table assertions is 'The jti of client assertions, until they would have expired by themselves.';
comment on column assertions.assertion_hash is 'SHA-256 over client and jti.';
alter table assertions enable row level security;
alter table assertions force row level security;
create policy tenant on assertions using (tenant_id = current_setting('postern.tenant', true));
create policy sweep on assertions for select using (current_setting('postern.sweep', true) = 'on');
create policy sweep_expired on assertions for delete using (current_setting('postern.sweep', true) = 'on' and expires_at <= now());

-- +goose Down
drop table assertions;
