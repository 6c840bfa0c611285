-- +goose Up
create table device_codes (
  tenant_id        text not null,
  device_hash      bytea not null,
  user_hash        bytea not null,
  client_id        text not null,
  audience         text not null,
  scope            text not null,
  status           text not null check (status in ('pending', 'approved', 'denied')),
  authorized       jsonb,
  user_id          text,
  session_id       text,
  interval_seconds integer not null,
  polled_at        timestamptz,
  issued_at        timestamptz not null,
  good_until       timestamptz not null,
  expires_at       timestamptz not null,
  primary key (tenant_id, device_hash),
  unique (tenant_id, user_hash)
);
comment on table device_codes is 'Devices that wait for somebody to log them in elsewhere (RFC 8628).';
comment on column device_codes.device_hash is 'SHA-256 of the device code.';
comment on column device_codes.user_hash is 'SHA-256 of the user code without its separators. It is short, so that people can type it: a guesser is held back where it is typed, and it opens nothing without the device.';
comment on column device_codes.authorized is 'What was approved, as in codes. Null: nothing yet.';
comment on column device_codes.good_until is 'The row stays a while longer, so that a device that asks late is told why.';
create index device_codes_expiry on device_codes (tenant_id, expires_at);
alter table device_codes set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0, fillfactor = 70);
alter table device_codes enable row level security;
alter table device_codes force row level security;
create policy tenant on device_codes using (tenant_id = current_setting('postern.tenant', true));
create policy sweep on device_codes for select using (current_setting('postern.sweep', true) = 'on');
create policy sweep_expired on device_codes for delete using (current_setting('postern.sweep', true) = 'on' and expires_at <= now());

-- +goose Down
drop table device_codes;
