-- +goose Up
create table entries (
  tenant_id     text collate "C" not null,
  date          timestamptz not null,
  event_id      text collate "C" not null,
  seq           bigint not null,
  ingested_at   timestamptz not null,
  tenant_name   text,
  type          text collate "C" not null,
  description   text,
  client_id     text collate "C",
  client_name   text,
  connection    text,
  connection_id text,
  strategy      text,
  strategy_type text,
  user_id       text collate "C",
  user_name     text,
  ip            text,
  user_agent    text,
  is_mobile     boolean not null,
  hostname      text,
  audience      text,
  scope         text,
  session_id    text,
  details       json,
  primary key (tenant_id, date, event_id)
) partition by range (date);
comment on table entries is 'The audit log, a partition a UTC day (entries_YYYYMMDD). Entries are never changed; days past the retention are dropped whole.';
comment on column entries.date is 'When it happened, as the event itself says: the same on every redelivery, so that with event_id it makes a repeat a conflict.';
comment on column entries.seq is 'The place in the cell''s log; rises in the order in which transactions become visible. With ingested_at it is the log_id.';
comment on column entries.ingested_at is 'When it got its place; to the millisecond, never falling while seq rises.';
comment on column entries.user_agent is 'Normalised: "Chrome 120.0.0 / Mac OS X 10.15.7".';
comment on column entries.details is 'What else the event says. Text, not jsonb: it is only ever given back.';
create index entries_by_seq on entries (tenant_id, seq);
create index entries_by_user on entries (tenant_id, user_id, date) where user_id is not null;
create index entries_by_client on entries (tenant_id, client_id, date) where client_id is not null;
create index entries_by_type on entries (tenant_id, type, date);
alter table entries enable row level security;
alter table entries force row level security;
create policy tenant on entries using (tenant_id = current_setting('postern.tenant', true));
create policy intake on entries for insert with check (current_setting('postern.intake', true) = 'on');
comment on policy intake on entries is 'A batch holds many tenants'' events. It may only add; reading, and deleting, stay behind the tenant''s policy.';

create table intake (
  only_row boolean primary key default true check (only_row),
  last_seq bigint not null,
  last_at  timestamptz not null
);
comment on table intake is 'The end of the cell''s log, one row. Whoever appends locks it until the commit: so places become visible in their order.';
insert into intake (last_seq, last_at) values (0, 'epoch');

-- The runtime role may not create or drop tables. It may have this one done, in bounds.
-- +goose StatementBegin
create function keep_partitions(first_day date, last_day date) returns void
language plpgsql security definer set search_path = log, pg_temp as $$
declare
  day date;
  part text;
begin
  if last_day < first_day or last_day - first_day > 4000 or first_day > current_date + 1 then
    raise exception 'days % to % are no retention', first_day, last_day;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('postern/log/partitions', 0));
  for day in select d::date from generate_series(first_day::timestamp, last_day::timestamp, interval '1 day') d loop
    part := 'entries_' || to_char(day, 'YYYYMMDD');
    if to_regclass('log.' || part) is null then
      execute format('create table log.%I partition of log.entries for values from (%L) to (%L)',
        part, to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
      execute format('alter table log.%I enable row level security', part);
      execute format('alter table log.%I force row level security', part);
      execute format('create policy tenant on log.%I using (tenant_id = current_setting(''postern.tenant'', true))', part);
    end if;
  end loop;
  for part in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'log.entries'::regclass and c.relname < 'entries_' || to_char(first_day, 'YYYYMMDD')
  loop
    execute format('drop table log.%I', part);
  end loop;
end
$$;
-- +goose StatementEnd
comment on function keep_partitions is 'Makes the partitions of the days that are missing and drops those before the first. Runs as the schema''s owner.';

-- +goose Down
drop function keep_partitions;
drop table intake, entries;
