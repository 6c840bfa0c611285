-- +goose Up
-- Widens only: a release that does not know the table keeps no old password.
create table password_history (
  tenant_id   text not null,
  provider    text not null,
  identity_id text not null,
  position    bigint not null generated always as identity,
  hash        text not null check (hash like '$argon2id$%'),
  replaced_at timestamptz not null,
  primary key (tenant_id, provider, identity_id, position),
  foreign key (tenant_id, provider, identity_id) references identities (tenant_id, provider, id) on delete cascade
);
comment on table password_history is
  'Hashes of passwords that an identity had before, so that they are not taken again. Only where the connection asks for it, and only as many.';
comment on column password_history.replaced_at is 'When another password took its place.';
alter table password_history enable row level security;
alter table password_history force row level security;
create policy tenant on password_history using (tenant_id = current_setting('postern.tenant', true));

-- +goose Down
drop table password_history;
