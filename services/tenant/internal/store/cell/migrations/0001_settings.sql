-- +goose Up
create table settings (
  tenant_id  text primary key,
  document   jsonb not null default '{}' check (jsonb_typeof(document) = 'object'),
  created_at timestamptz not null,
  updated_at timestamptz not null
);
comment on table settings is 'What each tenant of this cell changed of its defaults.';
comment on column settings.document is 'By the names and in the units of /api/v2/tenants/settings; lifetimes in minutes only. The defaults are not here.';
alter table settings enable row level security;
alter table settings force row level security;
create policy tenant on settings using (tenant_id = current_setting('postern.tenant', true));

create table outbox (
  id          bigint generated always as identity primary key,
  tenant_id   text not null,
  event_id    text not null,
  subject     text not null,
  payload     bytea not null,
  traceparent text,
  created_at  timestamptz not null default now()
);
comment on table outbox is 'Facts committed with the change they tell of, and not yet published. The relay publishes them in order and deletes them.';
comment on column outbox.event_id is 'The message ID: a fact that is published twice is stored once.';
comment on column outbox.traceparent is 'The trace of the change (W3C Trace Context), under which the fact is published. Null when nobody traces.';
alter table outbox enable row level security;
alter table outbox force row level security;
create policy tenant on outbox using (tenant_id = current_setting('postern.tenant', true));
create policy relay on outbox using (current_setting('postern.relay', true) = 'on');

-- +goose Down
drop table outbox, settings;
